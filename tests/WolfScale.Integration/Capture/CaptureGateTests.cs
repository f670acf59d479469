using MySqlConnector;
using WolfScale.Wal;

namespace WolfScale.Integration.Capture;

/// <summary>The gate: nothing commits before the quorum holds it.</summary>
public sealed class CaptureGateTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_commit_returns_and_its_row_is_seen_only_when_the_quorum_holds_it()
    {
        await using var server = await TestServer.StartAsync();
        await server.PrepareAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB");
        var position = await server.PositionAsync();
        await using var log = new TestLog(basePosition: position.ToString());
        var term = log.Lead();
        using var capture = server.Capture(term);
        var running = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);

        var insert = server.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        await log.WaitForLastAsync(2);

        Assert.Equal("0", await server.TextAsync("SELECT COUNT(*) FROM d.t"));
        Assert.False(insert.IsCompleted);
        Assert.Equal(1, capture.Statistics.WaitingCommits);

        log.Commit(1); // the no-op: not the insert
        Assert.Equal("0", await server.TextAsync("SELECT COUNT(*) FROM d.t"));
        Assert.Equal(0, capture.Statistics.Acks);

        log.Commit(2);
        await insert.WaitAsync(Deadline);
        Assert.Equal("1", await server.TextAsync("SELECT COUNT(*) FROM d.t"));
        Assert.Equal(1, capture.Statistics.Acks);
        Assert.Equal(await server.PositionAsync(), position.With(capture.LastCapturedGtid!.Value));

        term.End();
        Assert.Null(await running.WaitAsync(Deadline));
    }

    [Fact]
    public async Task One_ack_releases_a_whole_group_commit()
    {
        await using var server = await TestServer.StartAsync();
        await server.PrepareAsync(
            "CREATE DATABASE d",
            "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB",
            "SET GLOBAL binlog_commit_wait_count=20",
            "SET GLOBAL binlog_commit_wait_usec=10000000");
        await using var log = new TestLog(basePosition: (await server.PositionAsync()).ToString());
        var term = log.Lead();
        log.CommitAll();
        using var capture = server.Capture(term);
        _ = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);

        var inserts = Enumerable.Range(1, 20).Select(i => server.ExecuteAsync($"INSERT INTO d.t VALUES ({i})")).ToArray();
        await log.WaitForLastAsync(1 + 20);
        Assert.All(inserts, i => Assert.False(i.IsCompleted));

        log.CommitAll();
        await Task.WhenAll(inserts).WaitAsync(Deadline);
        Assert.Equal(1, capture.Statistics.Acks);
        Assert.Equal(20, capture.Statistics.Releases);
    }

    [Fact]
    public async Task What_the_log_holds_is_byte_for_byte_what_the_server_wrote()
    {
        await using var server = await TestServer.StartAsync();
        await using var log = new TestLog(autoCommit: true);
        using var capture = server.Capture(log.Lead());
        _ = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);

        await server.ExecuteAsync(
            "CREATE DATABASE d",
            "CREATE TABLE d.t (id INT PRIMARY KEY, v LONGBLOB) ENGINE=InnoDB",
            "INSERT INTO d.t VALUES (1, REPEAT('x', 3000000)), (2, REPEAT('y', 100))", // over several entries
            "UPDATE d.t SET v = 'z' WHERE id = 2");

        var captured = log.Entries().Where(e => e.Kind == EntryKind.Group).SelectMany(e => e.Payload).ToArray();
        var file = await File.ReadAllBytesAsync(Path.Combine(server.Private.Directory, "data", "binlog.000001"));
        Assert.True(captured.Length > 3_000_000);
        Assert.True(file.AsSpan(^captured.Length..).SequenceEqual(captured));
        Assert.All(log.Entries(), e => Assert.InRange(e.Payload.Length, 0, 1 << 20));
    }

    [Fact]
    public async Task A_server_with_another_semi_sync_replica_is_not_attached_until_that_is_gone()
    {
        await using var server = await TestServer.StartAsync();
        await using var other = new TestLog();
        using var foreign = server.Capture(other.Lead());
        _ = foreign.RunAsync(CancellationToken.None);
        await foreign.Attached.WaitAsync(Deadline);

        await using var log = new TestLog();
        using var capture = server.Capture(log.Lead());
        _ = capture.RunAsync(CancellationToken.None);
        await server.AwaitTextAsync("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Rpl_semi_sync_master_clients'", "2");
        Assert.False(capture.Attached.IsCompleted);

        foreign.Dispose();
        await capture.Attached.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Non_transactional_writes_and_ddl_are_captured_and_wait_as_well()
    {
        await using var server = await TestServer.StartAsync();
        await using var log = new TestLog();
        var term = log.Lead();
        log.CommitAll();
        using var capture = server.Capture(term);
        _ = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);

        var statements = new[]
        {
            "CREATE DATABASE d", "CREATE TABLE d.m (id INT) ENGINE=MyISAM", "INSERT INTO d.m VALUES (1)", "CREATE SEQUENCE d.s", "DO NEXTVAL(d.s)", "FLUSH TABLES", "CREATE USER u",
        };
        for (var i = 0; i < statements.Length; i++)
        {
            var running = server.ExecuteAsync(statements[i]);
            await log.WaitForLastAsync(2 + i);
            Assert.False(running.IsCompleted);
            log.CommitAll();
            await running.WaitAsync(Deadline);
        }
    }

    [Fact]
    public async Task After_the_end_of_the_term_nothing_is_released()
    {
        await using var server = await TestServer.StartAsync();
        await server.PrepareAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB");
        await using var log = new TestLog(basePosition: (await server.PositionAsync()).ToString());
        var term = log.Lead();
        log.CommitAll();
        using var capture = server.Capture(term);
        var running = capture.RunAsync(CancellationToken.None);
        await capture.Attached.WaitAsync(Deadline);
        await using var connection = await server.ConnectAsync();
        var insert = TestServer.ExecuteAsync(connection, "INSERT INTO d.t VALUES (1)");
        await log.WaitForLastAsync(2);

        term.End();
        log.CommitAll(); // by the next leader, for all this node knows: another entry may stand at LSN 2
        Assert.Null(await running.WaitAsync(Deadline));
        await server.AwaitTextAsync("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Rpl_semi_sync_master_clients'", "0");
        Assert.False(insert.IsCompleted);
        Assert.Equal(0, capture.Statistics.Acks);

        await server.Private.StopAsync(force: true);
        _ = await Assert.ThrowsAnyAsync<MySqlException>(() => insert);
    }
}
