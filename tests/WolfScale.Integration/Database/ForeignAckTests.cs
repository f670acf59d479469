using System.Diagnostics;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>Someone points a semi-sync replica of their own at a server that the quorum gates: its ACK would stand for the quorum's.</summary>
public class ForeignAckTests
{
    private const string IsAttached = "COMMAND LIKE 'Binlog Dump%' AND USER = 'repl'";

    /// <summary>A replica that is killed connects again at once (measured), so killing it is not enough.</summary>
    [Fact]
    public async Task A_serving_leader_is_closed_at_once_and_another_node_takes_over()
    {
        await using var pair = await Pair.StartAsync();
        await using var other = await ReplicaAsync(pair);
        var closed = AwaitClosedAsync(pair);
        var clock = Stopwatch.StartNew();
        await AttachAsync(pair, other);
        await closed;
        TestContext.Current.TestOutputHelper?.WriteLine($"Closed {clock.ElapsedMilliseconds} ms after START SLAVE was sent.");
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@read_only"));
        await pair.One.AwaitAsync(s => !s.Fit && s.Reason.Contains("semi-sync replica", StringComparison.Ordinal), "unfit, with the reason");
        Assert.Contains(pair.One.Controller.State.Alarms, a => a.Contains("repl@127.0.0.1", StringComparison.Ordinal));

        // On a follower it does no harm: nothing waits for an ACK there.
        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        await pair.One.AwaitInStepAsync();
        await pair.One.Server.AwaitStateAsync(IsAttached);
    }

    [Fact]
    public async Task While_it_keeps_coming_the_server_is_not_opened_and_when_it_is_gone_it_is()
    {
        await using var pair = await Pair.StartAsync();
        await using var other = await ReplicaAsync(pair);
        await AttachAsync(pair, other);
        await AwaitClosedAsync(pair);
        await pair.One.AwaitAsync(s => s.Reason.Contains("semi-sync replica", StringComparison.Ordinal), "closed, with the reason");

        // The node goes on trying, as in a cluster where nobody else can lead.
        await Task.Delay(TimeSpan.FromSeconds(5));
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@read_only"));
        await other.ExecuteAsync("STOP SLAVE");
        await pair.One.AwaitServingAsync();
        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        await pair.Two.AwaitInStepAsync();
    }

    [Fact]
    public async Task A_server_that_holds_its_commits_is_closed_at_once()
    {
        await using var pair = await Pair.StartAsync();
        await using var other = await ReplicaAsync(pair);
        pair.One.Log.AnotherNodeLeads = false;
        pair.Interregnum();
        await pair.One.AwaitAsync(s => s.HoldsCommits, "holding its commits");

        await AttachAsync(pair, other);
        await pair.One.AwaitAsync(s => s is { HoldsCommits: false, Phase: DatabasePhase.Waiting or DatabasePhase.Following }, "closed");
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@read_only"));
        Assert.Contains(pair.One.Controller.State.Alarms, a => a.Contains("semi-sync replica", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_asynchronous_replica_is_left_alone()
    {
        await using var pair = await Pair.StartAsync();
        await using var other = await ReplicaAsync(pair, semiSync: false);
        await AttachAsync(pair, other);
        await pair.One.Server.AwaitStateAsync(IsAttached);
        var id = await pair.One.TextAsync($"SELECT ID FROM information_schema.PROCESSLIST WHERE {IsAttached}");
        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (1)");
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.Equal(id, await pair.One.TextAsync($"SELECT ID FROM information_schema.PROCESSLIST WHERE {IsAttached}"));
        Assert.DoesNotContain(pair.One.Controller.State.Alarms, a => a.Contains("semi-sync", StringComparison.Ordinal));
    }

    private static async Task<TestNode> ReplicaAsync(Pair pair, bool semiSync = true)
    {
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await pair.One.ExecuteUnloggedAsync("CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'repl'", "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'");
        return await TestNode.StartAsync(pair.Log, 7, new Dictionary<string, string>
        {
            ["rpl-semi-sync-slave-enabled"] = semiSync ? "ON" : "OFF", ["rpl-semi-sync-master-enabled"] = "OFF",
        });
    }

    private static Task AttachAsync(Pair pair, TestNode other) => other.ExecuteAsync(
        $"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={pair.One.Server.Port}, MASTER_USER='repl', MASTER_PASSWORD='repl', MASTER_USE_GTID=slave_pos",
        "START SLAVE");

    /// <summary>Waits until the leader's server has been closed.</summary>
    private static async Task AwaitClosedAsync(Pair pair)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.One.AfterStep = (plan, step) =>
        {
            if (plan == "demotion" && step == "closed")
                _ = closed.TrySetResult();
            return Task.CompletedTask;
        };
        await closed.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }
}
