using WolfScale.Integration.Capture;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>A node that comes to a server whose commits wait for their ACK: none of its own looks may hang behind them, or nobody ever gives the ACK.</summary>
public class HeldServerTests
{
    /// <summary>CREATE USER, GRANT and their kin keep the grant tables locked while they wait: SHOW GRANTS and others wait with them (measured).</summary>
    [Theory]
    [InlineData("CREATE USER u", "")]
    [InlineData("GRANT SELECT ON d.t TO app@localhost", "INSERT INTO d.t VALUES (1)")]
    [InlineData("CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "CREATE DATABASE e")]
    [InlineData("INSERT INTO d.t VALUES (1)", "INSERT INTO d.t VALUES (2)")]
    public async Task A_node_that_starts_while_statements_wait_for_their_ACK_holds_and_serves_them(string first, string second)
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await (await RoleTests.AppUserAsync(pair.One)).DisposeAsync();
        await pair.Two.AwaitInStepAsync();
        pair.Log.AutoCommit = false;
        var clients = new List<Task<string>> { RoleTests.WriteAsync(pair.One, first) };
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);
        if (second.Length > 0)
            clients.Add(RoleTests.WriteAsync(pair.One, second));
        pair.One.Log.AnotherNodeLeads = false;
        pair.Interregnum();
        await pair.One.AwaitAsync(s => s.HoldsCommits, "holding its commits");

        await pair.One.RestartControllerAsync();
        await pair.One.AwaitAsync(s => s.HoldsCommits, "holding its commits again", seconds: 8);
        pair.Log.AutoCommit = true;
        pair.Lead(pair.One);
        Assert.All(await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(40)), outcome => Assert.Equal("OK", outcome));
        await pair.One.AwaitServingAsync();
    }

    /// <summary>A group of a domain that is not the cluster's cannot be compared without the binlog, and the list of binlogs waits behind two groups.</summary>
    [Fact]
    public async Task A_server_that_cannot_be_compared_while_its_commits_wait_is_closed_when_another_node_leads()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        await pair.One.StopControllerAsync();
        var clients = Enumerable.Range(0, 2).Select(async i =>
        {
            await using var connection = await pair.One.ConnectAsync();
            await TestServer.ExecuteAsync(connection, "SET gtid_domain_id=5");
            return await RoleTests.WriteAsync(connection, $"INSERT INTO d.t VALUES ({i})");
        }).ToList();
        await pair.One.Server.AwaitStateAsync("STATE LIKE 'Waiting for semi-sync ACK%'");
        await pair.One.Server.AwaitStateAsync("STATE LIKE 'Commit%'");
        pair.One.Log.AnotherNodeLeads = false;
        await pair.One.RestartControllerAsync();
        await pair.One.AwaitAsync(s => s is { HoldsCommits: true, Fit: false }, "holding its commits, and not fit", seconds: 8);

        pair.One.Log.AnotherNodeLeads = true;
        Assert.DoesNotContain("OK", await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(20)));
        await pair.One.AwaitAsync(s => !s.HoldsCommits, "closed");
        Assert.Equal("1", await pair.One.TextAsync("SELECT @@read_only"));
    }
}
