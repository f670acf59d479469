using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using MySqlConnector;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>A node dies while it closes its server: what it leaves behind tells nobody OK for what the quorum does not have.</summary>
public class ClosingTests
{
    /// <summary>Longer than the second within which the server notices that the connection of a pending statement is gone.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(3);

    [Theory]
    [InlineData("cut")]
    [InlineData("refuse")]
    [InlineData("kill")]
    [InlineData("closed")]
    [InlineData("release")]
    public async Task A_node_that_dies_after_any_step_of_a_demotion_leaves_a_server_that_tells_nobody_OK(string crashAfter)
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await (await RoleTests.AppUserAsync(pair.One)).DisposeAsync();
        await DieAsync(pair, crashAfter);

        var write = AppWriteAsync(pair.One, "INSERT INTO d.t VALUES (1)");
        Assert.NotEqual("OK", await OutcomeWithinAsync(write, Long));

        // The next life closes it before anything else, whatever waits.
        var clock = Stopwatch.StartNew();
        pair.One.AfterStep = (plan, step) =>
        {
            if (plan == "demotion" && step == "closed")
                clock.Stop();
            return Task.CompletedTask;
        };
        await pair.One.RestartControllerAsync();
        await pair.One.AwaitAsync(s => s.Phase is DatabasePhase.Waiting or DatabasePhase.Following, "closed");
        TestContext.Current.TestOutputHelper?.WriteLine($"After '{crashAfter}': closed {clock.ElapsedMilliseconds} ms after the start of the next life.");
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@read_only"));
        Assert.NotEqual("OK", await write.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    /// <summary>A statement that was killed holds <c>read_only</c> up until it is undone; that may take minutes, in which the node may die.</summary>
    [Fact]
    public async Task A_node_that_dies_while_a_killed_statement_keeps_the_server_open_leaves_it_gated()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT)", "INSERT INTO d.t VALUES (0, '')");
        await (await RoleTests.AppUserAsync(pair.One)).DisposeAsync();
        await pair.One.ExecuteUnloggedAsync("GRANT FILE ON *.* TO app@localhost");

        // In place of the undo, a read of a pipe: the statement does not see that it was killed before somebody writes to that.
        var pipe = Path.Combine(pair.One.Server.Directory, "pipe");
        await Process.Start("mkfifo", ["-m", "666", pipe]).WaitForExitAsync();
        var slow = AppWriteAsync(pair.One, $"INSERT INTO d.t SELECT 1, LOAD_FILE('{pipe}') FROM d.t");
        await pair.One.Server.AwaitStateAsync("INFO LIKE 'INSERT INTO d.t SELECT%' AND STATE = 'Sending data'");
        await DieAsync(pair, "kill", goOn: true);
        Assert.Equal("0", await pair.One.TextAsync("SELECT @@read_only"));

        var write = AppWriteAsync(pair.One, "INSERT INTO d.t VALUES (2, '')");
        Assert.Equal("nothing", await OutcomeWithinAsync(write, Long));
        Assert.Equal("0", await pair.One.TextAsync("SELECT COUNT(*) FROM d.t WHERE a = 2"));
        Assert.NotEqual("OK", await slow.WaitAsync(TimeSpan.FromSeconds(20)));

        // The next life goes on with it: the client gets an error, later ones wait behind the closing door, and in the end it is closed.
        await pair.One.RestartControllerAsync();
        Assert.NotEqual("OK", await write.WaitAsync(TimeSpan.FromSeconds(20)));
        await pair.One.AwaitStoredStepAsync("demotion", "closed"); // no client is killed from here on
        await pair.One.Server.AwaitStateAsync("INFO = 'SET GLOBAL read_only = 1' AND STATE LIKE 'Waiting for%'");
        var later = AppWriteAsync(pair.One, "INSERT INTO d.t VALUES (3, '')");
        Assert.Equal("nothing", await OutcomeWithinAsync(later, Long));
        await File.WriteAllTextAsync(pipe, "");
        Assert.StartsWith("1290", await later.WaitAsync(TimeSpan.FromSeconds(20)), StringComparison.Ordinal);
        await pair.One.AwaitAsync(s => s.Phase is DatabasePhase.Waiting or DatabasePhase.Following, "closed");
    }

    /// <summary>Whoever stops the node asks for this, so that applications get an error; a server that is held open for the sake of its commits is open.</summary>
    [Fact]
    public async Task CloseAsync_returns_when_a_server_that_held_its_commits_is_closed()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        pair.Log.AutoCommit = false;
        var client = RoleTests.WriteAsync(pair.One, "INSERT INTO d.t VALUES (1)");
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);
        pair.One.Log.AnotherNodeLeads = false;
        pair.Interregnum();
        await pair.One.AwaitAsync(s => s.HoldsCommits, "holding its commits");

        await pair.One.Controller.CloseAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(40));
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@read_only"));
        Assert.NotEqual("OK", await client.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    /// <summary>The lead is lost, and the node dies after that step of the demotion; with <paramref name="goOn"/> in the step after it.</summary>
    private static async Task DieAsync(Pair pair, string after, bool goOn = false)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.One.AfterStep = async (plan, step) =>
        {
            if (plan != "demotion" || step != after)
                return;
            _ = reached.TrySetResult();
            if (!goOn)
                await Task.Delay(Timeout.Infinite, pair.One.Gone);
        };
        pair.Lead(pair.Two);
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(40));
        if (goOn)
            await pair.One.AwaitStoredStepAsync("demotion", "closed");
        await pair.One.StopControllerAsync();
        pair.One.AfterStep = null;

        // The process of the test lives on, and the socket with it: what the server does when it notices the end of the connection is done here.
        if (await pair.One.TextAsync("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO = 'SET GLOBAL read_only = 1'") is { Length: > 0 } pending)
            await pair.One.ExecuteAsync($"KILL CONNECTION {pending}");
        await pair.One.Server.AwaitStateAsync("INFO = 'SET GLOBAL read_only = 1'", isThere: false);
    }

    private static async Task<string> AppWriteAsync(TestNode node, string sql)
    {
        await using var app = new MySqlConnection(new MySqlConnectionStringBuilder(node.Server.RootConnectionString) { UserID = "app", Password = "app" }.ConnectionString);
        await app.OpenAsync();
        return await RoleTests.WriteAsync(app, sql);
    }

    private static async Task<string> OutcomeWithinAsync(Task<string> write, TimeSpan limit) =>
        await Task.WhenAny(write, Task.Delay(limit)) == write ? await write : "nothing";
}

/// <summary>Waits for what the server's process list shows.</summary>
internal static class ProcessListExtensions
{
    public static async Task AwaitStateAsync(this MariaDb.Local.PrivateServer server, string condition, bool isThere = true)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await IsThereAsync() != isThere)
            _ = await poll.WaitForNextTickAsync(deadline.Token);

        async Task<bool?> IsThereAsync()
        {
            try
            {
                return Convert.ToInt64(await server.ScalarAsync($"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE {condition} AND ID <> CONNECTION_ID()"), CultureInfo.InvariantCulture) > 0;
            }
            catch (Exception e) when (e is MySqlException or SocketException)
            {
                return null; // Killed with the other clients, by the demotion that is being looked at.
            }
        }
    }
}
