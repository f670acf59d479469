using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Cluster.History;
using WolfScale.Cluster.State;

namespace WolfScale.Unit.Cluster;

/// <summary>The node's history on a real disk.</summary>
public sealed class EventHistoryTests : IDisposable
{
    private readonly TempFolder _folder = new("events");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Events_outlive_the_process_and_no_id_is_given_twice()
    {
        await using (var first = Open())
        {
            first.Record("elected", "why \"not\"", ("term", 7L), ("why", null), ("on", true), ("name", "Käse"));
            first.RecordDiscarded(3, "rewound", "three");
        } // closing writes what is queued

        await using var second = Open();
        second.Record("elected", "again");
        await second.WaitForMoreAsync(2, TestContext.Current.CancellationToken);

        Assert.Equal([(1L, "elected"), (2L, "rewound"), (3L, "elected")], second.Newest(10).Select(e => (e.Id, e.Kind)));
        Assert.Equal(3, second.Discarded);
        var details = JsonDocument.Parse(second.Newest(10)[0].Details).RootElement;
        Assert.Equal((7, JsonValueKind.Null, true, "Käse"), (details.GetProperty("term").GetInt32(), details.GetProperty("why").ValueKind, details.GetProperty("on").GetBoolean(), details.GetProperty("name").GetString()));
    }

    /// <summary>It keeps no node from starting, and is not spoilt for the program that goes on with it.</summary>
    [Fact]
    public async Task A_history_of_a_later_version_is_left_alone()
    {
        await using (var first = Open())
            first.Record("elected", "kept");
        SetVersion(2);

        await using (var older = Open())
        {
            older.Record("elected", "in memory alone");
            await older.WaitForMoreAsync(0, TestContext.Current.CancellationToken);
            Assert.Equal("in memory alone", Assert.Single(older.Newest(10)).Message);
        }

        SetVersion(1);
        await using var again = Open();
        Assert.Equal("kept", Assert.Single(again.Newest(10)).Message);
    }

    [Fact]
    public async Task The_oldest_go_from_memory_and_disk()
    {
        await using (var history = Open(keep: 10))
        {
            for (var i = 1; i <= 35; i++)
            {
                history.Record("alarm", $"{i}");
                await history.WaitForMoreAsync(i - 1, TestContext.Current.CancellationToken);
            }
            Assert.Equal(Enumerable.Range(26, 10).Select(i => (long)i), history.After(0, 100).Select(e => e.Id));
        }

        await using var again = Open(keep: 1000);
        Assert.Equal(Enumerable.Range(26, 10).Select(i => (long)i), again.After(0, 100).Select(e => e.Id));
    }

    [Fact]
    public async Task A_reader_gets_what_comes_after_its_place_and_waits_where_there_is_nothing()
    {
        await using var history = Open();
        var waiting = history.WaitForMoreAsync(0, TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);

        history.Record("alarm", "one");
        await waiting;
        _time.Advance(TimeSpan.FromMinutes(1));
        history.Record("alarm", "two");
        history.Record("alarm", "three");
        await history.WaitForMoreAsync(2, TestContext.Current.CancellationToken);

        Assert.Equal(["two"], history.After(1, 1).Select(e => e.Message));
        Assert.Equal(["two", "three"], history.Since(DateTimeOffset.UnixEpoch.AddSeconds(30), 9).Select(e => e.Message));
        Assert.Equal(["two", "three"], history.Newest(2).Select(e => e.Message));
        Assert.Empty(history.After(3, 9));
        Assert.Equal(3, history.LastId);
    }

    [Fact]
    public async Task What_comes_faster_than_the_disk_takes_it_is_counted_and_nobody_waits()
    {
        await using var history = Open();
        for (var i = 0; i < 20_000; i++)
            history.Record("alarm", "storm");
        await using (history)
        {
            await history.WaitForMoreAsync(1, TestContext.Current.CancellationToken);
        }

        var kept = history.After(0, int.MaxValue);
        // Ids rise without a gap, whatever was lost; and what was lost is told.
        Assert.Equal(Enumerable.Range(0, kept.Count).Select(i => kept[0].Id + i), kept.Select(e => e.Id));
        var told = kept.Where(e => e.Kind == EventKinds.EventsLost).Sum(e => JsonDocument.Parse(e.Details).RootElement.GetProperty("count").GetInt32());
        if (kept[0].Id == 1)
            Assert.Equal(20_000, told + kept.Count(e => e.Kind == "alarm"));
        else
            Assert.Equal(EventHistory.Kept, kept.Count);
    }

    [Fact]
    public async Task A_damaged_history_is_put_aside_and_begins_anew()
    {
        await File.WriteAllBytesAsync(Path.Combine(_folder.Path, "events.db"), new byte[8192].Select((_, i) => (byte)i).ToArray(), TestContext.Current.CancellationToken);

        await using var history = Open();
        history.Record("alarm", "one");
        await history.WaitForMoreAsync(0, TestContext.Current.CancellationToken);

        Assert.Equal(1, history.LastId);
        Assert.True(File.Exists(Path.Combine(_folder.Path, "events.db.damaged")));
    }

    [Fact]
    public async Task Without_a_disk_it_lives_in_memory()
    {
        await using var history = EventHistory.Open(Path.Combine(_folder.Path, "is", "not", "there"), "node-1", _time, NullLogger.Instance);
        history.Record("alarm", "one");
        await history.WaitForMoreAsync(0, TestContext.Current.CancellationToken);
        Assert.Equal("one", history.Newest(1)[0].Message);
    }

    private EventHistory Open(int keep = EventHistory.Kept) => EventHistory.Open(_folder.Path, "node-1", _time, NullLogger.Instance, keep);

    private void SetVersion(int version)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_folder.Path, "events.db")};Pooling=False");
        connection.Open();
        connection.SetSchema(version);
    }
}
