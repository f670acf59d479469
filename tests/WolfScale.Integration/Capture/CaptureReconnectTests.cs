using WolfScale.MariaDb;
using WolfScale.Protocol;
using WolfScale.Wal;

namespace WolfScale.Integration.Capture;

/// <summary>What is lost with a connection, or with a leader, comes again: every group once in the log, every commit released.</summary>
public sealed class CaptureReconnectTests
{
    private const string KillDump =
        "BEGIN NOT ATOMIC DECLARE i INT; SELECT id INTO i FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump' LIMIT 1; KILL HARD CONNECTION i; END";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_commit_that_waits_while_the_connection_is_lost_is_released_on_the_next_one()
    {
        await using var server = await ServerWithTableAsync();
        await using var log = new TestLog(basePosition: (await server.PositionAsync()).ToString());
        using var capture = server.Capture(log.Lead());
        log.CommitAll();
        _ = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);
        await InsertAndCommitAsync(server, log, 1);

        var insert = server.ExecuteAsync("INSERT INTO d.t VALUES (2)");
        await log.WaitForLastAsync(3);
        await server.ExecuteAsync(KillDump);
        await AwaitAsync(() => capture.Statistics is { Connections: 2, GroupsKnownAlready: 2, WaitingCommits: 1 });
        Assert.False(insert.IsCompleted);

