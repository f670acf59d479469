using System.Text;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>What is refused where there is little of everything, and where the database does not answer.</summary>
public sealed class TightLimitsTests(TightLimitsTests.Tight fixture) : ClusterTests<TightLimitsTests.Tight>(fixture)
{
    private const string CountRows = "SELECT COUNT(*) FROM demo.n";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Without_a_default_database_the_body_must_name_one()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        Assert.True(await api.InsertAsync("n", new { id = 1 }) is { Status: 400, Code: "no_database" });
        Assert.True(await api.SqlAsync("SELECT * FROM n") is { Status: 422, Code: "database_error" });
        Assert.Equal(200, (await api.PostAsync("/write/insert", new { table = "n", database = "demo", values = new { id = 1 } })).Status);
        Assert.Equal(200, (await api.SqlAsync("SELECT * FROM demo.n")).Status);
    }

    [Fact]
    public async Task When_all_sessions_are_taken_the_next_request_is_told_to_come_again()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        var slow = api.SqlAsync("SELECT SLEEP(8)");
        await Poll.UntilAsync("the slow statement", Patience, async () => await leader.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%'") == "1" ? null : "not yet");
        var busy = await api.SqlAsync("SELECT SLEEP(0)");
        Assert.True(busy is { Status: 503, Code: "busy" } && busy.Headers.RetryAfter is not null, busy.ToString());
        Assert.Equal(200, (await slow).Status);
    }

    [Fact]
    public async Task More_than_one_address_may_send_is_refused_and_administrators_are_not_counted()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, ApiFixture.WriteToken);
        var answers = await Task.WhenAll(Enumerable.Range(0, 400).Select(_ => api.GetAsync("/id")));
        var refused = answers.Where(a => a.Status == 429).ToList();
        Assert.NotEmpty(refused);
        Assert.All(refused, a => Assert.True(a.Code == "too_many_requests" && a.Headers.RetryAfter is not null, a.ToString()));
        using var admin = new ApiClient(leader, cluster.Facts.Token);
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => admin.GetAsync("/id"))), a => Assert.Equal(200, a.Status));
    }

    /// <summary>KILL, while a lock is waited for: of one statement nobody knows what became of it, of a transaction that was not to be committed yet everybody.</summary>
    [Fact]
    public async Task Where_the_connection_is_lost_it_is_told_whether_something_may_be_written()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        await using var holder = await leader.Server.RootAsync("demo");
        await holder.RunAsync("START TRANSACTION");
        await holder.RunAsync("UPDATE n SET t = 'held' WHERE id = 100");
        string? killed = null;
        foreach (var (body, status, code) in ((object, int, string)[])
        [
            (new { table = "n", database = "demo", set = new { t = "x" }, where_key = new { id = 100 } }, 504, "outcome_unknown"),
            (new[] { new { table = "n", database = "demo", set = new { t = "x" }, where_key = new { id = 101 } }, new { table = "n", database = "demo", set = new { t = "x" }, where_key = new { id = 100 } } }, 503, "rolled_back"),
        ])
        {
            var waiting = api.PostAsync("/write/update", body);
            string? id = null;
            await Poll.UntilAsync("the waiting statement", Patience, async () =>
            {
                if (waiting.IsCompleted)
                    Assert.Fail($"answered already: {await waiting}");
                return (id = await leader.Server.ScalarAsync("SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'")) is null || id == killed ? "not yet" : null;
            }, TimeSpan.FromMilliseconds(300)); // who looks at INNODB_TRX more often than ten times a second sees the same picture for ever
            await leader.Server.RunAsync($"KILL CONNECTION {id}");
            killed = id;
            var answer = await waiting;
            Assert.True((answer.Status, answer.Code) == (status, code), answer.ToString());
        }

        // Nobody gives the lock back for as long as a lock is waited for.
        var late = await api.PostAsync("/write/update", new { table = "n", database = "demo", set = new { t = "x" }, where_key = new { id = 100 } });
        Assert.True(late is { Status: 503, Code: "rolled_back" }, late.ToString());
        await holder.RunAsync("ROLLBACK");
        Assert.Equal("2", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.n WHERE id IN (100, 101) AND t = ''"));
    }

    [Fact]
    public async Task Without_a_majority_only_old_data_can_be_read_and_a_witness_has_no_data_routes()
    {
        var (cluster, leader) = await PrepareAsync();
        await leader.Server.RunAsync(
            "CREATE OR REPLACE FUNCTION demo.writing() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO demo.n (id) VALUES (9); RETURN 9; END", "CREATE OR REPLACE VIEW demo.writes AS SELECT demo.writing()");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        var witness = await cluster.AddNodeAsync("--witness");
        using (var api = new ApiClient(cluster.Facts.Node(witness), cluster.Facts.Token))
        {
            foreach (var path in (string[])["/write/insert", "/write/update", "/write/delete", "/write/upsert"])
                Assert.True(await api.PostAsync(path, Form(path)) is { Status: 501, Code: "no_proxy" }, path);
            Assert.True(await api.PostAsync("/write/ddl", new { ddl = "DROP TABLE demo.n" }) is { Status: 501, Code: "no_proxy" });
            Assert.True(await api.SqlAsync("SELECT 1") is { Status: 501, Code: "no_proxy" });
            Assert.True(await api.GetAsync("/id") is { Status: 501, Code: "no_proxy" });
        }

        var alone = cluster.Facts.Nodes.First(n => n.Id != leader.Id && n.Id != witness);
        await using var client = await new SqlServer(alone.Id, alone.Proxy.Host, alone.Proxy.Port, "").ClientAsync(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database);
        await client.RunAsync("SET @wolfscale_consistency = 'eventual'");
        var own = await alone.Server.ScalarAsync("SELECT @@server_id");
        await Poll.UntilAsync("a client's reads of the node's own server", Patience, async () => await client.ScalarAsync("SELECT @@server_id FROM DUAL") == own ? null : "not yet");
        foreach (var node in cluster.Facts.Nodes.Where(n => n.Id != alone.Id))
            await cluster.SignalAsync(node.Id, Part.Node, Signal.Kill);
        using (var api = new ApiClient(alone, cluster.Facts.Token))
        {
            var refused = await api.PostAsync("/write/insert", new { table = "n", database = "demo", values = new { id = 7 } });
            Assert.True(refused is { Status: 503, Code: "no_leader" } && refused.Headers.RetryAfter is not null, refused.ToString());
            // Who wants more than old data hears that nobody leads. The others are answered by the node's own server, at the first question too, when the node still takes the dead leader for one.
            foreach (var (sql, consistency, status) in ((string, string, int)[])
            [
                (CountRows, "eventual", 200), (CountRows, "strong", 503), (CountRows, "session", 503), ("SELECT /* wolfscale: leader */ COUNT(*) FROM demo.n", "eventual", 503),
                ("SELECT COUNT(*) FROM demo.n WHERE id > ?", "eventual", 200), ("INSERT INTO demo.n (id) VALUES (8)", "eventual", 503), ("SELECT * FROM demo.writes", "eventual", 403),
            ])
            {
                var read = await api.PostAsync("/sql", new { sql, consistency, @params = sql.Contains('?', StringComparison.Ordinal) ? [100] : Array.Empty<int>() });
                Assert.True(read.Status == status && (status != 503 || read.Code == "no_leader"), $"{consistency} {sql}: {read}");
                if (status == 200)
                    Assert.Equal(sql == CountRows ? 2 : 1, read.Body.GetProperty("rows")[0][0].GetInt32());
            }
        }

        // Who has logged in before goes on reading, too.
        Assert.Equal("2", await client.ScalarAsync(CountRows));
        Assert.Equal("2", await client.ScalarAsync(CountRows));
        Assert.Equal("0", await alone.Server.ScalarAsync("SELECT COUNT(*) FROM demo.n WHERE id IN (7, 8, 9)"));
        await Fixture.AbandonAsync();
    }

    private static object Form(string path) => path switch
    {
        "/write/insert" or "/write/upsert" => new { table = "n", values = new { id = 1 } },
        "/write/update" => new { table = "n", set = new { t = "x" }, where_key = new { id = 1 } },
        _ => new { table = "n", where_key = new { id = 1 } },
    };

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.n (id INT PRIMARY KEY, t VARCHAR(10) NOT NULL DEFAULT '')", "INSERT INTO demo.n (id) VALUES (100), (101)");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        return (cluster, leader);
    }

    /// <summary>One session of each kind, which is waited for a second and a half, and no default database.</summary>
    public sealed class Tight : ClusterFixture
    {
        protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(
            ["database.database=", "database.pool_size=1", "proxy.failover_wait_ms=1500", "api.rate_limit=100", $"api.tokens=[{{ token = \"{ApiFixture.WriteToken}\", role = \"write\" }}]"]);
    }
}
