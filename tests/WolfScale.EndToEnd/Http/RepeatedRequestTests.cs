using System.Collections.Concurrent;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>A request that is sent again with its Idempotency-Key is not written again, whatever happened in between.</summary>
public sealed class RepeatedRequestTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task The_first_answer_is_given_again_by_every_node()
    {
        var (cluster, leader) = await PrepareAsync();
        var key = Guid.NewGuid().ToString();
        var answers = new List<ApiAnswer>();
        foreach (var node in cluster.Facts.Nodes.Concat(cluster.Facts.Nodes))
        {
            using var api = new ApiClient(node, cluster.Facts.Token);
            answers.Add(await api.InsertAsync("k", new { who = "one" }, key));
        }

        Assert.All(answers, a => Assert.Equal(200, a.Status));
        Assert.Equal([false, true, true, true, true, true], answers.Select(a => a.Replayed));
        Assert.Single(answers.Select(a => a.Body.ToString()).Distinct());
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.k"));

        using var other = new ApiClient(cluster.Facts.Nodes[0], cluster.Facts.Token);
        var reused = await other.InsertAsync("k", new { who = "two" }, key);
        Assert.Equal((422, "idempotency_key_reused"), (reused.Status, reused.Code));
        Assert.Equal((400, "invalid_idempotency_key"), (await other.InsertAsync("k", new { who = "two" }, new string('x', 256))) is var bad ? (bad.Status, bad.Code) : default);
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.k"));
    }

    [Fact]
    public async Task A_request_that_failed_has_used_no_key()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(cluster.Facts.Nodes.First(n => n.Id != leader.Id), cluster.Facts.Token);
        var key = Guid.NewGuid().ToString();
        var batch = new[] { new { table = "k", values = new { id = 1, who = "a" } }, new { table = "k", values = new { id = 1, who = "b" } } };
        Assert.Equal(409, (await api.PostAsync("/write/insert", batch, key)).Status);
        Assert.Equal("0", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.k"));
        Assert.Equal(200, (await api.InsertAsync("k", new { who = "c" }, key)).Status);
    }

    /// <summary>The answer was lost, and when it is asked for again the table is another one, or none: what the key says counts, on nodes that still know the table as it was and on others.</summary>
    [Fact]
    public async Task A_key_answers_also_where_its_table_is_another_by_now()
    {
        var (cluster, leader) = await PrepareAsync();
        var clients = cluster.Facts.Nodes.OrderBy(n => n.Id != leader.Id).Select(n => new ApiClient(n, cluster.Facts.Token)).ToList();
        try
        {
            var (one, batch, key, batchKey) = (new { table = "k", values = new { who = "one" } }, new[] { new { table = "k", values = new { who = "a" } }, new { table = "k", values = new { who = "b" } } }, Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
            var (first, firstBatch) = (await clients[0].PostAsync("/write/insert", one, key), await clients[0].PostAsync("/write/insert", batch, batchKey));
            Assert.True(first is { Status: 200, Replayed: false } && firstBatch is { Status: 200, Replayed: false }, $"{first} {firstBatch}");
            foreach (var (change, asked) in ((string, int)[])
            [
                ("ALTER TABLE demo.k CHANGE who name VARCHAR(40)", 2), // the column is gone; the last node has never heard of the table
                ("ALTER TABLE demo.k ENGINE=Aria TRANSACTIONAL=0", 2),
                ("DROP TABLE demo.k", 3),
                ("CREATE TABLE demo.k (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(40))", 3), // as it was, and empty
            ])
            {
                await leader.Server.RunAsync(change);
                foreach (var api in clients.Take(asked))
                {
                    var (again, againBatch) = (await api.PostAsync("/write/insert", one, key), await api.PostAsync("/write/insert", batch, batchKey));
                    Assert.True(again is { Status: 200, Replayed: true } && again.Body.ToString() == first.Body.ToString(), $"{change} on {api.Node.Id}: {again}");
                    Assert.True(againBatch is { Status: 200, Replayed: true } && againBatch.Body.ToString() == firstBatch.Body.ToString(), $"{change} on {api.Node.Id}: {againBatch}");
                }
            }

            Assert.Equal("0", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.k"));
            await leader.Server.RunAsync("DROP TABLE demo.k");
            Assert.True(await clients[1].InsertAsync("k", new { who = "two" }, key) is { Status: 422, Code: "idempotency_key_reused" });
            Assert.True(await clients[1].InsertAsync("k", new { who = "two" }, Guid.NewGuid().ToString()) is { Status: 404, Code: "unknown_table" });
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task Of_many_at_once_one_is_written()
    {
        var (cluster, leader) = await PrepareAsync();
        var key = Guid.NewGuid().ToString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            using var api = new ApiClient(cluster.Facts.Nodes[i % 3], cluster.Facts.Token);
            return await api.InsertAsync("k", new { who = "one" }, key);
        }));

        Assert.All(answers, a => Assert.True(a.Status == 200, a.ToString()));
        Assert.Single(answers.Select(a => a.Body.ToString()).Distinct());
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.k"));
    }

    /// <summary>Killed after its commit and before anybody was told: the row is there, and only its key tells that.</summary>
    [Fact]
    public async Task The_leader_is_killed_between_commit_and_answer_and_the_retry_has_the_same_place_and_one_row()
    {
        var (cluster, leader) = await PrepareAsync();
        using (var warm = new ApiClient(leader, cluster.Facts.Token))
            Assert.Equal(200, (await warm.InsertAsync("k", new { who = "warm" }, Guid.NewGuid().ToString())).Status);
        var key = Guid.NewGuid().ToString();
        var (survivor, frozen) = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList() is [var one, var other] ? (one, other) : throw new InvalidOperationException();
        using var dying = new ApiClient(leader, cluster.Facts.Token);
        // Its MariaDB applies nothing, which keeps the answer back; its node and the leader's are a quorum all the same.
        await cluster.SignalAsync(frozen.Id, Part.MariaDb, Signal.Stop);
        var lost = Record.ExceptionAsync(() => dying.PostAsync("/write/insert?wait=applied-everywhere&timeout_ms=60000", new { table = "k", values = new { who = "once" } }, key));
        await Poll.UntilAsync("the row on another node", Patience, async () => await survivor.Server.ScalarAsync("SELECT COUNT(*) FROM demo.k WHERE who = 'once'") == "1" ? null : "not yet");
        var gtid = await survivor.Server.ScalarAsync("SELECT @@gtid_slave_pos");
        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        Assert.NotNull(await lost);
        await cluster.SignalAsync(frozen.Id, Part.MariaDb, Signal.Continue);
        var next = await cluster.LeaderAsync(leader.Id);

        foreach (var node in cluster.Facts.Nodes.Where(n => n.Id != leader.Id))
        {
            using var api = new ApiClient(node, cluster.Facts.Token);
            var again = await api.PostAsync("/write/insert", new { table = "k", values = new { who = "once" } }, key);
            Assert.Equal((200, true, gtid), (again.Status, again.Replayed, again.Body.GetProperty("gtid").GetString()));
            Assert.True(again.Lsn > 0, again.ToString());
        }

        Assert.Equal("1", await next.Server.ScalarAsync("SELECT COUNT(*) FROM demo.k WHERE who = 'once'"));
        await cluster.StartNodeAsync(leader.Id);
        await cluster.AwaitHealthyAsync();
    }

    /// <summary>Clients that send what they got no answer to again, on the next node, while leaders are killed: each request is there once, and each answer tells its place.</summary>
    [Fact]
    public async Task Under_load_with_a_killed_leader_every_request_is_there_once()
    {
        var (cluster, leader) = await PrepareAsync();
        var answers = new ConcurrentDictionary<string, long>();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 8).Select(w => WriteAsync(cluster, w, answers, stop.Token)).ToArray();
        await Poll.UntilAsync("writes", Patience, () => Task.FromResult(answers.Count > 100 ? null : $"{answers.Count}"));
        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        var next = await cluster.LeaderAsync(leader.Id);
        var then = answers.Count;
        await Poll.UntilAsync("writes on the next leader", Patience, () => Task.FromResult(answers.Count > then + 100 ? null : $"{answers.Count}"));
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        await using var root = await next.Server.RootAsync();
        var rows = (await root.RowsAsync("SELECT who FROM demo.k")).Select(r => r[0]!).ToList();
        Assert.Equal(rows.Distinct().Count(), rows.Count);
        Assert.Equal(answers.Keys.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
        await cluster.StartNodeAsync(leader.Id);
        await cluster.AwaitHealthyAsync();
    }

    private static async Task WriteAsync(DemoCluster cluster, int writer, ConcurrentDictionary<string, long> answers, CancellationToken stop)
    {
        var clients = cluster.Facts.Nodes.Select(n => new ApiClient(n, cluster.Facts.Token)).ToArray();
        try
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var who = $"{writer}-{i}";
                for (var attempt = writer; ; attempt++)
                {
                    try
                    {
                        var answer = await clients[attempt % clients.Length].InsertAsync("k", new { who }, who + "-" + cluster.Facts.Dir.GetHashCode(StringComparison.Ordinal));
                        if (answer.Status == 200)
                        {
                            answers[who] = answer.Lsn;
                            break;
                        }

                        Assert.Contains(answer.Status, new[] { 503, 504 });
                    }
                    catch (HttpRequestException)
                    {
                        // The node that was asked is dead: the next one.
                    }
                }
            }
        }
        finally
        {
            foreach (var client in clients)
                client.Dispose();
        }
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.k (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(40))");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        return (cluster, leader);
    }
}