        log.CommitAll();
        await insert.WaitAsync(Deadline);
        Assert.Equal(3, log.LastLsn); // nothing was captured twice
    }

    /// <summary>The quorum's news comes while no connection is there to send an ACK on.</summary>
    [Fact]
    public async Task A_commit_that_the_quorum_decided_while_the_server_was_out_of_reach_is_released_on_the_next_connection()
    {
        await using var server = await ServerWithTableAsync();
        await using var log = new TestLog(basePosition: (await server.PositionAsync()).ToString());
        var term = log.Lead();
        log.CommitAll();
        await using var relay = new Relay(server.Private.Port);
        using var capture = server.Capture(term, o => o with { Server = new ServerEndpoint { Host = "127.0.0.1", Port = relay.Port, User = "root" } });
        _ = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);
        var insert = server.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        await log.WaitForLastAsync(2);

        relay.Cut();
        log.CommitAll();
        await AwaitAsync(() => capture.LastFault is not null);
        Assert.False(insert.IsCompleted);

        relay.Mend();
        await insert.WaitAsync(Deadline);
        Assert.Equal(CaptureFaultKind.Connection, capture.LastFault!.Kind);
        Assert.Equal(2, log.LastLsn);
    }

    [Fact]
    public async Task The_next_leader_term_on_the_same_server_takes_over_what_waits()
    {
        await using var server = await ServerWithTableAsync();
        await using var log = new TestLog(basePosition: (await server.PositionAsync()).ToString());
        using (var first = server.Capture(log.Lead()))
        {
            log.CommitAll();
            _ = first.RunAsync(CancellationToken.None);
            await first.Attached.WaitAsync(Deadline);
            _ = server.ExecuteAsync("INSERT INTO d.t VALUES (1)");
            await log.WaitForLastAsync(2);
        }

        // The insert is in the log and not committed; the new term's no-op stands after it, and with that both are.
        using var second = server.Capture(log.Lead());
        _ = second.RunAsync(CancellationToken.None);
        await second.Attached.WaitAsync(Deadline);
        Assert.Equal("0", await server.TextAsync("SELECT COUNT(*) FROM d.t"));
        log.CommitAll();
        await server.AwaitTextAsync("SELECT COUNT(*) FROM d.t", "1");
        Assert.Equal(new Gtid(0, 1, 3), second.LastCapturedGtid);
        Assert.Equal(3, log.LastLsn);
    }

    /// <summary>Rule C7: half a group stays in the log, void; the capture writes the group again, whole.</summary>
    [Fact]
    public async Task C7_a_group_that_was_captured_in_part_is_captured_again_as_a_whole()
    {
        await using var server = await ServerWithTableAsync("v LONGBLOB");
        await using var log = new TestLog(basePosition: (await server.PositionAsync()).ToString());
        var term = log.Lead();
        log.CommitAll();
        using var capture = server.Capture(term);
        _ = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);

        log.BatchesBeforeRoomCloses = 3;
        var insert = server.ExecuteAsync("INSERT INTO d.t VALUES (1, REPEAT('x', 12000000))");
        await log.WaitForLastAsync(1 + 3);
        await server.ExecuteAsync(KillDump);
        log.BatchesBeforeRoomCloses = null;
        var room = log.Room!;
        log.Room = null;
        room.SetResult();

        await AwaitAsync(() => capture.Statistics.Connections == 2 && capture.Statistics.WaitingCommits == 1);
        log.CommitAll();
        await insert.WaitAsync(Deadline);

        var groups = log.Entries().Where(e => e.Kind == EntryKind.Group).ToList();
        Assert.Equal(2, groups.Count(e => e.Flags.HasFlag(EntryFlags.First)));
        Assert.True(groups[^1].Flags.HasFlag(EntryFlags.Last));
        _ = Assert.Single(groups, e => e.Flags.HasFlag(EntryFlags.Last));
        Assert.Equal(groups[^1].Lsn, log.FindGroup(groups[^1].Key));
    }

    [Fact]
    public async Task A_server_whose_binary_log_begins_behind_the_last_committed_group_is_captured_from_there()
    {
        await using var server = await ServerWithTableAsync();
        var position = await server.PositionAsync();
        await using var log = new TestLog();
        log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 7, 99), [1]));
        log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 9, 100), [1]));
        log.CommitAll();
        await server.PrepareAsync("RESET MASTER", "SET GLOBAL gtid_binlog_state='0-9-100'");
        using var capture = server.Capture(log.Lead());
        log.CommitAll();
        _ = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);
        log.AutoCommit = true;

        await server.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        Assert.Equal(new Gtid(0, 1, 101), capture.LastCapturedGtid);
        Assert.Null(capture.LastFault);
        Assert.False(position.IsEmpty);
    }

    /// <summary>A leader of long ago that comes back: its own groups after the log's last one are a valid continuation, captured first.</summary>
    [Fact]
    public async Task Groups_the_server_committed_alone_after_the_logs_last_are_captured_first()
    {
        await using var server = await ServerWithTableAsync();
        await using var log = new TestLog(autoCommit: true, basePosition: (await server.PositionAsync()).ToString());
        await server.PrepareAsync("INSERT INTO d.t VALUES (1)", "INSERT INTO d.t VALUES (2)");
        using var capture = server.Capture(log.Lead());
        _ = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);
        await log.WaitForLastAsync(3);
        Assert.Equal((await server.PositionAsync()).ToString(), capture.LastCapturedGtid.ToString());
    }

    [Fact]
    public async Task A_group_of_a_foreign_domain_ends_the_capture()
    {
        await using var server = await ServerWithTableAsync();
        await using var log = new TestLog(autoCommit: true, basePosition: (await server.PositionAsync()).ToString());
        using var capture = server.Capture(log.Lead());
        var running = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);

        await using var connection = await server.ConnectAsync();
        await TestServer.ExecuteAsync(connection, "SET gtid_domain_id=7");
        var insert = TestServer.ExecuteAsync(connection, "INSERT INTO d.t VALUES (1)");
        var fault = await running.WaitAsync(Deadline);
        Assert.Equal(CaptureFaultKind.ForeignDomain, fault!.Kind);
        Assert.Contains("gtid_domain_id", fault.Message, StringComparison.Ordinal);
        Assert.False(insert.IsCompleted);
        Assert.Equal(1, log.LastLsn);
        await server.Private.StopAsync(force: true);
        _ = await Assert.ThrowsAnyAsync<Exception>(() => insert);
    }

    [Fact]
    public async Task A_server_that_lacks_the_logs_last_group_is_refused()
    {
        await using var server = await ServerWithTableAsync();
        await using var log = new TestLog(basePosition: (await server.PositionAsync()).ToString());
        log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 7, 50), [1]));
        log.CommitAll();
        using var capture = server.Capture(log.Lead());
        var fault = await capture.RunAsync(CancellationToken.None).WaitAsync(Deadline);
        Assert.Equal(CaptureFaultKind.Diverged, fault!.Kind);
        var attached = await Assert.ThrowsAsync<CaptureException>(() => capture.Attached);
        Assert.Equal(fault, attached.Fault);
    }

    [Fact]
    public async Task A_server_that_holds_another_group_in_the_place_of_a_logged_one_is_refused()
    {
        await using var server = await ServerWithTableAsync();
        var position = await server.PositionAsync();
        await using var log = new TestLog(basePosition: position.ToString());
        log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 7, position.Gtids[0].Sequence + 1), [1])); // uncommitted: the start is the base
        await server.PrepareAsync("INSERT INTO d.t VALUES (1)", "INSERT INTO d.t VALUES (2)");
        using var capture = server.Capture(log.Lead());
        var fault = await capture.RunAsync(CancellationToken.None).WaitAsync(Deadline);
        Assert.Equal(CaptureFaultKind.Diverged, fault!.Kind);
        Assert.Contains("the replicated log does not", fault.Message, StringComparison.Ordinal);
        Assert.Equal(2, log.LastLsn);
    }

    [Fact]
    public async Task A_server_whose_sequence_passes_over_a_logged_group_is_refused()
    {
        await using var server = await ServerWithTableAsync();
        var position = await server.PositionAsync();
        await using var log = new TestLog(basePosition: position.ToString());
        var next = position.Gtids[0].Sequence + 1;
        log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 7, next), [1]));
        await server.PrepareAsync($"SET gtid_seq_no={next + 1}", "INSERT INTO d.t VALUES (1)");
        using var capture = server.Capture(log.Lead());
        var fault = await capture.RunAsync(CancellationToken.None).WaitAsync(Deadline);
        Assert.Equal(CaptureFaultKind.Diverged, fault!.Kind);
        Assert.Contains("in between", fault.Message, StringComparison.Ordinal);
        Assert.Equal(2, log.LastLsn);
    }

    [Fact]
    public async Task Without_checksums_capture_says_what_to_set_and_goes_on_when_it_is_set()
    {
        await using var server = await TestServer.StartAsync(settings: new Dictionary<string, string> { ["binlog-checksum"] = "NONE" });
        await using var log = new TestLog(autoCommit: true);
        using var capture = server.Capture(log.Lead());
        _ = capture.RunAsync(CancellationToken.None);
        await AwaitAsync(() => capture.LastFault is not null);
        Assert.Equal(CaptureFaultKind.Settings, capture.LastFault!.Kind);
        Assert.Contains("SET GLOBAL binlog_checksum=CRC32", capture.LastFault.Message, StringComparison.Ordinal);
        Assert.False(capture.Attached.IsCompleted);

        await server.ExecuteAsync("SET GLOBAL binlog_checksum=CRC32");
        await capture.Attached.WaitAsync(Deadline);
        await server.ExecuteAsync("CREATE DATABASE d");
    }

    [Fact]
    public async Task A_wrong_password_is_reported_and_capture_goes_on_when_the_account_is_there()
    {
        await using var server = await ServerWithTableAsync();
        await using var log = new TestLog(autoCommit: true, basePosition: (await server.PositionAsync()).ToString());
        using var capture = server.Capture(log.Lead(), o => o with { Server = server.Endpoint with { User = "wolfscale", Password = "right" } });
        _ = capture.RunAsync(CancellationToken.None);
        await AwaitAsync(() => capture.LastFault is not null);
        Assert.Equal(CaptureFaultKind.Connection, capture.LastFault!.Kind);
        Assert.Contains("1045", capture.LastFault.Message, StringComparison.Ordinal);

        await server.ExecuteAsync("SET sql_log_bin=0; CREATE USER wolfscale@localhost IDENTIFIED BY 'right'; GRANT REPLICATION SLAVE ON *.* TO wolfscale@localhost");
        await capture.Attached.WaitAsync(Deadline);
    }

    [Fact]
    public async Task A_frozen_server_is_noticed_and_captured_again_when_it_thaws()
    {
        await using var server = await ServerWithTableAsync();
        await using var log = new TestLog(autoCommit: true, basePosition: (await server.PositionAsync()).ToString());
        using var capture = server.Capture(log.Lead(), o => o with { SilenceTimeout = TimeSpan.FromSeconds(2) });
        _ = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);

        server.Private.Signal(19);
        await AwaitAsync(() => capture.LastFault is not null);
        Assert.Contains("did not answer", capture.LastFault!.Message, StringComparison.Ordinal);
        server.Private.Signal(18);
        await AwaitAsync(() => capture.Statistics.Connections == 2);
        await server.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        Assert.Equal("1", await server.TextAsync("SELECT COUNT(*) FROM d.t"));
    }

    private static async Task<TestServer> ServerWithTableAsync(string? column = null)
    {
        var server = await TestServer.StartAsync();
        await server.PrepareAsync("CREATE DATABASE d", $"CREATE TABLE d.t (id INT PRIMARY KEY {(column is null ? "" : ", " + column)}) ENGINE=InnoDB");
        return server;
    }

    private static async Task InsertAndCommitAsync(TestServer server, TestLog log, int id)
    {
        var next = log.LastLsn + 1;
        var insert = server.ExecuteAsync($"INSERT INTO d.t VALUES ({id})");
        await log.WaitForLastAsync(next);
        log.CommitAll();
        await insert.WaitAsync(Deadline);
    }

    private static async Task AwaitAsync(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!condition())
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }
}
