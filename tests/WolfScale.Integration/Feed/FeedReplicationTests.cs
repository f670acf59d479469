using WolfScale.Integration.Capture;
using WolfScale.MariaDb;
using WolfScale.Wal;

namespace WolfScale.Integration.Feed;

/// <summary>Leader → capture → log → feed → follower: the follower's server ends up with the same data, whatever was written.</summary>
public sealed class FeedReplicationTests
{
    [Fact]
    public async Task Everything_a_server_writes_to_its_binary_log_arrives()
    {
        await using var pair = await Pair.StartAsync();
        var file = Path.Combine(pair.Leader.Private.Directory, "rows.txt");
        await File.WriteAllLinesAsync(file, Enumerable.Range(1, 1000).Select(i => $"{i}\trow {i}"));
        await pair.Leader.ExecuteAsync(
            "CREATE DATABASE d CHARACTER SET utf8mb4",
            "CREATE TABLE d.rows (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(200), at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6)) ENGINE=InnoDB",
            "CREATE TABLE d.log (id INT, what VARCHAR(20)) ENGINE=MyISAM",
            "CREATE TABLE d.aria (id INT PRIMARY KEY, v TEXT) ENGINE=Aria",
            "CREATE TRIGGER d.tr AFTER INSERT ON d.rows FOR EACH ROW INSERT INTO d.log VALUES (NEW.id, 'insert')",
            "INSERT INTO d.rows (v) VALUES ('one'), ('two'), (REPEAT('x', 200))",
            "UPDATE d.rows SET v = 'TWO' WHERE id = 2",
            "DELETE FROM d.rows WHERE id = 3",
            "INSERT INTO d.aria SELECT seq, REPEAT(seq, 10) FROM d.seq_1_to_1000",
            "CREATE TABLE d.loaded (id INT PRIMARY KEY, v VARCHAR(20))",
            $"LOAD DATA INFILE '{file}' INTO TABLE d.loaded",
            "CREATE TABLE d.copied AS SELECT id, UPPER(v) AS v FROM d.loaded",
            "CREATE VIEW d.view AS SELECT COUNT(*) AS n FROM d.loaded",
            "CREATE SEQUENCE d.seq START WITH 100 CACHE 10",
            "DO NEXTVAL(d.seq), NEXTVAL(d.seq)",
            "CREATE PROCEDURE d.p(n INT) BEGIN DECLARE i INT DEFAULT 0; WHILE i < n DO INSERT INTO d.rows (v) VALUES (CONCAT('p', i)); SET i = i + 1; END WHILE; END",
            "CALL d.p(50)",
            "CREATE FUNCTION d.f() RETURNS INT DETERMINISTIC RETURN 42",
            "CREATE USER reader IDENTIFIED BY 'secret'",
            "GRANT SELECT ON d.* TO reader",
            "ALTER TABLE d.rows ADD COLUMN extra INT DEFAULT 7, ADD INDEX (v)",
            "XA START 'a', 'b', 3; INSERT INTO d.rows (v) VALUES ('xa commit'); XA END 'a', 'b', 3; XA PREPARE 'a', 'b', 3; XA COMMIT 'a', 'b', 3",
            "XA START 'c'; INSERT INTO d.rows (v) VALUES ('xa rollback'); XA END 'c'; XA PREPARE 'c'; XA ROLLBACK 'c'",
            "BEGIN; INSERT INTO d.rows (v) VALUES ('kept'); SAVEPOINT s; INSERT INTO d.rows (v) VALUES ('undone'); ROLLBACK TO s; INSERT INTO d.log VALUES (0, 'mixed'); COMMIT",
            "SET STATEMENT binlog_format=STATEMENT FOR INSERT INTO d.rows (v) VALUES (@@version)",
            "SET SESSION binlog_format=STATEMENT; SET @v = 'user variable'; INSERT INTO d.rows (v) VALUES (@v); INSERT INTO d.rows (v) VALUES (RAND()); SET SESSION binlog_format=ROW",
            "SET GLOBAL log_bin_compress=1",
            "INSERT INTO d.aria VALUES (5000, REPEAT('compressed', 1000))",
            "SET GLOBAL log_bin_compress=0",
            "TRUNCATE TABLE d.copied",
            "ANALYZE TABLE d.rows",
            "FLUSH TABLES",
            "FLUSH BINARY LOGS",
            "INSERT INTO d.rows (v) VALUES ('in the next file')",
            "CREATE TABLE d.dropped (id INT)",
            "RENAME TABLE d.dropped TO d.renamed",
            "DROP TABLE d.renamed");

        await pair.CatchUpAsync();
        await pair.AssertEqualAsync("`d`.`rows`", "`d`.`log`", "`d`.`aria`", "`d`.`loaded`", "`d`.`copied`", "`d`.`view`", "`d`.`seq`");
        Assert.Equal("1000", await pair.Follower.TextAsync("SELECT n FROM d.view"));
        Assert.Equal("0", await pair.Follower.TextAsync("SELECT COUNT(*) FROM d.rows WHERE v IN ('undone', 'xa rollback')"));
    }

