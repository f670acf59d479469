using System.Collections.Concurrent;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>Applications over HTTP while the lead moves on purpose, and while a node is being stopped.</summary>
public sealed class LeavingNodeTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Planned_switchovers_cost_no_request_an_error_and_each_is_written_once()
    {
        var (cluster, _) = await PrepareAsync();
        var written = new ConcurrentDictionary<string, long>();
        var refused = new ConcurrentQueue<string>();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 9).Select(w => WriteAsync(cluster, w, written, refused, stop.Token)).ToArray();
        for (var run = 0; run < Long.Or(20, 3); run++)
        {
            var leader = await cluster.LeaderAsync();
            var before = written.Count;
            await Poll.UntilAsync("writes before", Patience, () => Task.FromResult(written.Count >= before + 50 ? null : $"{written.Count - before}"));
            _ = await cluster.SwitchoverAsync(leader);
            _ = await cluster.LeaderAsync(except: leader.Id);
            before = written.Count;
            await Poll.UntilAsync("writes after", Patience, () => Task.FromResult(written.Count >= before + 50 ? null : $"{written.Count - before}"));
            await cluster.AwaitHealthyAsync();
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        Print($"{written.Count} requests, {refused.Count} refused");
        Assert.Empty(refused);
        await using var root = await (await cluster.LeaderAsync()).Server.RootAsync();
        var rows = (await root.RowsAsync("SELECT who FROM demo.moved")).Select(r => r[0]!).ToList();
        Assert.Equal(written.Keys.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
        Assert.Equal(written.Count, written.Values.Distinct().Count()); // each with a place of its own
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.moved", rows.Count)]);
    }

    /// <summary>A server that is frozen shows nothing for a minute; the node does not wait for it before it stops.</summary>
    [Theory]
    [InlineData("/write/insert", """{"table": "moved", "values": {"who": "late"}}""")]
    [InlineData("/write/ddl", """{"ddl": "CREATE OR REPLACE TABLE late (id INT)"}""")]
    public async Task Who_waits_until_a_write_is_applied_everywhere_is_told_when_the_node_stops(string path, string body)
    {
        var (cluster, leader) = await PrepareAsync();
        var (asked, frozen) = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList() is [var one, var other] ? (one, other) : throw new InvalidOperationException();
        await cluster.SignalAsync(frozen.Id, Part.MariaDb, Signal.Stop);
        try
        {
            using var api = new ApiClient(asked, cluster.Facts.Token);
            var before = await asked.Server.ScalarAsync("SELECT @@gtid_slave_pos");
            var waiting = api.PostTextAsync(path + "?wait=applied-everywhere&timeout_ms=60000", body);
            await Poll.UntilAsync("the write", Patience, async () => await asked.Server.ScalarAsync("SELECT @@gtid_slave_pos") != before ? null : "not yet");
            var written = await asked.Server.ScalarAsync("SELECT @@gtid_slave_pos");

            await cluster.SignalAsync(asked.Id, Part.Node, Signal.Terminate);

            var answer = await waiting;
            Assert.Equal((504, "node_stopping", written), (answer.Status, answer.Code, answer.Body.GetProperty("gtid").GetString()));
            Assert.True(answer.Lsn > 0, answer.ToString());
            await Processes.AwaitEndAsync(asked.Pid!.Value, asked.Id);
        }
        finally
        {
            await cluster.SignalAsync(frozen.Id, Part.MariaDb, Signal.Continue);
            await cluster.StartNodeAsync(asked.Id, Part.Node);
        }

        await cluster.AwaitHealthyAsync();
    }

    private static async Task WriteAsync(DemoCluster cluster, int writer, ConcurrentDictionary<string, long> written, ConcurrentQueue<string> refused, CancellationToken stop)
    {
        using var api = new ApiClient(cluster.Facts.Nodes[writer % cluster.Facts.Nodes.Count], cluster.Facts.Token);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            // One statement, a batch, one with a key, and SQL, in turns.
            var who = $"{writer}-{i}";
            var answer = (i % 4) switch
            {
                0 => await api.InsertAsync("moved", new { who }),
                1 => await api.PostAsync("/write/insert", new[] { new { table = "moved", values = new { who } } }),
                2 => await api.InsertAsync("moved", new { who }, Guid.NewGuid().ToString()),
                _ => await api.SqlAsync("INSERT INTO moved (who) VALUES (?)", who),
            };
            if (answer.Status == 200 && !answer.Replayed)
                written[who] = answer.Lsn;
            else
                refused.Enqueue(answer.ToString());
        }
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.moved (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(40))");
        using (var warm = new ApiClient(leader, cluster.Facts.Token))
            Assert.Equal(200, (await warm.InsertAsync("moved", new { who = "warm" }, Guid.NewGuid().ToString())).Status); // the table of keys is there
        await leader.Server.RunAsync("DELETE FROM demo.moved");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        return (cluster, leader);
    }
}
