using System.Globalization;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd;

/// <summary>Two machines with a database and one small one without: any of the three may be lost.</summary>
public class WitnessTests
{
    private const string Witness = "node-3";

    [Fact]
    public async Task Each_of_two_database_nodes_and_a_witness_is_lost_in_turn_under_load_and_no_acknowledged_write_with_it()
    {
        await using var cluster = await StartAsync();
        await AssertShownAsWitnessAsync(cluster);
        await using var writer = await WriteAsync(cluster);
        for (var round = 1; round <= Long.Or(5, 1); round++)
        {
            foreach (var id in (string[])["node-1", "node-2", Witness])
            {
                await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(60), count: 20);
                var lost = writer.Now;
                await cluster.SignalAsync(id, id == Witness ? Part.Node : Part.Both, Signal.Kill);
                var first = await writer.AwaitAcknowledgedAsync(lost, TimeSpan.FromSeconds(60), count: 20);
                TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{id} lost: {(first.Ended - lost).TotalSeconds:0.00} s to the next acknowledged insert"));
                await cluster.StartNodeAsync(id);
                await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(90));
            }
        }
        await AssertNothingLostAsync(cluster, writer);
    }

    /// <summary>
    /// Rule C3: the witness alone has what the last leader acknowledged. It has to win, to bring the other database node up to date, and to hand over;
    /// it never accepts a write.
    /// </summary>
    [Fact]
    public async Task C3_A_witness_that_alone_has_the_last_writes_wins_brings_the_other_node_up_to_date_and_hands_over()
    {
        await using var cluster = await StartAsync();
        await using var writer = await WriteAsync(cluster);
        var leader = await cluster.LeaderAsync();
        var behind = cluster.Facts.Nodes.Single(n => n.Id != leader.Id && n.Id != Witness);
        var before = cluster.NodeLog(Witness).Length;

        await cluster.SignalAsync(behind.Id, Part.Node, Signal.Kill);
        await writer.AwaitAcknowledgedAsync(writer.Now, TimeSpan.FromSeconds(30), count: 50);
        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        var lost = writer.Now;
        await cluster.StartNodeAsync(behind.Id, Part.Node);

        Assert.Equal(behind.Id, (await cluster.LeaderAsync(except: leader.Id, within: TimeSpan.FromSeconds(60))).Id);
        await writer.AwaitAcknowledgedAsync(lost, TimeSpan.FromSeconds(30), count: 20);
        await cluster.AwaitLogAsync(Witness, before, "Leader in term", $"leader {Witness}");
        await AssertShownAsWitnessAsync(cluster, except: leader.Id);

        await cluster.StartNodeAsync(leader.Id);
        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(90));
        await AssertNothingLostAsync(cluster, writer);
    }

    [Fact]
    public async Task A_witness_says_what_it_is_and_refuses_what_it_cannot_do()
    {
        await using var cluster = await StartAsync();
        var leader = await cluster.LeaderAsync();
        var witness = cluster.Facts.Node(Witness);
        Assert.Equal((null, null), (witness.Proxy, witness.MariaDb));

        var refused = await Command.WolfScaleAsync(TimeSpan.FromSeconds(30), "demo", "kill", Witness, "--what", "mariadb", "--dir", cluster.Directory);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("is a witness: it has no MariaDB", refused.Error, StringComparison.Ordinal);

        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(leader.Api), "/admin/promote")) { Content = new StringContent($$"""{"node":"{{Witness}}"}""", null, "application/json") };
        request.Headers.Authorization = new("Bearer", cluster.Facts.Token);
        using var answer = await http.SendAsync(request);
        Assert.False(answer.IsSuccessStatusCode);
        Assert.Contains("witness", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var health = await http.GetAsync(new Uri(new Uri(witness.Api), "/health"));
        Assert.True(health.IsSuccessStatusCode, await health.Content.ReadAsStringAsync());
        using var leads = await http.GetAsync(new Uri(new Uri(witness.Api), "/health/leader"));
        Assert.False(leads.IsSuccessStatusCode);
        Assert.NotNull(Lines.With(cluster.NodeLog(Witness), "A witness", "neither a MariaDB nor a proxy"));
    }

    private static async Task<DemoCluster> StartAsync()
    {
        var cluster = await DemoCluster.StartAsync(2);
        try
        {
            Assert.Equal(Witness, await cluster.AddNodeAsync("--witness"));
            await cluster.AwaitHealthyAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static async Task<AckedWriter> WriteAsync(DemoCluster cluster)
    {
        await AckedWriter.CreateTablesAsync((await cluster.LeaderAsync()).Server, cluster.Facts.Database);
        return AckedWriter.Start(cluster.Servers, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database));
    }

    /// <summary>Every running node shows it as an active WITNESS, itself included.</summary>
    private static async Task AssertShownAsWitnessAsync(DemoCluster cluster, string? except = null)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        foreach (var node in cluster.Facts.Nodes.Where(n => n.Id != except))
        {
            await Poll.UntilAsync($"{node.Id} to show the witness", TimeSpan.FromSeconds(30), async () =>
            {
                using var document = JsonDocument.Parse(await http.GetStringAsync(new Uri(new Uri(node.Api), "/cluster")));
                var shown = document.RootElement.GetProperty("nodes").EnumerateArray().Single(n => n.GetProperty("id").GetString() == Witness);
                return (shown.GetProperty("role").GetString(), shown.GetProperty("status").GetString()) == ("WITNESS", "ACTIVE") ? null : shown.ToString();
            });
        }
        Assert.Equal(("WITNESS", false), await cluster.StatusAsync(Witness) is { } status ? (status.Role, status.AcceptsWrites) : default);
    }

    private static async Task AssertNothingLostAsync(DemoCluster cluster, AckedWriter writer)
    {
        await writer.StopAsync();
        var database = cluster.Facts.Database;
        await cluster.Comparer.AssertIdenticalAsync([new("table", $"{database}.{AckedWriter.Table}", 1), new("table", $"{database}.{AckedWriter.KeylessTable}", 1)], TimeSpan.FromSeconds(60));
        foreach (var server in cluster.Servers)
        {
            var verdict = await AckedVerdict.ReadAsync(server, database, writer);
            TestContext.Current.TestOutputHelper!.WriteLine($"{server}: {verdict}");
            verdict.AssertRight();
        }
    }
}
