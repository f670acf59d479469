using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Cluster;
using WolfScale.Server.Hosting;
using WolfScale.Unit.Wal;
using WolfScale.Wal;

namespace WolfScale.Unit.Server;

/// <summary>Rule C5: what a log gives up is saved, told and counted once, wherever the node is killed. The log holds 0-1-1 to 0-1-10 of term 1, and gives up all after LSN 4.</summary>
public sealed class DiscardedWritesTests : IAsyncDisposable
{
    private readonly TempFolder _folder = new("discards");
    private readonly MemoryState _state = new();
    private readonly SimulatedDisk _disk = new();
    private readonly List<string> _history = [];
    private readonly List<string> _queued = [];
    private readonly WriteAheadLog _log;
    private DiscardedWrites _writes = null!;

    public DiscardedWritesTests()
    {
        _log = WriteAheadLog.Open(WalKit.On(_disk));
        _log.AddSynced(WalKit.Groups(1, 1, 1, count: 4));
        _log.AddSynced(WalKit.Groups(5, 1, 5, count: 2));
        _log.AddSynced(WalKit.Groups(7, 1, 7, count: 4));
        Start();
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void It_is_told_once_the_cut_is_durable_and_no_earlier()
    {
        Save();
        Look();
        Assert.Empty(_queued);

        _log.TruncateAfter(4, wakeWriter: false);
        Look();
        Assert.Empty(_queued);

        _log.AddSynced(WalKit.NoOp(5, 2));
        Look();
        Look();
        Assert.Equal([Assert.Single(Files)], _queued);
        Assert.Equal((6L, Files[0]), DiscardedWrites.Read(_state));
    }

    /// <summary>Killed after it was saved, and before the cut was durable: the log still holds everything, and the next cut saves it again.</summary>
    [Fact]
    public void Killed_before_the_cut_it_is_saved_and_counted_once()
    {
        Save();
        Start();
        Look();
        Save();
        Cut();
        Look();

        Assert.Equal([Assert.Single(Files)], _queued);
        Assert.Equal(6, DiscardedWrites.Read(_state).Transactions);
    }

    /// <summary>The same, and the leader that it finds then has more of its entries: what stays in the log is in no file.</summary>
    [Fact]
    public void Killed_before_the_cut_what_stays_after_all_is_in_no_file()
    {
        Save();
        Start();
        Save(firstLsn: 7);
        Cut(lastKept: 6);
        Look();

        Assert.Contains("-0-1-7-to-0-1-10", Assert.Single(Files), StringComparison.Ordinal);
        Assert.Equal(Files, _queued);
        Assert.Equal(4, DiscardedWrites.Read(_state).Transactions);
    }

    [Fact]
    public void Killed_before_its_history_was_written_it_tells_again_and_only_then()
    {
        Save();
        Cut();
        Look();
        Assert.Single(_queued);
        _queued.Clear(); // with the process

        Start();
        Look();
        Assert.Equal(Files, _queued);

        _history.AddRange(_queued);
        Start();
        Look();
        Assert.Single(_queued);
        Assert.Equal((6L, Files[0]), DiscardedWrites.Read(_state));
    }

    /// <summary>One discard after another: the first is not forgotten because it was not told yet.</summary>
    [Fact]
    public void Two_discards_are_told_both()
    {
        Save();
        Cut();
        _log.AddSynced(WalKit.Groups(6, 2, 6, count: 2));
        Save(firstLsn: 6, lastLsn: 7);
        Cut(lastKept: 5, term: 3);
        Look();

        Assert.Equal(2, Files.Length);
        Assert.Equal(Files, _queued);
        Assert.Equal(8, DiscardedWrites.Read(_state).Transactions);
    }

    /// <summary>Nothing was cut off for a file that was never finished, and it takes no space.</summary>
    [Fact]
    public void Killed_while_it_was_written_nothing_of_it_stays()
    {
        _state.Failing = 2; // what is noted once the file is durable
        Assert.Throws<IOException>(() => Save());
        File.WriteAllText(Path.Combine(_folder.Path, "discarded-log-20200101-000000-000-0-1-5-to-0-1-10.binlog.part"), "half of it");

        Start();
        Save();
        Cut();
        Look();
        Assert.Equal([Assert.Single(Files)], _queued);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.part"));
        Assert.Equal(6, DiscardedWrites.Read(_state).Transactions);
    }

    private string[] Files => [.. Directory.GetFiles(_folder.Path, "*.binlog").Order(StringComparer.Ordinal)];

    /// <summary>A life of the process: what is on the disks stays.</summary>
    private void Start() => _writes = new DiscardedWrites(_folder.Path, NullLogger.Instance, TimeProvider.System);

    private void Save(long firstLsn = 5, long lastLsn = 10) => _writes.Save(new DiscardedEntries(_log, _state, firstLsn, lastLsn, "node-2"));

    private void Cut(long lastKept = 4, long term = 2)
    {
        _log.TruncateAfter(lastKept, wakeWriter: false);
        _log.AddSynced(WalKit.NoOp(lastKept + 1, term));
    }

    private void Look() => _writes.Settle(_log, _state, _history.Contains, open => _queued.Add(open.File));
}
