using System.Globalization;
using System.Text;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>All 1,024 node numbers were used, and one is given back.</summary>
public sealed class SnowflakeNumberTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private const long DayMs = 24 * 3_600_000;

    /// <summary>Its node's clock was days ahead, which nobody else knows but by what stands with the number.</summary>
    [Fact]
    public async Task A_number_that_is_given_back_and_used_again_never_repeats_an_id()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var gone = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        List<long> old;
        using (var api = new ApiClient(gone, cluster.Facts.Token))
            old = [.. await IdsAsync(api, 10_000), .. await IdsAsync(api, 10_000)];
        var number = (old[0] >> 12) & 0x3FF;
        var granted = await leader.Server.ScalarAsync($"SELECT until_ms FROM wolfscale_api.snowflake_nodes WHERE number = {number}");
        Assert.True(long.Parse(granted!, CultureInfo.InvariantCulture) > old[^1] >> 22, $"{granted} for {old[^1] >> 22}");

        await cluster.SignalAsync(gone.Id, Part.Both, Signal.Kill);
        using (var api = new ApiClient(leader, cluster.Facts.Token))
            Assert.Equal(200, (await api.SendAsync(HttpMethod.Post, "/admin/remove", Encoding.UTF8.GetBytes($"{{\"node\": \"{gone.Id}\", \"force\": true}}"))).Status);
        await leader.Server.RunAsync("INSERT IGNORE INTO wolfscale_api.snowflake_nodes (number, node, incarnation, taken, missed) SELECT seq, 'gone', seq, UTC_TIMESTAMP(), UTC_TIMESTAMP() FROM demo.seq_0_to_1023");
        var added = await cluster.AddNodeAsync();
        await cluster.AwaitStatusAsync(added, "ACTIVE");
        using var next = new ApiClient(cluster.Facts.Node(added), cluster.Facts.Token);
        var none = await next.GetAsync("/id");
        Assert.Equal((503, "no_node_number"), (none.Status, none.Code)); // missed just now

        var ahead = long.Parse(granted!, CultureInfo.InvariantCulture) + (10 * DayMs);
        await leader.Server.RunAsync($"UPDATE wolfscale_api.snowflake_nodes SET missed = UTC_TIMESTAMP() - INTERVAL 25 HOUR, until_ms = {ahead} WHERE number = {number}");
        var young = await IdsAsync(next, 10_000);

        Assert.All(young, id => Assert.Equal(number, (id >> 12) & 0x3FF));
        Assert.True(young[0] >> 22 >= ahead, $"ids begin at {young[0] >> 22}, where the last node's may go to {ahead}");
        Assert.Equal(20_000 + 10_000, old.Concat(young).Distinct().Count());
        Assert.Equal(added, await leader.Server.ScalarAsync($"SELECT node FROM wolfscale_api.snowflake_nodes WHERE number = {number}"));
        await Fixture.AbandonAsync(); // one of its nodes is gone for good
    }

    /// <summary>A table that an earlier version has made.</summary>
    [Fact]
    public async Task A_node_that_has_a_number_without_a_time_gets_the_time()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        var before = await IdsAsync(api, 1);
        await leader.Server.RunAsync("ALTER TABLE wolfscale_api.snowflake_nodes DROP COLUMN until_ms");
        var other = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        using var second = new ApiClient(other, cluster.Facts.Token);
        var ids = await IdsAsync(second, 1);

        Assert.NotEqual((before[0] >> 12) & 0x3FF, (ids[0] >> 12) & 0x3FF);
        Assert.True((await IdsAsync(api, 1))[0] > before[0]);
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM wolfscale_api.snowflake_nodes WHERE until_ms > 0"));
    }

    private static async Task<List<long>> IdsAsync(ApiClient api, int count)
    {
        var answer = await api.GetAsync($"/id?count={count}");
        Assert.True(answer.Status == 200, answer.ToString());
        return [.. answer.Body.GetProperty("ids").EnumerateArray().Select(i => long.Parse(i.GetString()!, CultureInfo.InvariantCulture))];
    }
}