    [Fact]
    public async Task Many_sessions_at_once_arrive_in_parallel_group_commits()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async session =>
        {
            await using var connection = await pair.Leader.ConnectAsync();
            for (var i = 0; i < 100; i++)
                await TestServer.ExecuteAsync(connection, $"INSERT INTO d.t VALUES ({(session * 1000) + i}, {i})");
        }));
        await pair.CatchUpAsync();
        await pair.AssertEqualAsync("`d`.`t`");
        Assert.Equal("800", await pair.Follower.TextAsync("SELECT COUNT(*) FROM d.t"));
        Assert.True(pair.Capture.Statistics.Acks < 802, "group commits share an ACK");
    }

    /// <summary>
    /// An event of 40 MB comes and goes over three packets, and a transaction of 60 MB (with <c>WOLFSCALE_LONG</c> set: 400 MB) is never held: not
    /// whole, not in large part.
    /// </summary>
    [Fact]
    public async Task Events_and_transactions_larger_than_any_buffer_pass_in_bounded_memory()
    {
        await using var pair = await Pair.StartAsync(leaderSettings: new Dictionary<string, string> { ["max-allowed-packet"] = "128M" });
        await pair.Follower.ExecuteAsync("SET GLOBAL max_allowed_packet=134217728", "SET GLOBAL slave_max_allowed_packet=134217728");
        await pair.Leader.ExecuteAsync(
            "SET GLOBAL max_allowed_packet=134217728",
            "CREATE DATABASE d",
            "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, v LONGBLOB) ENGINE=InnoDB");
        await pair.Leader.ExecuteAsync("INSERT INTO d.t (v) VALUES (REPEAT('x', 40000000))");
        var rows = Environment.GetEnvironmentVariable("WOLFSCALE_LONG") is { Length: > 0 } ? 400 : 60;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var stop = new CancellationTokenSource();
        var peak = WatchMemoryAsync(stop.Token);
        await pair.Leader.ExecuteAsync("INSERT INTO d.t (v) SELECT CONCAT(seq, REPEAT(MD5(seq), 31250)) FROM d.seq_1_to_" + rows);
        await pair.CatchUpAsync(120);
        await stop.CancelAsync();

        Assert.Equal($"{rows + 1}", await pair.Follower.TextAsync("SELECT COUNT(*) FROM d.t"));
        await pair.AssertEqualAsync("`d`.`t`");
        Assert.True(pair.Log.LastLsn > 38 + (rows * 9 / 10), "it became many entries");
        Assert.True(await peak - before < 100 << 20, $"{(await peak - before) >> 20} MiB");
    }

    /// <summary>The trap: a replica skips events of its own server_id, silently, while its position advances.</summary>
    [Fact]
    public async Task A_rebuilt_server_gets_its_own_old_transactions_back()
    {
        await using var pair = await Pair.StartAsync(followerId: 1); // the same id as the leader's: it is the leader of old, empty
        await pair.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB", "INSERT INTO d.t VALUES (1), (2)");
        await pair.CatchUpAsync();
        await pair.AssertEqualAsync("`d`.`t`");
        Assert.Equal("2", await pair.Follower.TextAsync("SELECT COUNT(*) FROM d.t"));
    }

    [Fact]
    public async Task A_connection_that_breaks_in_the_middle_of_a_group_is_taken_up_again_without_loss()
    {
        await using var pair = await Pair.StartAsync(follow: false);
        await pair.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v LONGBLOB) ENGINE=InnoDB");
        for (var i = 1; i <= 20; i++)
            await pair.Leader.ExecuteAsync($"INSERT INTO d.t VALUES ({i}, REPEAT('x', 300000)), ({i + 100}, 'y')");

        await using var relay = new Relay(pair.Feed.Port);
        relay.BreakAfter(2_000_000);
        await pair.Follower.ExecuteAsync(
            "SET GLOBAL rpl_semi_sync_master_enabled=OFF",
            "SET GLOBAL rpl_semi_sync_slave_enabled=ON",
            $"CHANGE MASTER 'wolfscale' TO MASTER_HOST='127.0.0.1', MASTER_PORT={relay.Port}, MASTER_USER='{pair.Feed.User}', MASTER_PASSWORD='{pair.Feed.Password}', "
            + "MASTER_USE_GTID=slave_pos, MASTER_SSL=0, MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1",
            "START SLAVE 'wolfscale'");
        await pair.CatchUpAsync();
        await pair.AssertEqualAsync("`d`.`t`");
        Assert.True(relay.Connections >= 2);
    }

    /// <summary>log_pos has 32 bits: long before they are used up, the stream goes on in another "file".</summary>
    [Fact]
    public async Task The_stream_rotates_and_the_replica_goes_along()
    {
        await using var pair = await Pair.StartAsync(feed: new FeedOptions { RotateAtBytes = 2000 });
        await pair.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB");
        for (var i = 1; i <= 50; i++)
            await pair.Leader.ExecuteAsync($"INSERT INTO d.t VALUES ({i})");
        await pair.CatchUpAsync();
        await pair.AssertEqualAsync("`d`.`t`");
        Assert.Equal("0", await pair.Follower.SlaveStatusAsync("Last_IO_Errno"));
        Assert.NotEqual("wolfscale.000001", await pair.Follower.SlaveStatusAsync("Master_Log_File"));
    }

    /// <summary>Rule C7: half a group, followed by anything else, is passed over; the whole one after it is fed.</summary>
    [Fact]
    public async Task C7_half_a_group_is_not_fed()
    {
        await using var pair = await Pair.StartAsync(follow: false);
        await pair.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB");
        var key = pair.Log.LastGroupAtOrBefore(pair.Log.LastLsn)!.Value.Gtid;
        var half = key with { Sequence = key.Sequence + 1 };
        pair.Log.Append((EntryKind.Group, EntryFlags.First, half, new byte[100]), (EntryKind.Group, EntryFlags.None, half, new byte[100]));
        await pair.Leader.ExecuteAsync("INSERT INTO d.t VALUES (1)");

        await pair.Follower.FollowAsync(pair.Feed);
        await pair.CatchUpAsync();
        await pair.AssertEqualAsync("`d`.`t`");
        Assert.Equal("1", await pair.Follower.TextAsync("SELECT COUNT(*) FROM d.t"));
    }

    [Fact]
    public async Task Nothing_behind_the_commit_lsn_or_the_limit_is_fed()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB");
        await pair.CatchUpAsync();
        var before = await pair.Leader.PositionAsync();

        pair.Feed.StopAtLsn = pair.Log.LastLsn;
        await pair.Leader.ExecuteAsync("INSERT INTO d.t VALUES (1)"); // committed, beyond the limit
        await pair.Follower.ExecuteAsync("STOP SLAVE 'wolfscale'", "START SLAVE 'wolfscale'");
        await AwaitFedAsync(pair);
        Assert.Equal(before, await pair.Follower.PositionAsync());

        pair.Log.AutoCommit = false;
        pair.Feed.StopAtLsn = long.MaxValue;
        await pair.CatchUpAsync();
        var insert = pair.Leader.ExecuteAsync("INSERT INTO d.t VALUES (2)");
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);

        // In the log, not committed: heartbeats pass it by.
        var beats = await pair.Follower.SlaveStatusAsync("Slave_received_heartbeats");
        for (var i = 0; i < 2; i++)
        {
            await pair.Follower.AwaitSlaveStatusAsync("Slave_received_heartbeats", b => b != beats);
            beats = await pair.Follower.SlaveStatusAsync("Slave_received_heartbeats");
        }

        Assert.Equal("1", await pair.Follower.TextAsync("SELECT COUNT(*) FROM d.t"));
        pair.Log.AutoCommit = true;
        await insert;
        await pair.CatchUpAsync();
        Assert.Equal("2", await pair.Follower.TextAsync("SELECT COUNT(*) FROM d.t"));
    }

    [Fact]
    public async Task A_replica_that_stops_and_starts_goes_on_where_it_was()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB");
        for (var i = 1; i <= 5; i++)
        {
            await pair.Leader.ExecuteAsync($"INSERT INTO d.t VALUES ({i})");
            await pair.CatchUpAsync();
            await pair.Follower.ExecuteAsync("STOP SLAVE 'wolfscale'");
            await pair.Leader.ExecuteAsync($"INSERT INTO d.t VALUES ({i + 100})");
            await pair.Follower.ExecuteAsync("START SLAVE 'wolfscale'");
        }

        await pair.CatchUpAsync();
        await pair.AssertEqualAsync("`d`.`t`");
    }

    internal static async Task AwaitFedAsync(Pair pair)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (pair.Feed.Status.Replica is null)
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }

    private static async Task<long> WatchMemoryAsync(CancellationToken stop)
    {
        long peak = 0;
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        try
        {
            while (await poll.WaitForNextTickAsync(stop))
                peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: false));
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }

        return peak;
    }
}
