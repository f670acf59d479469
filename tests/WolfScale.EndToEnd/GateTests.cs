using System.Diagnostics;
using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>Gate: without a quorum, or without the leader's WolfScale, a commit neither returns nor becomes visible.</summary>
public abstract class GateScenario<TFixture>(TFixture fixture) : ClusterTests<TFixture>(fixture)
    where TFixture : ClusterFixture
{
    private protected static readonly ExpectedObject[] Expected = [new("table", "demo.gate", 1)];

    private protected async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.gate (id INT PRIMARY KEY)", "REPLACE INTO demo.gate VALUES (0)");
        return (cluster, leader);
    }

    private protected static async Task InsertAsync(DemoCluster cluster, DemoNode leader, int id)
    {
        await using var client = await leader.Server.ClientAsync(cluster.Facts.User, cluster.Facts.Password, "demo");
        await client.RunAsync($"INSERT INTO gate VALUES ({id})");
    }

    private protected static Task NeitherReturnedNorVisibleAsync(Task commit, SqlServer leader, int id, TimeSpan during) =>
        Poll.NeverAsync("A commit without a quorum must neither return nor be visible", during, async () =>
            commit.IsCompleted ? $"the commit returned ({commit.Status}) {commit.Exception?.InnerException?.Message}" : await VisibleAsync(leader, id));

    private protected static Task NeitherAcknowledgedNorVisibleAsync(Task commit, SqlServer leader, int id, TimeSpan during) =>
        Poll.NeverAsync("A commit without a quorum must be neither acknowledged nor visible", during, async () =>
            commit.IsCompletedSuccessfully ? "the client was told OK" : await VisibleAsync(leader, id));

    private static async Task<string?> VisibleAsync(SqlServer server, int id) =>
        await server.ScalarAsync($"SELECT COUNT(*) FROM demo.gate WHERE id = {id}") == "0" ? null : $"another session on {server} sees row {id}";

    private protected static async Task AssertReturnsSoonAsync(Task commit, string when)
    {
        var clock = Stopwatch.StartNew();
        await commit.WaitAsync(TimeSpan.FromSeconds(15));
        Print(string.Create(CultureInfo.InvariantCulture, $"The commit returned {clock.Elapsed.TotalMilliseconds:0} ms {when}; aim: 1000 ms."));
        if (Long.Form)
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(1), $"{clock.Elapsed} is more than a second.");
    }

    private protected static async Task<bool> OutcomeAsync(Task commit)
    {
        try
        {
            await commit.WaitAsync(TimeSpan.FromSeconds(30));
            return true;
        }
        catch (MySqlException e)
        {
            Print($"The client got: {e.Message}");
            return false;
        }
    }

    private protected static async Task AssertIdenticalAsync(DemoCluster cluster)
    {
        await cluster.AwaitHealthyAsync();
        await cluster.Comparer.AssertIdenticalAsync(Expected);
    }

    private protected static async Task AssertEverywhereAsync(DemoCluster cluster, int id)
    {
        await AssertIdenticalAsync(cluster);
        foreach (var server in cluster.Servers)
            Assert.Equal("1", await server.ScalarAsync($"SELECT COUNT(*) FROM demo.gate WHERE id = {id}"));
    }
}

/// <summary>Without a quorum.</summary>
public sealed class GateTests(ClusterFixture fixture) : GateScenario<ClusterFixture>(fixture)
{
    /// <summary>After one second the leader still leads when the node comes back; after six it has given up, and must be elected again first. Where the other one is, which reads the commit in its socket, the client is cut off.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public async Task A_commit_waits_while_two_of_three_nodes_are_stopped_and_returns_after_one_is_back(int heldSeconds)
    {
        var (cluster, leader) = await PrepareAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        foreach (var follower in followers)
            await cluster.SignalAsync(follower.Id, Part.Node, Signal.Stop);

        var row = 10 + heldSeconds;
        var commit = InsertAsync(cluster, leader, row);
        await NeitherReturnedNorVisibleAsync(commit, leader.Server, row, TimeSpan.FromSeconds(heldSeconds));
        await cluster.SignalAsync(followers[0].Id, Part.Node, Signal.Continue);

        var acknowledged = true;
        try
        {
            await AssertReturnsSoonAsync(commit, "after one of two stopped nodes is back");
        }
        catch (MySqlException) when (heldSeconds > 1)
        {
            _ = await cluster.LeaderAsync(except: leader.Id); // which alone excuses it
            acknowledged = false;
        }

        await cluster.SignalAsync(followers[1].Id, Part.Node, Signal.Continue);
        if (acknowledged)
            await AssertEverywhereAsync(cluster, row);
        else
            await AssertIdenticalAsync(cluster); // nobody was promised the row: it is everywhere or nowhere
    }

