using WolfScale.Integration.Capture;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>Two servers change roles the way a cluster makes them.</summary>
public class RoleTests
{
    [Fact]
    public async Task A_leader_is_opened_and_its_follower_holds_the_same_rows()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var one = await TestNode.StartAsync(log, 1);
        await using var two = await TestNode.StartAsync(log, 2);
        one.Controller.Start();
        two.Controller.Start();

        var term = log.Lead();
        one.Controller.Lead(term);
        two.Log.IsSettled = true;
        await one.AwaitServingAsync();
        await one.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1),(2)");

        var state = await two.AwaitInStepAsync();
        Assert.True(state.Fit);
        Assert.Equal("ACTIVE", state.NodeStatus);
        Assert.Equal("1\n2", await two.RowsAsync("SELECT * FROM d.t"));
        Assert.Equal("1", await two.TextAsync("SELECT @@read_only"));
        Assert.Equal("0", await one.TextAsync("SELECT @@read_only"));
    }
}
