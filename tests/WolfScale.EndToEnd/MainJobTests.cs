using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.MainJob;

namespace WolfScale.EndToEnd;

/// <summary>Main job: what is written on the leader is identical on every server, and events run on the leader only.</summary>
public sealed class MainJobTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    [Fact]
    public async Task Everything_written_on_the_leader_is_identical_on_every_server()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();

        await MainJob.WriteAsync(leader.Server, Print);

        await cluster.Comparer.AssertIdenticalAsync(MainJob.Expected, TimeSpan.FromSeconds(120));
    }

    [Fact]
    public async Task Events_run_on_the_leader_only_also_after_a_promotion()
    {
        var cluster = await Fixture.HealthyAsync();
        var first = await cluster.LeaderAsync();
        await first.Server.RunAsync(
            "CREATE DATABASE clockwork",
            "CREATE TABLE clockwork.ticks (id INT PRIMARY KEY AUTO_INCREMENT, server INT NOT NULL, at DATETIME(6) NOT NULL)",
            "CREATE EVENT clockwork.tick ON SCHEDULE EVERY 1 SECOND ON COMPLETION PRESERVE DO INSERT INTO clockwork.ticks (server, at) VALUES (@@server_id, NOW(6))");
        var firstId = await first.Server.ScalarAsync("SELECT @@server_id");
        await AwaitTicksAsync(first.Server, firstId!, 3);

        await cluster.SignalAsync(first.Id, Part.Both, Signal.Kill);
        var second = await cluster.LeaderAsync(except: first.Id);
        var secondId = await second.Server.ScalarAsync("SELECT @@server_id");
        await AwaitTicksAsync(second.Server, secondId!, 3);
        await cluster.StartNodeAsync(first.Id);
        await cluster.AwaitHealthyAsync();
        await AwaitTicksAsync(second.Server, secondId!, 6);

        await second.Server.RunAsync("DROP EVENT clockwork.tick");
        var turns = await Turns(second.Server);
        Assert.Equal([firstId, secondId], turns);
        await cluster.Comparer.AssertIdenticalAsync([new("table", "clockwork.ticks", 9)]);
    }

    /// <summary>The servers that ticked, in order, each run of ticks of one server once.</summary>
    private static async Task<List<string?>> Turns(SqlServer server)
    {
        await using var connection = await server.RootAsync();
        var servers = (await connection.RowsAsync("SELECT server FROM clockwork.ticks ORDER BY id")).ConvertAll(r => r[0]);
        return [.. servers.Where((s, i) => i == 0 || servers[i - 1] != s)];
    }

    private static Task<TimeSpan> AwaitTicksAsync(SqlServer server, string serverId, int count) =>
        Poll.UntilAsync($"{count} ticks of server {serverId} on {server}", TimeSpan.FromSeconds(30), async () =>
        {
            var ticks = await server.ScalarAsync($"SELECT COUNT(*) FROM clockwork.ticks WHERE server = {serverId}");
            return int.Parse(ticks!, System.Globalization.CultureInfo.InvariantCulture) >= count ? null : $"{ticks} ticks";
        });
}
