using System.Diagnostics;
using WolfScale.Integration.Capture;
using WolfScale.MariaDb;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.Integration.Database;

/// <summary>Servers that come with data or GTIDs of their own, and followers that somebody writes to.</summary>
public class JoinTests
{
    [Fact]
    public async Task C2_a_server_with_data_and_no_GTID_founds_the_cluster_with_a_marker()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var node = await TestNode.StartAsync(log, 1);
        await node.ExecuteUnloggedAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)");
        Assert.Equal("", await node.TextAsync("SELECT @@gtid_binlog_pos"));

        var foundation = await ClusterFoundation.PrepareAsync(node.Options, CancellationToken.None);
        Assert.Equal(new FoundationBase("0-1-1", false), foundation);
        Assert.Equal("0-1-1", await node.TextAsync("SELECT @@gtid_binlog_pos"));

        // A second attempt finds a position, and adds nothing.
        Assert.Equal(foundation, await ClusterFoundation.PrepareAsync(node.Options, CancellationToken.None));
    }

    [Fact]
    public async Task C2_an_empty_server_founds_the_cluster_without_a_trace()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var node = await TestNode.StartAsync(log, 1);
        Assert.Equal(new FoundationBase("", true), await ClusterFoundation.PrepareAsync(node.Options, CancellationToken.None));
        Assert.Equal("", await node.TextAsync("SELECT @@gtid_binlog_pos"));
    }

    [Fact]
    public async Task C2_a_server_whose_copy_of_another_was_never_finished_founds_nothing()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var node = await TestNode.StartAsync(log, 1);
        await node.ExecuteUnloggedAsync("CREATE DATABASE wolfscale_incoming", "CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        var refusal = await Assert.ThrowsAsync<DatabaseException>(() => ClusterFoundation.PrepareAsync(node.Options, CancellationToken.None));
        Assert.Contains("its data are not whole", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("", await node.TextAsync("SELECT @@gtid_binlog_pos"));
    }

    [Fact]
    public async Task A_cluster_that_began_with_data_goes_on_from_them()
    {
        await using var first = new TestLog();
        await using var node = await TestNode.StartAsync(first, 1);
        await node.ExecuteUngatedAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)");
        var foundation = await ClusterFoundation.PrepareAsync(node.Options, CancellationToken.None);
        Assert.Equal(new FoundationBase("0-1-3", false), foundation);

        // Between the base and the first promotion the application goes on writing: that is captured, too.
        await node.ExecuteUngatedAsync("INSERT INTO d.t VALUES (2)");
        await using var log = new TestLog(autoCommit: true, foundation.GtidPosition, foundation.ServerWasEmpty);
        await using var adopted = new Adopted(node, log);
        adopted.Controller.Start();
        adopted.Controller.Lead(log.Lead());
        await adopted.AwaitServingAsync();
        Assert.Equal("0-1-4", log.LastGroupAtOrBefore(log.LastLsn)?.Gtid.ToString());
        await node.ExecuteAsync("INSERT INTO d.t VALUES (3)");
        Assert.Equal("0-1-5", log.LastGroupAtOrBefore(log.CommitLsn)?.Gtid.ToString());
    }

    [Fact]
    public async Task C2_a_server_with_data_of_its_own_is_never_replayed_onto()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var stranger = await TestNode.StartAsync(log, 2);
        await stranger.ExecuteUnloggedAsync("CREATE DATABASE d", "CREATE TABLE d.own (a INT)", "INSERT INTO d.own VALUES (1)");
        _ = log.Lead();
        stranger.Log.IsSettled = true;
        stranger.Controller.Start();
        var state = await stranger.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        Assert.Contains("holds data of its own", state.Reason, StringComparison.Ordinal);
        Assert.Equal("1", await stranger.TextAsync("SELECT a FROM d.own"));
    }

    [Fact]
    public async Task A_server_with_GTIDs_of_its_own_is_compared_first()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var stranger = await TestNode.StartAsync(log, 2);
        await stranger.ExecuteUngatedAsync("CREATE DATABASE d", "CREATE TABLE d.own (a INT)");
        _ = log.Lead();
        stranger.Log.IsSettled = true;
        stranger.Controller.Start();
        var state = await stranger.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        Assert.Contains("CREATE DATABASE d", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_errant_write_on_a_follower_is_reported_within_two_seconds_and_undone()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)");
        await pair.Two.AwaitInStepAsync();

        var began = Stopwatch.StartNew();
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (666)");
        var state = await pair.Two.AwaitAsync(s => s.LastErrant.Length > 0, "aware of the errant write");
        Assert.True(began.Elapsed < TimeSpan.FromSeconds(2), $"It took {began.Elapsed}.");
        Assert.Contains("0-2-4", state.LastErrant, StringComparison.Ordinal);

        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (2)");
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("1\n2", await pair.Two.RowsAsync("SELECT * FROM d.t"));
        Assert.Single(Directory.GetFiles(pair.Two.DataDirectory));
    }

    [Fact]
    public async Task An_errant_FLUSH_only_loses_its_GTID()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await pair.Two.ExecuteAsync("FLUSH TABLES", "ANALYZE TABLE d.t");
        await pair.Two.AwaitAsync(s => s.LastErrant.Length > 0, "aware of the errant group");
        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("1", await pair.Two.RowsAsync("SELECT * FROM d.t"));
    }

    [Fact]
    public async Task An_account_made_by_hand_on_a_follower_wants_a_copy()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Two.AwaitInStepAsync();
        await pair.Two.ExecuteAsync("CREATE USER byhand@localhost");
        var state = await pair.Two.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        Assert.Contains("CREATE USER", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_difference_without_a_GTID_stops_the_applier_and_ends_in_NEEDS_MIGRATION()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await pair.Two.ExecuteUnloggedAsync("INSERT INTO d.t VALUES (1)");
        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        var state = await pair.Two.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        Assert.Contains("1062", state.Reason, StringComparison.Ordinal);
    }

    /// <summary>A backup or a forgotten session on the follower's machine, for longer than the applier has patience.</summary>
    [Fact]
    public async Task A_local_lock_that_stops_the_applier_again_and_again_is_no_difference_in_the_data()
    {
        await using var pair = await Pair.StartAsync(new Dictionary<string, string> { ["innodb-lock-wait-timeout"] = "1", ["slave-transaction-retries"] = "0" });
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY, b INT)", "INSERT INTO d.t VALUES (1, 1)");
        await pair.Two.AwaitInStepAsync();
        var (failures, phases) = (0, new HashSet<DatabasePhase>());
        var often = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Two.Controller.Changed += s =>
        {
            _ = phases.Add(s.Phase);
            if (s.Phase != DatabasePhase.Following && s.Reason.Contains("Applying the log stop", StringComparison.Ordinal) && ++failures > 6) // five are taken for lasting where they are not of the moment
                _ = often.TrySetResult();
        };
        await using (var local = await pair.Two.ConnectAsync())
        {
            await TestServer.ExecuteAsync(local, "BEGIN");
            await TestServer.ExecuteAsync(local, "SELECT * FROM d.t FOR UPDATE");
            await pair.One.ExecuteAsync("UPDATE d.t SET b = 2");
            await often.Task.WaitAsync(TimeSpan.FromSeconds(60));
            await TestServer.ExecuteAsync(local, "ROLLBACK");
        }

        await pair.Two.AwaitInStepAsync();
        Assert.Equal("2", await pair.Two.TextAsync("SELECT b FROM d.t"));
        Assert.DoesNotContain(DatabasePhase.NeedsMigration, phases);
    }

    [Fact]
    public async Task A_follower_that_someone_opens_is_closed_again()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d");
        await pair.Two.AwaitInStepAsync();
        await pair.Two.ExecuteAsync("SET GLOBAL read_only=0");
        await pair.Two.AwaitAsync(s => s.Phase == DatabasePhase.Demoting, "closing the server");
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("1", await pair.Two.TextAsync("SELECT @@read_only"));
    }

    [Fact]
    public async Task Identity_a_transaction_of_the_same_GTID_and_another_content_is_not_the_clusters()
    {
        await using var deposed = await Deposed.StartAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await deposed.WriteTailAsync("INSERT INTO d.t VALUES (1)");

        // The tail was undone once, and the server led again and wrote another 0-1-3. Then it was set back to a snapshot with the old one.
        var then = DateTimeOffset.UtcNow.AddSeconds(-10).ToUnixTimeSeconds();
        var header = new EventHeader((uint)then, EventType.Gtid, 1, 0, 0, EventHeaderFlags.None);
        byte[] group = [.. EventBuilder.Build(header, [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4]), .. EventBuilder.Build(header with { Type = EventType.Xid }, new byte[8])];
        deposed.Log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 1, 3), group));
        await deposed.RejoinAsync();

        var state = await deposed.Node.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        Assert.Contains("0-1-3 is not the cluster's transaction of that GTID", state.Reason, StringComparison.Ordinal);
    }

    /// <summary>The same server under another log: the cluster it founds.</summary>
    private sealed class Adopted(TestNode node, TestLog log) : IAsyncDisposable
    {
        public DatabaseController Controller { get; } = new(
            node.Options,
            new NodeLog(log),
            node.Feed,
            new CaptureFactory(new CaptureOptions { Server = new ServerEndpoint { Socket = node.Server.Socket, User = "wolfscale", Password = "secret" } }, TestOutput.Loggers, TimeProvider.System),
            new MariaDb.Plans.MemoryPlanStore(),
            TestOutput.Loggers,
            TimeProvider.System);

        public async Task AwaitServingAsync()
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            while (!Controller.State.Serving)
            {
                Assert.False(deadline.IsCancellationRequested, Controller.State.ToString());
                _ = await poll.WaitForNextTickAsync(CancellationToken.None);
            }
        }

        public ValueTask DisposeAsync() => Controller.DisposeAsync();
    }
}