    /// <summary>
    /// Longer than every election time-out: the leader knows by then that it has lost its quorum. Whatever it does about that, the client gets no
    /// OK and no other session sees the row before a quorum holds it.
    /// </summary>
    [Fact]
    public async Task Nothing_is_acknowledged_or_visible_during_a_long_loss_of_the_quorum()
    {
        var (cluster, leader) = await PrepareAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        foreach (var follower in followers)
            await cluster.SignalAsync(follower.Id, Part.Node, Signal.Kill);

        var commit = InsertAsync(cluster, leader, 3);
        await NeitherAcknowledgedNorVisibleAsync(commit, leader.Server, 3, TimeSpan.FromSeconds(6));
        await cluster.StartNodeAsync(followers[0].Id, Part.Node);
        var clock = Stopwatch.StartNew();
        var acknowledged = await OutcomeAsync(commit);
        Print(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds:0.0} s after the first node was started again the client was told: {(acknowledged ? "OK" : "connection lost")}"));

        await cluster.StartNodeAsync(followers[1].Id, Part.Node);
        await AssertIdenticalAsync(cluster);
        var row = await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.gate WHERE id = 3");
        Assert.True(row == "1" || !acknowledged, "the client was told OK and the row is not there");
    }

    /// <summary>A leader without a quorum keeps its clients waiting, and nobody can take over; stopped in that state it must not leave them hanging.</summary>
    [Fact]
    public async Task A_node_that_is_stopped_without_a_quorum_closes_its_server_and_tells_nobody_OK()
    {
        var (cluster, leader) = await PrepareAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        foreach (var follower in followers)
            await cluster.SignalAsync(follower.Id, Part.Node, Signal.Kill);
        var commit = InsertAsync(cluster, leader, 4);
        await Poll.UntilAsync("the leader knows that it has no quorum", TimeSpan.FromSeconds(30), async () =>
            await cluster.StatusAsync(leader.Id) is { Role: not "LEADER", Leader: null } ? null : "it still leads");

        await cluster.SignalAsync(leader.Id, Part.Node, Signal.Terminate);

        Assert.False(await OutcomeAsync(commit), "the client was told OK without a quorum");
        await Processes.AwaitEndAsync(leader.Pid ?? 0, $"{leader.Id}'s node"); // the client hears of it before the server is closed altogether
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT @@global.read_only"));
        Assert.Equal("0", await leader.Server.ScalarAsync("SELECT @@global.rpl_semi_sync_master_enabled"));
        foreach (var node in cluster.Facts.Nodes)
            await cluster.StartNodeAsync(node.Id, Part.Node);
        await AssertIdenticalAsync(cluster);
    }

    /// <summary>
    /// A statement that was killed keeps read_only waiting until it is undone, and the server drops the waiting read_only with the node that sent it. What is left
    /// is an open server, and its gate is all that stands between its clients and a false OK.
    /// </summary>
    [Fact]
    public async Task A_node_that_is_killed_while_it_waits_to_close_its_server_leaves_one_that_tells_nobody_OK()
    {
        var (cluster, leader) = await PrepareAsync();
        var pipe = Path.Combine(cluster.Directory, "pipe");
        await Process.Start("mkfifo", ["-m", "666", pipe]).WaitForExitAsync();

        // In place of a long undo: it hears of nothing before somebody writes to the pipe.
        var slow = Task.Run(() => leader.Server.RunAsync($"INSERT INTO demo.gate SELECT 100 + LENGTH(LOAD_FILE('{pipe}')) FROM demo.gate LIMIT 1"));
        await AwaitProcessAsync(leader, "the slow statement", "INFO LIKE 'INSERT INTO demo.gate SELECT%' AND STATE = 'Sending data'");
        await cluster.SignalAsync(leader.Id, Part.Node, Signal.Stop);
        _ = await cluster.LeaderAsync(except: leader.Id);
        await cluster.SignalAsync(leader.Id, Part.Node, Signal.Continue);
        await AwaitProcessAsync(leader, "the kill of the slow statement", "INFO LIKE 'INSERT INTO demo.gate SELECT%' AND COMMAND = 'Killed'");
        await Poll.NeverAsync("It must not be closed before the slow statement ends", TimeSpan.FromSeconds(1), async () =>
            await leader.Server.ScalarAsync("SELECT @@global.read_only") == "0" ? null : "it is closed");

        await cluster.SignalAsync(leader.Id, Part.Node, Signal.Kill);
        await AwaitProcessAsync(leader, "the end of the pending statement", "INFO = 'SET GLOBAL read_only = 1'", isThere: false);
        var commit = InsertAsync(cluster, leader, 5);
        await NeitherReturnedNorVisibleAsync(commit, leader.Server, 5, TimeSpan.FromSeconds(4));

        await File.WriteAllTextAsync(pipe, "");
        Assert.False(await OutcomeAsync(slow));
        await cluster.StartNodeAsync(leader.Id, Part.Node);
        Assert.False(await OutcomeAsync(commit), "the client was told OK by a node that leads no more");
        await AssertIdenticalAsync(cluster);
    }

