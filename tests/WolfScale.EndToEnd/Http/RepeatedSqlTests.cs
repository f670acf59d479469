using System.Text;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary><c>POST /sql</c> that is sent again with its Idempotency-Key, and how long keys are kept.</summary>
public sealed class RepeatedSqlTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("INSERT INTO q (who) VALUES (?)", "3")]
    [InlineData("UPDATE q SET n = n + 1, who = ? WHERE id = 1", "2")]
    [InlineData("DELETE FROM q WHERE who <> ?", "0")]
    [InlineData("REPLACE INTO q (id, who) VALUES (1, ?), (5, 'five') RETURNING id, who", "3")]
    public async Task A_statement_is_executed_once_and_answered_the_same_by_every_node(string sql, string rowsAfter)
    {
        var (cluster, leader) = await PrepareAsync();
        var key = Guid.NewGuid().ToString();
        var answers = new List<ApiAnswer>();
        foreach (var node in cluster.Facts.Nodes.Concat(cluster.Facts.Nodes))
        {
            using var api = new ApiClient(node, cluster.Facts.Token);
            answers.Add(await api.PostAsync("/sql", new { sql, @params = new[] { "x" } }, key));
        }

        Assert.All(answers, a => Assert.True(a.Status == 200, a.ToString()));
        Assert.Equal([false, true, true, true, true, true], answers.Select(a => a.Replayed));
        Assert.Single(answers.Select(a => a.Body.ToString()).Distinct());
        Assert.True(answers[0].Lsn > 0);
        Assert.Equal(await leader.Server.ScalarAsync("SELECT @@gtid_binlog_pos"), answers[0].Body.GetProperty("gtid").GetString());
        Assert.Equal(rowsAfter, await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.q"));
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT IFNULL(MAX(n), 1) FROM demo.q")); // counted up once at most
    }

    [Fact]
    public async Task Rows_are_answered_as_lines_where_lines_are_wanted()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        api.Http.DefaultRequestHeaders.Accept.Add(new("application/x-ndjson"));
        api.Http.DefaultRequestHeaders.Add("Idempotency-Key", Guid.NewGuid().ToString());
        var texts = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            using var content = new StringContent("""{"sql": "INSERT INTO q (id, who) VALUES (7, 'a'), (8, 'b') RETURNING id, who"}""", Encoding.UTF8, "application/json");
            using var answer = await api.Http.PostAsync(new Uri("/sql", UriKind.Relative), content);
            texts.Add(await answer.Content.ReadAsStringAsync());
        }

        var lines = texts[0].TrimEnd('\n').Split('\n');
        Assert.Equal(("[7,\"a\"]", "[8,\"b\"]", 2), (lines[1], lines[2], JsonDocument.Parse(lines[3]).RootElement.GetProperty("row_count").GetInt32()));
        Assert.Equal(texts[0], texts[1]);
    }

    /// <summary>The answer was lost, and when it is asked for again the statement would be refused: what the key says counts.</summary>
    [Fact]
    public async Task A_key_answers_also_where_the_statement_would_be_refused_by_now()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        var key = Guid.NewGuid().ToString();
        var first = await api.PostAsync("/sql", new { sql = "DELETE FROM q RETURNING who" }, key);
        Assert.True(first is { Status: 200, Replayed: false }, first.ToString());
        foreach (var change in (string[])["INSERT INTO demo.q (who) SELECT REPEAT('x', 39) FROM demo.seq_1_to_30000", "ALTER TABLE demo.q ENGINE=Aria TRANSACTIONAL=0", "DROP TABLE demo.q"])
        {
            await leader.Server.RunAsync(change); // more than is kept of an answer; no transactions; nothing there
            var again = await api.PostAsync("/sql", new { sql = "DELETE FROM q RETURNING who" }, key);
            Assert.True(again is { Status: 200, Replayed: true } && again.Body.ToString() == first.Body.ToString(), $"{change}: {again}");
        }
    }

    [Fact]
    public async Task A_key_answers_also_where_its_database_is_gone()
    {
        var (cluster, leader) = await PrepareAsync();
        await leader.Server.RunAsync("CREATE DATABASE passing", "CREATE TABLE passing.q (id INT PRIMARY KEY)");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        using var api = new ApiClient(cluster.Facts.Nodes.First(n => n.Id != leader.Id), cluster.Facts.Token);
        (string Path, object Body)[] requests =
        [
            ("/sql", new { sql = "INSERT INTO q VALUES (1)", database = "passing" }), ("/sql", new { sql = "INSERT INTO passing.q VALUES (2)" }),
            ("/write/insert", new { table = "q", database = "passing", values = new { id = 3 } }),
        ];
        var keys = requests.Select(_ => Guid.NewGuid().ToString()).ToArray();
        var before = new List<ApiAnswer>();
        for (var i = 0; i < requests.Length; i++)
            before.Add(await api.PostAsync(requests[i].Path, requests[i].Body, keys[i]));
        await leader.Server.RunAsync("DROP DATABASE passing");
        for (var i = 0; i < requests.Length; i++)
        {
            var again = await api.PostAsync(requests[i].Path, requests[i].Body, keys[i]);
            Assert.True(before[i] is { Status: 200, Replayed: false } && again is { Status: 200, Replayed: true } && again.Body.ToString() == before[i].Body.ToString(), $"{requests[i]}: {before[i]} {again}");
            var other = await api.PostAsync(requests[i].Path, requests[i].Body, Guid.NewGuid().ToString());
            Assert.True(other is { Status: 404, Code: "unknown_database" or "unknown_table" }, $"{requests[i]}: {other}");
        }
    }

    [Fact]
    public async Task What_cannot_be_written_with_its_key_is_refused_and_not_executed()
    {
        var (cluster, leader) = await PrepareAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.Flat (id INT) ENGINE=Aria TRANSACTIONAL=0", "CREATE OR REPLACE VIEW demo.over_flat AS SELECT id FROM demo.Flat", "CREATE OR REPLACE SEQUENCE demo.sq");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        using var api = new ApiClient(cluster.Facts.Nodes.First(n => n.Id != leader.Id), cluster.Facts.Token);
        (string Sql, int Status, string Code)[] cases =
        [
            ("SELECT * FROM q", 400, "idempotency_not_supported"),
            ("SELECT NEXTVAL(sq)", 400, "idempotency_not_supported"),
            ("CREATE TABLE more (id INT)", 400, "idempotency_not_supported"),
            ("INSERT INTO Flat VALUES (1)", 422, "not_transactional"),
            ("INSERT INTO demo.Flat VALUES (1)", 422, "not_transactional"),
            ("INSERT INTO over_flat VALUES (1)", 422, "not_transactional"),
            ("UPDATE q JOIN Flat ON Flat.id = q.id SET q.n = 7, Flat.id = 7", 422, "not_transactional"),
            ("DELETE Flat FROM Flat JOIN q ON q.id = Flat.id", 422, "not_transactional"),
            ("INSERT INTO q (who) SELECT REPEAT('x', 39) FROM seq_1_to_30000 RETURNING who", 413, "too_large"),
            ("INSERT INTO q (id, who) VALUES (1, 'again')", 409, "constraint_violation"),
        ];
        foreach (var (sql, status, code) in cases)
        {
            var key = Guid.NewGuid().ToString();
            var answer = await api.PostAsync("/sql", new { sql }, key);
            Assert.True((answer.Status, answer.Code) == (status, code), $"{sql}: {answer}");
            Assert.True((await api.PostAsync("/sql", new { sql = "UPDATE q SET n = n WHERE id = 1" }, key)).Status == 200, "a refused request has used its key");
        }

        Assert.Equal("400 invalid_idempotency_key", await api.PostAsync("/sql", new { sql = "DELETE FROM q" }, "") is var bad ? $"{bad.Status} {bad.Code}" : "");
        Assert.Equal("2 0 1", await leader.Server.ScalarAsync("SELECT CONCAT((SELECT COUNT(*) FROM demo.q), ' ', (SELECT COUNT(*) FROM demo.Flat), ' ', (SELECT MAX(n) FROM demo.q))"));
        var used = Guid.NewGuid().ToString();
        Assert.Equal(200, (await api.PostAsync("/sql", new { sql = "DELETE FROM q WHERE id = 1" }, used)).Status);
        Assert.Equal((422, "idempotency_key_reused"), await api.PostAsync("/sql", new { sql = "DELETE FROM q" }, used) is var reused ? (reused.Status, reused.Code) : default);
        Assert.Equal((422, "idempotency_key_reused"), await api.PostAsync("/write/delete", new { table = "q", where_key = new { id = 2 } }, used) is var other ? (other.Status, other.Code) : default);
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.q"));
    }

    /// <summary>The leader deletes them, once a minute.</summary>
    [Fact]
    public async Task A_key_is_kept_for_a_day_and_then_is_a_new_one()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(cluster.Facts.Nodes.First(n => n.Id != leader.Id), cluster.Facts.Token);
        var (old, young) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        foreach (var key in (string[])[old, young])
            Assert.Equal(200, (await api.PostAsync("/sql", new { sql = "INSERT INTO q (who) VALUES ('first')" }, key)).Status);
        await leader.Server.RunAsync(
            $"UPDATE wolfscale_api.idempotency SET made = UTC_TIMESTAMP() - INTERVAL 1441 MINUTE WHERE id = '{old}'", $"UPDATE wolfscale_api.idempotency SET made = UTC_TIMESTAMP() - INTERVAL 1430 MINUTE WHERE id = '{young}'");

        await Poll.UntilAsync("the old key's end", TimeSpan.FromSeconds(100), async () => await leader.Server.ScalarAsync($"SELECT COUNT(*) FROM wolfscale_api.idempotency WHERE id = '{old}'") is "0" ? null : "it is there", TimeSpan.FromSeconds(1));

        var again = await api.PostAsync("/sql", new { sql = "INSERT INTO q (who) VALUES ('second')" }, old);
        Assert.Equal((200, false), (again.Status, again.Replayed));
        Assert.Equal((422, "idempotency_key_reused"), await api.PostAsync("/sql", new { sql = "INSERT INTO q (who) VALUES ('second')" }, young) is var kept ? (kept.Status, kept.Code) : default);
        Assert.True((await api.PostAsync("/sql", new { sql = "INSERT INTO q (who) VALUES ('first')" }, young)).Replayed);
        Assert.Equal("2 1", await leader.Server.ScalarAsync("SELECT CONCAT(SUM(who = 'first'), ' ', SUM(who = 'second')) FROM demo.q"));
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.q (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(40), n INT NOT NULL DEFAULT 0)", "INSERT INTO demo.q (who, n) VALUES ('one', 0), ('two', 1)");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        return (cluster, leader);
    }
}
