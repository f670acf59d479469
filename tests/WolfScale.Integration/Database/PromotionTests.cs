using System.Collections.Concurrent;
using WolfScale.Integration.Capture;
using WolfScale.MariaDb;
using WolfScale.Wal;

namespace WolfScale.Integration.Database;

/// <summary>The steps of a promotion, each at the point where leaving it out would open the server too early; and what may end a service.</summary>
public class PromotionTests
{
    private const string Replicating = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND IN ('Slave_IO', 'Slave_SQL')";

    [Fact]
    public async Task A_promotion_waits_until_the_no_op_of_its_term_is_committed()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Two.AwaitInStepAsync();
        var done = Steps(pair.Two);
        pair.Log.AutoCommit = false;
        pair.Lead(pair.Two);
        await pair.Log.WaitForWaiterAsync(pair.Log.LastLsn);
        Assert.Empty(done);
        Assert.Equal("1", await pair.Two.TextAsync("SELECT @@read_only"));

        pair.Log.AutoCommit = true;
        await pair.Two.AwaitServingAsync();
        Assert.Equal(["committed", "caught-up", "alone", "gated", "captured", "events", "open"], done);
    }

    /// <summary>Writes of clients would come after the tail in the binlog, and be acknowledged with it.</summary>
    [Fact]
    public async Task A_leaders_own_tail_is_captured_and_committed_before_its_server_opens()
    {
        await using var deposed = await Deposed.StartAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await deposed.WriteTailAsync("INSERT INTO d.t VALUES (1)", "INSERT INTO d.t VALUES (2)");
        deposed.Log.AutoCommit = false;
        await deposed.Node.RestartControllerAsync();
        await deposed.Node.AwaitAsync(s => s is { Phase: DatabasePhase.Waiting, Fit: true }, "waiting");
        var done = Steps(deposed.Node);

        var term = deposed.Log.Lead();
        var noOp = deposed.Log.LastLsn;
        deposed.Node.Controller.Lead(term);
        deposed.Log.Commit(noOp);
        await deposed.Log.WaitForLastAsync(noOp + 2);
        await deposed.Log.WaitForWaiterAsync(noOp + 2);
        Assert.Equal("gated", done.Last());
        Assert.Equal("1", await deposed.Node.TextAsync("SELECT @@read_only"));

        deposed.Log.AutoCommit = true;
        await deposed.Node.AwaitServingAsync();
        Assert.Equal("0-1-4", deposed.Log.LastGroupAtOrBefore(deposed.Log.CommitLsn)?.Gtid.ToString());
    }

    /// <summary>Its log may be the longest, so that it wins (rule C3); its data are not the log's, so that it must not open.</summary>
    [Fact]
    public async Task A_server_with_another_leaders_group_after_the_ancestor_is_not_fit_and_not_opened_when_it_is_elected()
    {
        await using var deposed = await Deposed.StartAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await deposed.WriteTailAsync("INSERT INTO d.t VALUES (1)");
        deposed.Log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 9, 3), [1]));
        await deposed.Node.RestartControllerAsync();
        var waiting = await deposed.Node.AwaitAsync(s => s.Phase == DatabasePhase.Waiting, "waiting");
        Assert.False(waiting.Fit);

        deposed.Node.Controller.Lead(deposed.Log.Lead());
        var state = await deposed.Node.AwaitAsync(s => s is { Phase: DatabasePhase.Promoting, Fit: false }, "unfit");
        Assert.Contains("do not go on from the cluster's log", state.Reason, StringComparison.Ordinal);
        Assert.Equal("1", await deposed.Node.TextAsync("SELECT @@read_only"));
        Assert.Equal("1", await deposed.Node.RowsAsync("SELECT a FROM d.t"));
    }

    [Fact]
    public async Task The_feed_is_stopped_before_the_server_opens()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d");
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("2", await pair.Two.TextAsync(Replicating));
        var replicating = "not looked at";
        pair.Two.AfterStep = async (plan, step) =>
        {
            if (plan == "promotion" && step == "events")
                replicating = await pair.Two.TextAsync(Replicating);
        };

        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        Assert.Equal("0", replicating);
    }

    [Fact]
    public async Task A_group_of_a_foreign_domain_on_the_leader_is_refused_with_an_alarm_and_undone_when_another_node_leads()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await using var client = await pair.One.ConnectAsync();
        await TestServer.ExecuteAsync(client, "SET gtid_domain_id=7");
        var insert = RoleTests.WriteAsync(client, "INSERT INTO d.t VALUES (1)");

        var state = await pair.One.AwaitAsync(s => s is { Fit: false, Serving: false } && s.Reason.Contains("gtid_domain_id 7", StringComparison.Ordinal), "alarmed");
        Assert.Contains("cannot be replicated", state.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(pair.Log.Entries(), e => e.Key.Domain == 7);
        Assert.NotEqual("OK", await insert);

        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await pair.One.AwaitInStepAsync();
        Assert.Equal("", await pair.One.RowsAsync("SELECT a FROM d.t"));
        _ = Assert.Single(Directory.GetFiles(pair.One.DataDirectory));
    }

    [Fact]
    public async Task Semi_sync_that_somebody_turns_off_on_the_leader_is_an_alarm_and_on_again_and_what_was_written_meanwhile_is_replicated()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        var alarmed = pair.One.AwaitAsync(s => !s.SemiSync && s.Alarms.Any(a => a.Contains("Semi-sync is off", StringComparison.Ordinal)), "alarmed");
        var promoting = pair.One.AwaitAsync(s => s.Phase == DatabasePhase.Promoting, "promoted anew");
        await pair.One.ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled=OFF", "INSERT INTO d.t VALUES (1)");
        await alarmed;
        await promoting;
        await pair.One.AwaitServingAsync();
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@rpl_semi_sync_master_enabled"));

        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (2)");
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("1\n2", await pair.Two.RowsAsync("SELECT a FROM d.t"));
    }

    /// <summary>Once may be a slip. Who does it again would leave the commits of this server ungated time after time.</summary>
    [Fact]
    public async Task Semi_sync_that_somebody_turns_off_twice_costs_the_server_the_lead()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        var promoting = pair.One.AwaitAsync(s => s.Phase == DatabasePhase.Promoting, "promoted anew");
        await pair.One.ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled=OFF");
        await promoting;
        await pair.One.AwaitServingAsync();

        // A node tells of the unfitness of a server that serves: a promotion that is tried again is no news.
        var unfit = pair.One.AwaitAsync(s => s is { Phase: DatabasePhase.Serving, Fit: false } && s.Reason.Contains("twice within a minute", StringComparison.Ordinal), "unfit, with the reason");
        await pair.One.ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled=OFF");
        await unfit;
        await pair.One.AwaitAsync(s => s.Phase == DatabasePhase.Promoting && s.Reason.Contains("twice within a minute", StringComparison.Ordinal), "closed, with the reason");

        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        await pair.One.AwaitInStepAsync();
    }

    /// <summary>The steps of promotions that the node finishes from now on.</summary>
    private static ConcurrentQueue<string> Steps(TestNode node)
    {
        var done = new ConcurrentQueue<string>();
        node.AfterStep = (plan, step) =>
        {
            if (plan == "promotion")
                done.Enqueue(step);
            return Task.CompletedTask;
        };
        return done;
    }
}
