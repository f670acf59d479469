using System.Net.Sockets;
using MySqlConnector;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>A rewind that is interrupted at any point ends as one that was not.</summary>
public class RewindCrashTests
{
    private static readonly string[] Steps = ["open", "undo", "reset", "state", "position"];

    private static readonly string[] Tail =
        ["DELETE FROM d.nokey LIMIT 1", "INSERT INTO d.nokey VALUES (1)", "UPDATE d.nokey SET a=3 WHERE a=1 LIMIT 1", "INSERT INTO d.keyed VALUES (2,2)", "FLUSH TABLES"];

    // Without a key, an undo that runs twice takes another row without an error (measured): three equal rows show it.
    private static readonly string[] Setup =
        ["CREATE DATABASE d", "CREATE TABLE d.nokey (a INT)", "INSERT INTO d.nokey VALUES (1),(1),(1)", "CREATE TABLE d.keyed (a INT PRIMARY KEY, b INT)", "INSERT INTO d.keyed VALUES (1,1)"];

    [Fact]
    public async Task A_crash_of_the_node_after_any_step_resumes_to_the_same_end()
    {
        await using var deposed = await Deposed.StartAsync(Setup);
        foreach (var step in Steps)
        {
            await WriteTailAndCrashAsync(deposed, step);
            await deposed.Node.RestartControllerAsync();
            await AssertRewoundAsync(deposed);
        }
    }

    [Fact]
    public async Task A_SIGKILL_of_the_server_and_the_node_after_any_step_resumes_to_the_same_end()
    {
        await using var deposed = await Deposed.StartAsync(Setup);
        foreach (var step in Steps)
        {
            await WriteTailAndCrashAsync(deposed, step);
            await deposed.Node.Server.StopAsync(force: true);
            await deposed.Node.Server.StartAsync();
            await deposed.Node.RestartControllerAsync();
            await AssertRewoundAsync(deposed);
        }
    }

    [Fact]
    public async Task A_SIGKILL_of_the_server_alone_is_overcome_by_the_running_node()
    {
        await using var deposed = await Deposed.StartAsync(Setup);
        foreach (var step in Steps)
        {
            await deposed.WriteTailAsync(Tail);
            var killed = new TaskCompletionSource();
            deposed.Node.AfterStep = async (plan, done) =>
            {
                if (plan == "rewind" && done == step && !killed.Task.IsCompleted)
                {
                    await deposed.Node.Server.StopAsync(force: true);
                    killed.SetResult();
                }
            };
            await deposed.RejoinAsync();
            await killed.Task.WaitAsync(TimeSpan.FromSeconds(30));
            await deposed.Node.Server.StartAsync();
            await AssertRewoundAsync(deposed);
        }
    }

    /// <summary>The marker and the rows change in one transaction: the server dies after the first and before the second.</summary>
    [Fact]
    public async Task A_SIGKILL_in_the_middle_of_the_undo_leaves_it_done_once_or_not_at_all()
    {
        await using var deposed = await Deposed.StartAsync(Setup);
        await deposed.WriteTailAsync(Tail);

        // A prepared transaction outlives its session, and a restart; it holds a row that the undo needs.
        await deposed.Node.ExecuteUnloggedAsync("XA START 'hold'", "UPDATE d.keyed SET b=b+10 WHERE a=2", "XA END 'hold'", "XA PREPARE 'hold'");
        await deposed.RejoinAsync();
        await AwaitRowLockWaitAsync(deposed.Node);
        await deposed.Node.Server.StopAsync(force: true);
        await deposed.Node.StopControllerAsync();

        await deposed.Node.Server.StartAsync();
        Assert.Equal("open", await deposed.Node.TextAsync("SELECT state FROM wolfscale.rewind"));
        await deposed.Node.ExecuteUnloggedAsync("XA ROLLBACK 'hold'");
        await deposed.Node.RestartControllerAsync();
        await AssertRewoundAsync(deposed);
    }

    [Fact]
    public async Task A_write_during_the_rewind_is_never_hidden()
    {
        await using var deposed = await Deposed.StartAsync(Setup);
        await deposed.WriteTailAsync("INSERT INTO d.nokey VALUES (1)"); // undone twice, it would take a row of the cluster's along, without an error
        deposed.Node.AfterStep = (plan, step) =>
            plan == "rewind" && step == "undo" ? deposed.Node.ExecuteUngatedAsync("INSERT INTO d.keyed VALUES (9,9)") : Task.CompletedTask;
        await deposed.RejoinAsync();
        var state = await deposed.Node.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        Assert.Contains("somebody with the right to pass read_only writes to it", state.Reason, StringComparison.Ordinal);

        // Its GTIDs no longer say what it holds: a restart must not conclude anything from them, least of all a second undo.
        deposed.Node.AfterStep = null;
        await deposed.Node.RestartControllerAsync();
        await deposed.Node.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "still in need of a copy");
        Assert.Equal("3", await deposed.Node.TextAsync("SELECT COUNT(*) FROM d.nokey WHERE a=1"));
    }

    [Fact]
    public async Task A_write_before_the_undo_starts_the_comparison_again()
    {
        await using var deposed = await Deposed.StartAsync(Setup);
        await deposed.WriteTailAsync(Tail);
        var written = false;
        deposed.Node.AfterStep = async (plan, step) =>
        {
            if (plan == "rewind" && step == "open" && !written)
            {
                written = true;
                await deposed.Node.ExecuteUngatedAsync("INSERT INTO d.keyed VALUES (9,9)");
            }
        };
        await deposed.RejoinAsync();
        await AssertRewoundAsync(deposed);
        Assert.Equal(2, deposed.Saved.Count);
    }

    /// <summary>Not from INNODB_TRX, which shows the same picture for as long as it is asked more often than every 100 ms.</summary>
    private static async Task AwaitRowLockWaitAsync(TestNode node)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await poll.WaitForNextTickAsync(deadline.Token))
        {
            try
            {
                if (await node.TextAsync("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME='Innodb_row_lock_current_waits'") == "1")
                    return;
            }
            catch (Exception e) when (e is MySqlException or IOException or SocketException)
            {
                // The rewind kills every client, this one too, before it undoes anything.
            }
        }
    }

    private static async Task WriteTailAndCrashAsync(Deposed deposed, string step)
    {
        await deposed.WriteTailAsync(Tail);
        var crashed = new TaskCompletionSource();
        deposed.Node.AfterStep = (plan, done) =>
        {
            if (plan != "rewind" || done != step)
                return Task.CompletedTask;
            _ = crashed.TrySetResult();

            // The node is gone: nothing of it runs any more, and what was begun stays begun.
            return Task.Delay(Timeout.Infinite, deposed.Node.Gone);
        };
        await deposed.RejoinAsync();
        await crashed.Task.WaitAsync(TimeSpan.FromSeconds(30));
        deposed.Node.AfterStep = null;
    }

    private static async Task AssertRewoundAsync(Deposed deposed)
    {
        await deposed.AwaitRewoundAsync();
        Assert.Equal("1\n1\n1", await deposed.Node.RowsAsync("SELECT a FROM d.nokey"));
        Assert.Equal("1|1", await deposed.Node.RowsAsync("SELECT * FROM d.keyed"));
        deposed.Node.AfterStep = null;

        // It is as good as new: it leads again, and its GTIDs go on.
        await deposed.LeadAsync("INSERT INTO d.keyed VALUES (5,5)", "DELETE FROM d.keyed WHERE a=5");
    }
}