    private static Task<TimeSpan> AwaitProcessAsync(DemoNode node, string what, string condition, bool isThere = true) =>
        Poll.UntilAsync(what, TimeSpan.FromSeconds(30), async () =>
            (await node.Server.ScalarAsync($"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE {condition} AND ID <> CONNECTION_ID()") != "0") == isThere ? null : "not yet");
}

/// <summary>
/// Without the leader's WolfScale. The others wait longer than it is frozen: at the default time-outs they elect another leader after 1.5 s of
/// silence, and a silence of a second and a heartbeat comes close to that (FailoverTests has that case).
/// </summary>
public sealed class FrozenLeaderGateTests(FrozenLeaderGateTests.Patient fixture) : GateScenario<FrozenLeaderGateTests.Patient>(fixture)
{
    [Fact]
    public async Task A_commit_waits_while_the_leaders_WolfScale_is_frozen()
    {
        var (cluster, leader) = await PrepareAsync();
        await cluster.SignalAsync(leader.Id, Part.Node, Signal.Stop);

        var commit = InsertAsync(cluster, leader, 2);
        await NeitherReturnedNorVisibleAsync(commit, leader.Server, 2, TimeSpan.FromSeconds(1));
        await cluster.SignalAsync(leader.Id, Part.Node, Signal.Continue);

        await AssertReturnsSoonAsync(commit, "after the leader's frozen WolfScale goes on");
        await AssertEverywhereAsync(cluster, 2);
    }

    /// <summary>
    /// Somebody turns semi-sync off on a leader that has no quorum at that moment: the server commits at once, and the proxy holds its OK back all the same, until a quorum has the transaction.
    /// The gate is on again by itself, and what was committed in between is everybody's in the end.
    /// </summary>
    [Fact]
    public async Task With_semi_sync_off_the_proxy_tells_nobody_OK_before_the_quorum_has_it()
    {
        var (cluster, leader) = await PrepareAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        await using var client = await new SqlServer(leader.Id, leader.Proxy.Host, leader.Proxy.Port, "").ClientAsync(cluster.Facts.User, cluster.Facts.Password, "demo");
        await using var root = await leader.Server.RootAsync();
        foreach (var follower in followers)
            await cluster.SignalAsync(follower.Id, Part.Node, Signal.Stop);
        await root.RunAsync("SET GLOBAL rpl_semi_sync_master_enabled = OFF");

        var commit = client.RunAsync("INSERT INTO gate VALUES (6)");
        await Poll.UntilAsync("the gate on again", TimeSpan.FromSeconds(10), async () =>
            await leader.Server.ScalarAsync("SELECT @@global.rpl_semi_sync_master_enabled") == "1" ? null : "it is off");
        await Poll.NeverAsync("The proxy must tell nobody OK for what no quorum has", TimeSpan.FromMilliseconds(700), () =>
            Task.FromResult(commit.IsCompletedSuccessfully ? "the client was told OK" : null));
        foreach (var follower in followers)
            await cluster.SignalAsync(follower.Id, Part.Node, Signal.Continue);

        var acknowledged = await OutcomeAsync(commit);
        await AssertIdenticalAsync(cluster);
        var row = await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.gate WHERE id = 6");
        Assert.True(row == "1" || !acknowledged, "the client was told OK and the row is not there");
    }

    public sealed class Patient : ClusterFixture
    {
        protected override Task<string[]> SettingsAsync() =>
            Task.FromResult<string[]>(["cluster.election_timeout_min_ms=20000", "cluster.election_timeout_max_ms=30000"]);
    }
}
