using MySqlConnector;
using WolfScale.Integration.Capture;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>What a server must be before it is fed, and what it is while it is.</summary>
public class FollowingTests
{
    [Fact]
    public async Task A_killed_leader_comes_up_closed_and_gated_and_waits_for_no_ACK_before_it_is_fed()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await using (await RoleTests.AppUserAsync(pair.One))
        {
        }

        await pair.One.StopControllerAsync();
        await pair.One.Server.StopAsync(force: true);
        await pair.One.Server.StartAsync();
        Assert.Equal("1|1", await pair.One.RowsAsync("SELECT @@read_only, @@rpl_semi_sync_master_enabled"));
        await using (var app = await RoleTests.AppUserAsync(pair.One))
            Assert.StartsWith("1290", await RoleTests.WriteAsync(app, "INSERT INTO d.t VALUES (1)"), StringComparison.Ordinal);

        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await pair.One.RestartControllerAsync();
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (2)");
        await pair.One.AwaitInStepAsync();
        Assert.Equal("2", await pair.One.RowsAsync("SELECT a FROM d.t"));
        Assert.Equal("1|0", await pair.One.RowsAsync("SELECT @@read_only, @@rpl_semi_sync_master_enabled"));
    }

    /// <summary>
    /// A client that sets its session's time, as the replay of a binary log does; or a clock that is put right in the middle of a transaction. Whole clusters are started anew after a loss of power.
    /// </summary>
    [Theory]
    [InlineData("BEGIN", "INSERT INTO d.t VALUES (1)", "SET timestamp=2000000000", "INSERT INTO d.t VALUES (2)", "SET timestamp=DEFAULT", "COMMIT")]
    [InlineData("BEGIN", "INSERT INTO d.t VALUES (1)", "SET timestamp=1000000000", "INSERT INTO d.t VALUES (2)", "SET timestamp=DEFAULT", "COMMIT")]
    [InlineData("SET timestamp=1000000000", "BEGIN", "INSERT INTO d.t VALUES (1)", "SET timestamp=2000000000", "INSERT INTO d.t VALUES (2)", "SET timestamp=1500000000", "COMMIT")]
    public async Task A_last_transaction_whose_events_have_odd_times_is_known_again(params string[] statements)
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.One.ExecuteAsync(statements);
        await pair.Two.AwaitInStepAsync();
        foreach (var node in (TestNode[])[pair.Two, pair.One])
        {
            if (node == pair.One)
                pair.Lead(pair.Two); // who wrote it follows now
            await node.RestartControllerAsync();
            var state = await node.AwaitAsync(s => s.Phase is DatabasePhase.NeedsMigration || (s.Phase == DatabasePhase.Following && s.AppliedLsn >= pair.Log.CommitLsn), "judged");
            Assert.True(state.Phase == DatabasePhase.Following, state.Reason);
        }
    }

    [Fact]
    public async Task A_server_that_went_on_replicating_by_itself_after_a_restart_is_told_so()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var node = await TestNode.StartAsync(log, 1, new Dictionary<string, string> { ["skip-slave-start"] = "0" });
        _ = log.Lead();
        node.Controller.Start();
        await node.AwaitInStepAsync();
        Assert.DoesNotContain(node.Controller.Preflight!.Findings, f => f.Code == "skip_slave_start");

        await node.Server.StopAsync(force: true);
        await node.AwaitAsync(s => s.Phase == DatabasePhase.Down, "down");
        await node.Server.StartAsync();
        await node.AwaitInStepAsync();
        Assert.Contains(node.Controller.Preflight!.Findings, f => f.Code == "skip_slave_start");
    }

    [Fact]
    public async Task The_feed_is_a_named_connection_and_leaves_the_users_own_as_it_was()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var node = await TestNode.StartAsync(log, 1);
        await node.ExecuteAsync("CHANGE MASTER TO MASTER_HOST='127.0.0.99', MASTER_PORT=3399, MASTER_USER='mine'");
        var before = await ConnectionAsync(node, "");
        Assert.Equal("127.0.0.99:3399 mine", before);

        _ = log.Lead();
        node.Controller.Start();
        await node.AwaitInStepAsync();
        Assert.Equal(before, await ConnectionAsync(node, ""));
        Assert.Equal($"127.0.0.1:{node.Feed.Port} {node.Feed.User}", await ConnectionAsync(node, "wolfscale"));
    }

    [Fact]
    public async Task C4_a_follower_that_lags_is_not_fit_until_it_has_caught_up()
    {
        await using var pair = await Pair.StartAsync();
        var change = pair.Two.Change;
        pair.Two.Change = o => change(o) with { MaxFitLagEntries = 3, MaxActiveLagEntries = 3 };
        await pair.Two.RestartControllerAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        Assert.True((await pair.Two.AwaitInStepAsync()).Fit);

        pair.Two.Feed.StopAtLsn = pair.Log.CommitLsn;
        for (var i = 1; i <= 4; i++)
            await pair.One.ExecuteAsync($"INSERT INTO d.t VALUES ({i})");
        var state = await pair.Two.AwaitAsync(s => s.LagEntries == 4, "lagging by 4 entries");
        Assert.False(state.Fit);
        Assert.Equal("LAGGING", state.NodeStatus);

        pair.Two.Feed.StopAtLsn = long.MaxValue;
        Assert.True((await pair.Two.AwaitInStepAsync()).Fit);
    }

    [Fact]
    public async Task C4_a_server_is_not_fit_before_its_position_has_been_verified()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d");
        await pair.Two.AwaitInStepAsync();
        await pair.Two.Server.StopAsync(force: true);
        await pair.Two.AwaitAsync(s => s is { Phase: DatabasePhase.Down, Fit: false }, "down");

        // What it knew before the crash counts for nothing: it is fit again only as a follower that was compared with the log.
        var states = new List<DatabaseState>();
        pair.Two.Controller.Changed += states.Add;
        await pair.Two.Server.StartAsync();
        await pair.Two.AwaitInStepAsync();
        Assert.All(states, s => Assert.True(!s.Fit || s.Phase == DatabasePhase.Following, s.ToString()));
    }

    [Fact]
    public async Task A_server_whose_id_another_member_has_is_refused_also_when_that_is_learned_later()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var node = await TestNode.StartAsync(log, 1);
        IReadOnlyCollection<PeerServer> peers = [];
        node.Change = o => o with { Peers = () => peers };
        await node.RestartControllerAsync();
        _ = log.Lead();
        await node.AwaitInStepAsync();

        peers = [new PeerServer("node-0", 1, "", null, Leads: true)];
        var state = await node.AwaitAsync(s => s.Phase == DatabasePhase.Refused, "refused");
        Assert.Contains("server_id=1 is also that of node-0's server", state.Reason, StringComparison.Ordinal);
        Assert.False(state.Fit);
    }

    /// <summary>Where a replication connection points, and as whom.</summary>
    private static async Task<string> ConnectionAsync(TestNode node, string name)
    {
        await using var connection = await node.ConnectAsync();
        await using var command = new MySqlCommand("SHOW ALL SLAVES STATUS", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            if (reader.GetString("Connection_name") == name)
                return $"{reader["Master_Host"]}:{reader["Master_Port"]} {reader["Master_User"]}";
        }

        return "(none)";
    }
}
