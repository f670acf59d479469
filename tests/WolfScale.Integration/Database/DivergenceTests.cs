using WolfScale.Integration.Capture;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Connections;

namespace WolfScale.Integration.Database;

/// <summary>
/// The ways in which MariaDB commits what nobody has acknowledged, each on a leader that has lost the quorum: the transactions are undone when
/// another node leads, and saved; and whoever was told OK was told so by a quorum.
/// </summary>
public class DivergenceTests
{
    [Fact]
    public Task KILL_of_the_waiting_groups_leader() => DivergesAndComesBackAsync(async pair =>
    {
        await using var root = await pair.One.ConnectAsync();
        await TestServer.ExecuteAsync(root, $"KILL QUERY {await pair.One.TextAsync("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'INSERT INTO d.t%' AND STATE LIKE '%semi-sync%'")}");
    });

    [Fact]
    public Task SIGTERM_with_commits_waiting() => DivergesAndComesBackAsync(async pair =>
    {
        await pair.One.Server.StopAsync();
        await pair.One.Server.StartAsync();
    });

    [Fact]
    public Task Semi_sync_switched_off_behind_our_back() => DivergesAndComesBackAsync(async pair =>
    {
        await pair.One.StopControllerAsync();
        await pair.One.ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled=OFF");
    });

    [Fact]
    public Task SIGKILL_and_a_normal_restart() => DivergesAndComesBackAsync(async pair =>
    {
        await pair.One.Server.StopAsync(force: true);
        await pair.One.Server.StartAsync();
    });

    [Fact]
    public async Task A_way_in_stays_open_when_waiting_writers_fill_the_server()
    {
        await using var pair = await Pair.StartAsync(new Dictionary<string, string> { ["max-connections"] = "12" });
        await FillAndDemoteAsync(pair);
    }

    [Fact]
    public async Task Without_an_extra_port_a_full_server_is_demoted_all_the_same()
    {
        await using var pair = await Pair.StartAsync(new Dictionary<string, string> { ["max-connections"] = "12", ["extra-port"] = "0" });
        await FillAndDemoteAsync(pair);
    }

    [Fact]
    public async Task On_a_full_server_the_extra_port_lets_in_more_than_the_one_that_CONNECTION_ADMIN_does()
    {
        await using var log = new TestLog();
        await using var node = await TestNode.StartAsync(log, 1, new Dictionary<string, string> { ["max-connections"] = "12" });
        var clients = new List<MySqlConnector.MySqlConnection>();

        // As in a node, which connects long before its server is full: the way to the extra port is known by then. (The one place that
        // CONNECTION ADMIN gives is taken by every client that is being refused, for as long as that takes.)
        var connector = new ServerConnector(node.Options);
        await using var first = await connector.OpenAsync(CancellationToken.None);
        try
        {
            while (clients.Count < 40)
                clients.Add(await RoleTests.AppUserAsync(node));
        }
        catch (MySqlConnector.MySqlException e) when (e.Number is 1040 or 1203)
        {
            // Full.
        }

        Assert.InRange(clients.Count, 5, 39);
        await using var second = await connector.OpenAsync(CancellationToken.None);
        await using var third = await connector.OpenAsync(CancellationToken.None);
        Assert.All([first, second, third], c => Assert.StartsWith("extra_port", c.Route, StringComparison.Ordinal));
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    private static async Task FillAndDemoteAsync(Pair pair)
    {
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await using (await RoleTests.AppUserAsync(pair.One))
        {
        }

        pair.Log.AutoCommit = false;
        var connections = new List<MySqlConnector.MySqlConnection>();
        var outcomes = new List<Task<string>>();
        try
        {
            for (var i = 0; i < 40; i++)
            {
                var connection = new MySqlConnector.MySqlConnection(
                    new MySqlConnector.MySqlConnectionStringBuilder(pair.One.Server.RootConnectionString) { UserID = "app", Password = "app" }.ConnectionString);
                connections.Add(connection);
                await connection.OpenAsync();
                outcomes.Add(RoleTests.WriteAsync(connection, $"INSERT INTO d.t VALUES ({i})"));
            }
        }
        catch (MySqlConnector.MySqlException e) when (e.Number is 1040 or 1203)
        {
            // Full.
        }

        Assert.InRange(outcomes.Count, 5, 39);

        // The one place more that CONNECTION ADMIN is given is taken as well.
        await using var last = await pair.One.ConnectAsync();
        pair.Interregnum();
        Assert.DoesNotContain("OK", await Task.WhenAll(outcomes));
        await pair.One.AwaitAsync(s => s.Phase == DatabasePhase.Waiting, "closed and waiting");
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@read_only"));
        foreach (var connection in connections)
            await connection.DisposeAsync();
    }

    private static async Task DivergesAndComesBackAsync(Func<Pair, Task> commitWithoutAck)
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)");
        await pair.Two.AwaitInStepAsync();

        // The old leader is cut off; two commits wait, one of them has reached its log.
        pair.Log.AutoCommit = false;
        await using var first = await pair.One.ConnectAsync();
        await using var second = await pair.One.ConnectAsync();
        var clients = new[] { RoleTests.WriteAsync(first, "INSERT INTO d.t VALUES (100)"), RoleTests.WriteAsync(second, "INSERT INTO d.t VALUES (101)") };
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);
        await commitWithoutAck(pair);

        pair.Lead(pair.Two);
        pair.Log.AutoCommit = true;
        if (pair.One.Gone.IsCancellationRequested)
            await pair.One.RestartControllerAsync();
        await pair.Two.AwaitServingAsync();
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (2)");
        await pair.One.AwaitInStepAsync();
        _ = await Task.WhenAll(clients);
        Assert.Equal("1\n2", await pair.Two.RowsAsync("SELECT * FROM d.t"));
        Assert.Equal("1\n2", await pair.One.RowsAsync("SELECT * FROM d.t"));
        Assert.Equal(await pair.Two.TextAsync("SELECT @@gtid_binlog_pos"), await pair.One.TextAsync("SELECT @@gtid_binlog_pos"));
        var saved = await RewindTests.ReadBinlogAsync(Assert.Single(Directory.GetFiles(pair.One.DataDirectory)));
        Assert.Contains("@1=10", saved, StringComparison.Ordinal);
    }
}
