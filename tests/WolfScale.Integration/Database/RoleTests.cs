using MySqlConnector;
using WolfScale.Integration.Capture;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Roles;

namespace WolfScale.Integration.Database;

/// <summary>Two servers change roles the way a cluster makes them.</summary>
public class RoleTests
{
    [Fact]
    public async Task A_leader_is_opened_and_its_follower_holds_the_same_rows()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1),(2)");

        var state = await pair.Two.AwaitInStepAsync();
        Assert.True(state.Fit);
        Assert.Equal("ACTIVE", state.NodeStatus);
        Assert.Equal("1\n2", await pair.Two.RowsAsync("SELECT * FROM d.t"));
        Assert.Equal("1", await pair.Two.TextAsync("SELECT @@read_only"));
        Assert.Equal("0", await pair.One.TextAsync("SELECT @@read_only"));
        Assert.Equal("OFF", await pair.Two.TextAsync("SELECT @@event_scheduler"));
    }

    [Fact]
    public async Task The_lead_goes_there_and_back_and_the_GTIDs_go_on()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)");

        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (2)");
        await pair.One.AwaitInStepAsync();
        Assert.Equal("0-2-4", await pair.One.TextAsync("SELECT @@gtid_binlog_pos"));

        pair.Lead(pair.One);
        await pair.One.AwaitServingAsync();
        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (3)");
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("0-1-5", await pair.Two.TextAsync("SELECT @@gtid_binlog_pos"));
        Assert.Equal("1\n2\n3", await pair.Two.RowsAsync("SELECT * FROM d.t"));
        Assert.Equal("1\n2\n3", await pair.One.RowsAsync("SELECT * FROM d.t"));
    }

    [Fact]
    public async Task Demotion_tells_no_waiting_client_OK_and_closes_the_server()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();

        pair.Log.AutoCommit = false;
        var clients = Enumerable.Range(0, 16).Select(i => WriteAsync(pair.One, $"INSERT INTO d.t VALUES ({i})")).ToList();
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);

        // All of them in their commit: killing a group's leader before its members would let the members answer OK.
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await pair.One.TextAsync("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Commit%' OR STATE LIKE 'Waiting for semi-sync ACK%'") != "16")
            Assert.True(await look.WaitForNextTickAsync());
        pair.Interregnum();

        var outcomes = await Task.WhenAll(clients);
        Assert.DoesNotContain("OK", outcomes);
        var state = await pair.One.AwaitAsync(s => s.Phase == DatabasePhase.Waiting, "waiting for the fate of its tail");
        Assert.Contains("not", state.Reason, StringComparison.Ordinal);
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@read_only"));
        Assert.Equal("0", await pair.One.TextAsync("SELECT @@rpl_semi_sync_master_enabled"));
        Assert.StartsWith("1290", await WriteAsync(await AppUserAsync(pair.One), "INSERT INTO d.t VALUES (99)"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_demotion_cuts_the_proxys_sessions_while_the_server_is_still_open()
    {
        await using var pair = await Pair.StartAsync();
        var change = pair.One.Change;
        var readOnly = "not called";
        pair.One.Change = o => change(o) with { CutProxySessions = async _ => readOnly = await pair.One.TextAsync("SELECT @@read_only") };
        await pair.One.RestartControllerAsync();
        pair.Lead(pair.One);
        await pair.One.AwaitServingAsync();

        readOnly = "not called";
        pair.Lead(pair.Two);
        await pair.One.AwaitInStepAsync();
        Assert.Equal("0", readOnly);
    }

    /// <summary>Semi-sync is off by then, so a write that got in would be told OK although nobody else has it.</summary>
    [Fact]
    public async Task From_the_release_of_the_waiting_commits_on_no_write_gets_in()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await using (await AppUserAsync(pair.One))
        {
        }

        var outcome = "not tried";
        pair.One.AfterStep = async (plan, step) =>
        {
            if (plan != "demotion" || step != "release")
                return;
            await using var app = new MySqlConnection(new MySqlConnectionStringBuilder(pair.One.Server.RootConnectionString) { UserID = "app", Password = "app" }.ConnectionString);
            await app.OpenAsync();
            outcome = await WriteAsync(app, "INSERT INTO d.t VALUES (1)");
        };
        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await pair.One.AwaitInStepAsync();
        Assert.StartsWith("1290", outcome, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_whose_fate_is_open_is_neither_undone_nor_fed_over_until_it_is_committed()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();

        pair.Log.AutoCommit = false;
        var client = WriteAsync(pair.One, "INSERT INTO d.t VALUES (1)");
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);
        pair.Interregnum();
        _ = await client;
        await pair.One.AwaitAsync(s => s is { Phase: DatabasePhase.Waiting, Fit: true }, "waiting");

        // A leader that has the entry is elected: it commits it with its own no-op.
        pair.One.Log.IsSettled = true;
        pair.Log.AutoCommit = true;
        var term = pair.Log.Lead();
        pair.Two.Controller.Lead(term);
        await pair.Two.AwaitServingAsync();
        await pair.One.AwaitInStepAsync();
        Assert.Equal("1", await pair.Two.RowsAsync("SELECT * FROM d.t"));
        Assert.Equal("1", await pair.One.RowsAsync("SELECT * FROM d.t"));
        Assert.Empty(Directory.Exists(pair.One.DataDirectory) ? Directory.GetFiles(pair.One.DataDirectory) : []);
    }

    [Fact]
    public async Task A_leader_without_a_quorum_holds_its_commits_and_its_clients_get_OK_when_it_leads_again()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        pair.Log.AutoCommit = false;
        var clients = Enumerable.Range(0, 4).Select(i => WriteAsync(pair.One, $"INSERT INTO d.t VALUES ({i})")).ToList();
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);

        pair.One.Log.AnotherNodeLeads = false;
        pair.Interregnum();
        await pair.One.AwaitAsync(s => s is { Phase: DatabasePhase.Waiting, Fit: true }, "holding its commits");
        Assert.Equal("0", await pair.One.TextAsync("SELECT COUNT(*) FROM d.t"));
        Assert.DoesNotContain(clients, c => c.IsCompleted);

        // A new life of the node finds the server as the old one left it.
        await pair.One.RestartControllerAsync();
        await pair.One.AwaitAsync(s => s is { Phase: DatabasePhase.Waiting, Fit: true }, "holding its commits again");
        pair.Log.AutoCommit = true;
        pair.Lead(pair.One);
        Assert.All(await Task.WhenAll(clients), outcome => Assert.Equal("OK", outcome));
        await pair.One.AwaitServingAsync();
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("0\n1\n2\n3", await pair.Two.RowsAsync("SELECT * FROM d.t"));
    }

    [Fact]
    public async Task A_leader_that_is_elected_again_captures_its_own_tail_first()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();

        // Its node dies, and commits go on ungated, as under SIGTERM of the server.
        await pair.One.Controller.DisposeAsync();
        await pair.One.ExecuteUngatedAsync("INSERT INTO d.t VALUES (1)", "INSERT INTO d.t VALUES (2)");
        await pair.One.RestartControllerAsync();
        pair.Lead(pair.One);
        await pair.One.AwaitServingAsync();
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("1\n2", await pair.Two.RowsAsync("SELECT * FROM d.t"));
    }

    [Fact]
    public async Task C4_a_promotion_kills_the_reader_that_blocks_the_applier()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await using var reader = await pair.Two.ConnectAsync();
        await TestServer.ExecuteAsync(reader, "BEGIN");
        await TestServer.ExecuteAsync(reader, "SELECT * FROM d.t");
        await pair.One.ExecuteAsync("ALTER TABLE d.t ADD b INT");

        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => TestServer.ExecuteAsync(reader, "SELECT 1"));
    }

    [Fact]
    public async Task C4_a_promotion_without_progress_reports_the_node_unfit()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        pair.Two.Feed.StopAtLsn = pair.Log.CommitLsn;
        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (1)");

        pair.Lead(pair.Two);
        var state = await pair.Two.AwaitAsync(s => s is { Phase: DatabasePhase.Promoting, Fit: false, Reason.Length: > 0 }, "unfit");
        Assert.Contains("has not moved on", state.Reason, StringComparison.Ordinal);
        Assert.Equal("1", await pair.Two.TextAsync("SELECT @@read_only"));

        // It goes on trying while nobody else takes the lead.
        pair.Two.Feed.StopAtLsn = long.MaxValue;
        await pair.Two.AwaitServingAsync();
        Assert.Equal("1", await pair.Two.RowsAsync("SELECT * FROM d.t"));
    }

    [Fact]
    public async Task A_server_that_comes_back_after_a_crash_follows_again()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await pair.Two.Server.StopAsync(force: true);
        await pair.Two.AwaitAsync(s => s is { Phase: DatabasePhase.Down, Up: false, Fit: false }, "down");
        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (1)");

        await pair.Two.Server.StartAsync();
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("1", await pair.Two.RowsAsync("SELECT * FROM d.t"));
    }

    [Fact]
    public async Task A_planned_handover_lets_writers_end_and_can_be_taken_back()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await using var writer = await AppUserAsync(pair.One);
        await TestServer.ExecuteAsync(writer, "BEGIN");
        await TestServer.ExecuteAsync(writer, "INSERT INTO d.t VALUES (1)");
        var before = await pair.One.TextAsync("SELECT MAX(ID) FROM information_schema.PROCESSLIST");
        var preparing = pair.One.Controller.PrepareHandoverAsync(TimeSpan.FromSeconds(60), CancellationToken.None);

        // It has asked a few times whether writers are left, and the server is still open.
        var asked = new HashSet<string>();
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (asked.Count < 12 && await look.WaitForNextTickAsync())
        {
            Assert.False(preparing.IsCompleted);
            _ = asked.Add(await pair.One.TextAsync($"SELECT MAX(QUERY_ID) FROM information_schema.PROCESSLIST WHERE USER='wolfscale' AND ID > {before}"));
        }

        Assert.Equal("0", await pair.One.TextAsync("SELECT @@read_only"));
        await TestServer.ExecuteAsync(writer, "COMMIT");

        // It sees that the writer has ended, and does not wait for as long as it would for one that does not.
        Assert.True(await preparing.WaitAsync(TimeSpan.FromSeconds(15)));
        Assert.StartsWith("1290", await WriteAsync(writer, "INSERT INTO d.t VALUES (2)"), StringComparison.Ordinal);
        pair.One.Controller.ResumeServing();
        await pair.One.AwaitOpenAsync();
        await TestServer.ExecuteAsync(writer, "INSERT INTO d.t VALUES (3)");

        // Without a quorum the commits under way do not end, and the attempt is given up.
        pair.Log.AutoCommit = false;
        var waiting = WriteAsync(pair.One, "INSERT INTO d.t VALUES (4)");
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);
        Assert.False(await pair.One.Controller.PrepareHandoverAsync(TimeSpan.FromSeconds(2), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30)));
        pair.Log.AutoCommit = true;
        Assert.Equal("OK", await waiting);
        await pair.One.AwaitOpenAsync();
        await TestServer.ExecuteAsync(writer, "INSERT INTO d.t VALUES (5)");
    }

    /// <summary>A transaction that has only read may be about to write: it is let go on for a moment, and no longer.</summary>
    [Theory]
    [InlineData("SELECT * FROM d.t", true)]
    [InlineData("SELECT * FROM d.t FOR UPDATE", true)]
    [InlineData("SELECT * FROM d.t", false)]
    public async Task A_planned_handover_lets_readers_write_and_end(string reads, bool ends)
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)");
        await using var client = await AppUserAsync(pair.One);
        await TestServer.ExecuteAsync(client, "BEGIN");
        await TestServer.ExecuteAsync(client, reads);
        using var time = new SteppedTime();
        var preparing = new Handover(new ServerConnector(pair.One.Options), time).PrepareAsync(pair.Log, TimeSpan.FromMinutes(10), CancellationToken.None);

        Assert.Same(time.Waits, await Task.WhenAny(preparing, time.Waits).WaitAsync(TimeSpan.FromSeconds(60)));
        if (ends)
        {
            await TestServer.ExecuteAsync(client, "UPDATE d.t SET a = 2");
            for (var i = 0; i < 10; i++)
                await time.StepAsync(); // it has written now, and counts as a writer
            Assert.False(preparing.IsCompleted);
            await TestServer.ExecuteAsync(client, "COMMIT");
        }

        while (!preparing.IsCompleted)
            await time.StepAsync(preparing);
        Assert.True(await preparing);
        Assert.InRange(time.Stepped, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    /// <summary>
    /// The lead is lost while a hand-over is being prepared: the attempt fails, and must leave the server closed. It would be open without a gate
    /// otherwise, and tell clients OK for what nobody else has.
    /// </summary>
    [Fact]
    public async Task A_handover_that_is_taken_back_after_the_lead_was_lost_opens_nothing()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        Assert.True(await pair.One.Controller.PrepareHandoverAsync(TimeSpan.FromSeconds(20), CancellationToken.None));
        await pair.Two.AwaitInStepAsync();

        pair.Lead(pair.Two);
        await pair.Two.AwaitServingAsync();
        await pair.One.AwaitInStepAsync();
        var closedAgain = 0; // a follower's server that someone opens is closed by another demotion
        pair.One.AfterStep = (plan, _) =>
        {
            if (plan == "demotion")
                closedAgain++;
            return Task.CompletedTask;
        };
        pair.One.Controller.ResumeServing();
        for (var row = 1; row <= 5; row++)
        {
            await pair.Two.ExecuteAsync($"INSERT INTO d.t VALUES ({row})");
            await pair.One.AwaitInStepAsync();
        }

        Assert.Equal(0, closedAgain);
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@read_only"));
    }

    /// <summary>A demotion that was cut short left the server open without the gate, and this node leads again: it is closed before anything else.</summary>
    [Fact]
    public async Task A_promotion_closes_a_server_that_stands_open_without_its_gate_first()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await pair.Two.RestartControllerAsync(start: false);
        await pair.Two.ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled=OFF", "SET GLOBAL read_only=0");
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Two.AfterStep = (plan, step) =>
        {
            if (plan == "demotion" && step == "closed")
                _ = closed.TrySetResult();
            else if (plan == "promotion" && !closed.Task.IsCompleted)
                _ = closed.TrySetException(new InvalidOperationException("the promotion began on an open server"));
            return Task.CompletedTask;
        };

        pair.Lead(pair.Two);
        pair.Two.Controller.Start();

        await closed.Task.WaitAsync(TimeSpan.FromSeconds(40));
        await pair.Two.AwaitServingAsync();
    }

    /// <summary>Connects as an account without any privilege that passes read_only.</summary>
    internal static async Task<MySqlConnection> AppUserAsync(TestNode node)
    {
        await node.ExecuteUnloggedAsync("CREATE OR REPLACE USER app@localhost IDENTIFIED BY 'app'", "GRANT ALL ON d.* TO app@localhost");
        var connection = new MySqlConnection(new MySqlConnectionStringBuilder(node.Server.RootConnectionString) { UserID = "app", Password = "app" }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    internal static async Task<string> WriteAsync(TestNode node, string sql)
    {
        await using var connection = await node.ConnectAsync();
        return await WriteAsync(connection, sql);
    }

    /// <returns>OK, or the error's number and text.</returns>
    internal static async Task<string> WriteAsync(MySqlConnection connection, string sql)
    {
        try
        {
            await TestServer.ExecuteAsync(connection, sql);
            return "OK";
        }
        catch (MySqlException e)
        {
            return $"{e.Number} {e.Message}";
        }
    }
}
