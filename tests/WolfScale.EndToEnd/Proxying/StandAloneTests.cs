using System.Globalization;
using System.Text.Json;
using MySqlConnector;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>A proxy on a machine without a database: it knows the cluster from what its nodes answer. Where a statement ran is told by <c>@@server_id</c>.</summary>
public sealed class StandAloneTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private const string Where = "SELECT @@server_id FROM s LIMIT 1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Reads_are_spread_over_the_followers_and_everything_else_is_the_leaders()
    {
        var (cluster, leader, servers) = await PrepareAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await using var balancer = await StartAsync(cluster, "load-balancer", "--peers", Api(follower)); // one is enough
        await balancer.AwaitStatsAsync("leader and readers", s => s.GetProperty("leader").GetString() == leader.Id && Readers(s).Count == 2);
        await using var clients = await Clients.OpenAsync(balancer, 12);

        var answered = await clients.ReadAsync(servers);

        Print(string.Join(", ", answered.Select(a => $"{a.Key}: {a.Value}")));
        Assert.Equal(cluster.Facts.Nodes.Where(n => n.Id != leader.Id).Select(n => (n.Id, 6)), answered.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => (a.Key, a.Value)));
        var client = clients[0];
        foreach (var (sql, expected) in new (string, string)[]
        {
            (Where, "follower"),
            ("SELECT /* wolfscale: leader */ @@server_id FROM s LIMIT 1", "leader"),
            ("SELECT /* wolfscale: local */ CONCAT(@@server_id) FROM s LIMIT 1", "follower"),
            ("SELECT /* wolfscale: strong */ @@server_id FROM s LIMIT 1", "follower"),
            ("SELECT @@server_id FROM s LIMIT 1 FOR UPDATE", "leader"),
        })
            Assert.Equal((sql, expected), (sql, servers[(await client.ScalarAsync(sql))!] == leader.Id ? "leader" : "follower"));
        await client.RunAsync("START TRANSACTION");
        Assert.Equal(leader.Id, servers[(await client.ScalarAsync(Where))!]);
        await client.RunAsync("COMMIT");

        // What it wrote it finds on the follower, each time.
        for (var i = 0; i < 30; i++)
        {
            var id = await InsertAsync(client, $"row {i}");
            var found = (await client.RowsAsync($"SELECT @@server_id, who FROM s WHERE id={id}"))[0];
            Assert.Equal($"row {i}", found[1]);
        }

        // What another wrote it finds there by a strong read.
        await client.RunAsync("SET @wolfscale_consistency='eventual'");
        for (var i = 0; i < 10; i++)
        {
            _ = await InsertAsync(clients[1], "another's");
            var found = (await client.RowsAsync("SELECT /* wolfscale: strong */ @@server_id, COUNT(*) FROM s WHERE who=\"another's\""))[0];
            Assert.Equal((i + 1).ToString(CultureInfo.InvariantCulture), found[1]);
        }

        var stats = await balancer.StatsAsync();
        Print(stats.ToString());
        Assert.Equal(("load-balancer", "demo", leader.Id, 12), (stats.GetProperty("program").GetString(), stats.GetProperty("cluster_name").GetString(), stats.GetProperty("leader").GetString(), stats.GetProperty("sessions").GetInt32()));
        Assert.Equal([6, 6], Readers(stats).Select(n => n.GetProperty("connections").GetInt32()));
        Assert.Equal(stats.GetProperty("statements").GetProperty("readers").GetInt64(), Readers(stats).Sum(n => n.GetProperty("reads").GetInt64()));
        Assert.True(stats.GetProperty("statements").GetProperty("readers").GetInt64() >= 12 + 30, stats.ToString());
        Assert.Equal(200, await balancer.HealthAsync());
        using (var http = new HttpClient())
        {
            var metrics = await http.GetStringAsync(new Uri(new Uri(balancer.Api), "/metrics"), TestContext.Current.CancellationToken);
            Assert.Contains("\nwolfscale_proxy_leader_known 1\n", metrics, StringComparison.Ordinal);
            Assert.Contains("\nwolfscale_proxy_sessions 12\n", metrics, StringComparison.Ordinal);
        }

        // A read that runs on a follower is killed there, through this proxy, another one, or any node's.
        await using var other = await StartAsync(cluster, "proxy", "--peers", Api(leader));
        foreach (var through in Doors(cluster.Facts, cluster.Facts.Nodes, balancer, other))
        {
            await using var killer = await through();
            var sleep = client.ScalarAsync("SELECT SLEEP(60) FROM s LIMIT 1");
            await SleepsAsync(cluster.Facts.Nodes.Where(n => n.Id != leader.Id));
            await killer.KillQueryAsync(client, sleep);
        }

        Assert.NotNull(await client.ScalarAsync(Where));
    }

    [Fact]
    public async Task Sessions_go_on_with_their_state_when_the_leader_dies_and_reads_when_a_follower_does()
    {
        var (cluster, leader, servers) = await PrepareAsync();
        for (var i = 0; i < 150; i++)
        {
            // The numbers that this server gives from here on no other one comes to: of two clients with one number KILL ends neither.
            await using var taken = await leader.Server.RootAsync("demo");
        }

        await using var balancer = await StartAsync(cluster, "proxy", "--peers", string.Join(',', cluster.Facts.Nodes.Select(Api)));
        await using var clients = await Clients.OpenAsync(balancer, 6);
        _ = await clients.ReadAsync(servers);
        var client = clients[0];
        await client.RunAsync("SET SESSION sql_mode='ANSI_QUOTES', wait_timeout=1234");
        await client.RunAsync("SET @n=41");
        _ = await InsertAsync(client, "before");
        await using var inTransaction = await balancer.ConnectAsync();
        await inTransaction.RunAsync("START TRANSACTION");
        _ = await InsertAsync(inTransaction, "lost");
        await using var condemned = await balancer.ConnectAsync();

        // What routines do to a session no server reports; the leader's node has read them.
        await leader.Server.RunAsync("CREATE OR REPLACE PROCEDURE demo.sets_zone() SET @@time_zone = '+05:00'", "CREATE OR REPLACE PROCEDURE demo.takes_lock() DO GET_LOCK('mine', 1)");
        await Poll.UntilAsync("a proxy that knows the routines", Patience, async () =>
        {
            await using var zoned = await balancer.ConnectAsync();
            await zoned.RunAsync("CALL demo.sets_zone()");
            var tie = (await zoned.RowsAsync("SHOW WOLFSCALE STATUS")).Single(r => r[0] == "Session_tied")[1];
            return tie is { Length: > 0 } ? null : "a session that nothing ties";
        });
        await using var locked = await balancer.ConnectAsync();
        await locked.RunAsync("CALL demo.takes_lock()");

        // A follower's node that is frozen says nothing: what waits for it is asked again of the leader, and what comes next of another.
        var frozen = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await cluster.SignalAsync(frozen.Id, Part.Node, Signal.Stop);
        var thawed = await clients.ReadAsync(servers);
        Assert.DoesNotContain(frozen.Id, thawed.Keys);
        await cluster.SignalAsync(frozen.Id, Part.Node, Signal.Continue);

        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        var next = await cluster.LeaderAsync(except: leader.Id);
        _ = await InsertAsync(client, "after"); // the client notices nothing

        Assert.Equal("ANSI_QUOTES 1234 demo 42", await client.ScalarAsync("SELECT CONCAT_WS(' ', @@sql_mode, @@wait_timeout, DATABASE(), @n+1)"));
        var lost = await Assert.ThrowsAsync<MySqlException>(() => InsertAsync(inTransaction, "lost too"));
        Assert.Equal((1213, "40001"), (lost.Number, lost.SqlState));
        var tied = await Assert.ThrowsAsync<MySqlException>(() => InsertAsync(locked, "without its lock"));
        Assert.Equal(1927, tied.Number);
        Assert.Equal("after,before", await client.ScalarAsync("SELECT GROUP_CONCAT(who ORDER BY who) FROM s WHERE who IN ('before', 'after', 'lost')"));
        await using (var fresh = await balancer.ConnectAsync())
            Assert.Equal(next.Id, servers[(await fresh.ScalarAsync("SELECT /* wolfscale: leader */ @@server_id FROM s LIMIT 1"))!]);
        var left = Assert.Single(cluster.Facts.Nodes, n => n.Id != leader.Id && n.Id != next.Id);

        // The id of its greeting still means its session, which has another one on the new leader.
        await using (var other = await StartAsync(cluster, "load-balancer", "--peers", Api(next)))
        {
            foreach (var through in Doors(cluster.Facts, [next, left], balancer, other))
            {
                await using var killer = await through();
                var sleep = client.RunAsync("DO SLEEP(60)");
                await SleepsAsync([next]);
                await killer.KillQueryAsync(client, sleep);
            }

            await using var last = await other.ConnectAsync();
            _ = await InsertAsync(condemned, "moved"); // before that nobody but its own proxy knows it
            _ = await condemned.ScalarAsync(Where); // who reads is not idle, whatever the leader's server closes
            await last.RunAsync($"KILL {condemned.ServerThread}");
            await Poll.UntilAsync("the end of a session that was killed", Patience, async () => await Record.ExceptionAsync(() => condemned.ScalarAsync(Where)) is null ? "it reads on" : null);
        }

        Assert.Equal([left.Id], (await clients.ReadAsync(servers)).Keys);
        var stats = await balancer.StatsAsync();
        Assert.Equal(next.Id, stats.GetProperty("leader").GetString());
        Assert.True(stats.GetProperty("moves").GetInt64() >= 1, stats.ToString());

        // Who comes back gets its share of the sessions that are there.
        await cluster.StartNodeAsync(leader.Id);
        await cluster.AwaitHealthyAsync();
        await balancer.AwaitStatsAsync("two readers", s => Readers(s).Count == 2);
        var shared = await clients.ReadAsync(servers);
        Assert.Equal(new Dictionary<string, int> { [leader.Id] = 3, [left.Id] = 3 }, shared);
    }

    /// <summary>It cannot log in for anybody, and says so; a name that is not the cluster's is refused.</summary>
    [Fact]
    public async Task Without_the_secret_all_is_the_leaders_and_sessions_end_with_it()
    {
        var (cluster, leader, servers) = await PrepareAsync();
        await using var proxy = await StandAloneProgram.StartAsync(cluster, "proxy", "[proxy]\nfailover_wait_ms = 15000\n", "--peers", Api(leader));
        await using var wrong = await StandAloneProgram.StartAsync(cluster, "load-balancer", "[proxy]\nfailover_wait_ms = 100\n", "--peers", Api(leader), "--cluster-name", "production");
        await proxy.AwaitLineAsync("Without cluster.secret", "1927");
        await wrong.AwaitLineAsync("belongs to the cluster \"demo\", and this proxy follows \"production\"");
        var nobody = await Assert.ThrowsAsync<MySqlException>(wrong.ConnectAsync);
        Assert.Equal((1053, 503), (nobody.Number, await wrong.HealthAsync()));

        await using var client = await proxy.ConnectAsync();
        for (var i = 0; i < 5; i++)
            Assert.Equal(leader.Id, servers[(await client.ScalarAsync(Where))!]);
        _ = await cluster.SwitchoverAsync(leader);
        _ = await cluster.LeaderAsync(except: leader.Id);

        var ended = await Assert.ThrowsAsync<MySqlException>(() => InsertAsync(client, "nobody's"));
        Assert.Contains("does not know cluster.secret", ended.Message, StringComparison.Ordinal);
        await using var again = await proxy.ConnectAsync();
        _ = await InsertAsync(again, "mine");
    }

    [Fact]
    public async Task SIGHUP_reads_its_file_again_and_tells_what_wants_a_restart()
    {
        var (cluster, leader, _) = await PrepareAsync();
        await using var balancer = await StartAsync(cluster, "load-balancer", "--peers", Api(leader));
        var file = await File.ReadAllTextAsync(balancer.ConfigurationFile);
        await File.WriteAllTextAsync(balancer.ConfigurationFile, file + "[proxy]\nmax_connections = 1\npool_connections = 4\n[wal]\nfsync = false\n");

        balancer.HangUp();

        await balancer.AwaitLineAsync("The configuration was read again", "1 keys are changed, 1 want a restart");
        Assert.Contains("proxy.max_connections is changed from 10000 to 1", balancer.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("wal.fsync", balancer.Log, StringComparison.Ordinal); // a node's alone
        Assert.Equal("proxy.pool_connections", Assert.Single((await balancer.StatsAsync()).GetProperty("need_restart").EnumerateArray()).GetString());
        await using (await balancer.ConnectAsync())
            Assert.Equal(1040, (await Assert.ThrowsAsync<MySqlException>(balancer.ConnectAsync)).Number);

        // wolfctl does the same, and what is wrong changes nothing.
        await File.WriteAllTextAsync(balancer.ConfigurationFile, file + "[proxy]\nmax_connections = 2\n");
        var reloaded = await Cli.CommandLine.CtlAsync("reload", "-e", balancer.Api);
        Assert.Matches(@"(?m)^ *proxy\.max_connections +1 +2 +in force", reloaded.Output);
        await File.WriteAllTextAsync(balancer.ConfigurationFile, file + "[proxy]\nmax_connections = 3\nmax_conections = 4\n");
        balancer.HangUp();
        await balancer.AwaitLineAsync("nothing is changed");
        Assert.Contains("did you mean \"max_connections\"?", balancer.Log, StringComparison.Ordinal);
        await using var one = await balancer.ConnectAsync();
        await using var two = await balancer.ConnectAsync();
        Assert.Equal(1040, (await Assert.ThrowsAsync<MySqlException>(balancer.ConnectAsync)).Number);
    }

    private static Task<StandAloneProgram> StartAsync(DemoCluster cluster, string verb, params string[] arguments)
    {
        var node = Toml.Read(cluster.ConfigurationFile(cluster.Facts.Nodes[0].Id));
        return StandAloneProgram.StartAsync(cluster, verb, $"[cluster]\ncluster_name = {node["cluster.cluster_name"]}\nsecret = {node["cluster.secret"]}\n", arguments);
    }

    private static string Api(DemoNode node) => new Uri(node.Api).Authority;

    private static List<JsonElement> Readers(JsonElement stats) => [.. stats.GetProperty("nodes").EnumerateArray().Where(n => n.GetProperty("reader").GetBoolean())];

    /// <summary>Every way into the cluster.</summary>
    private static IEnumerable<Func<Task<MySqlConnection>>> Doors(DemoFacts facts, IEnumerable<DemoNode> nodes, params StandAloneProgram[] programs)
    {
        foreach (var program in programs)
            yield return program.ConnectAsync;
        foreach (var node in nodes)
            yield return () => new SqlServer(node.Id, node.Proxy.Host, node.Proxy.Port, "").ClientAsync(facts.User, facts.Password, facts.Database);
    }

    private static Task<TimeSpan> SleepsAsync(IEnumerable<DemoNode> nodes) => Poll.UntilAsync("a statement that sleeps", Patience, async () =>
    {
        foreach (var node in nodes)
        {
            if (await node.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.processlist WHERE state='User sleep'") != "0")
                return null;
        }

        return "none";
    });

    /// <returns>The new row's id.</returns>
    private static async Task<long> InsertAsync(MySqlConnection client, string who)
    {
        await using var command = client.CreateCommand();
        command.CommandText = "INSERT INTO s (who) VALUES (@who)";
        _ = command.Parameters.AddWithValue("@who", who);
        _ = await command.ExecuteNonQueryAsync();
        return command.LastInsertedId;
    }

    /// <returns>The cluster, its leader, and the id of each node by its server's id.</returns>
    private async Task<(DemoCluster Cluster, DemoNode Leader, IReadOnlyDictionary<string, string> Servers)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.s (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(20))", "INSERT INTO demo.s (who) VALUES ('first')");
        var servers = new Dictionary<string, string>();
        foreach (var node in cluster.Facts.Nodes)
            servers[(await node.Server.ScalarAsync("SELECT @@server_id"))!] = node.Id;
        return (cluster, leader, servers);
    }

    /// <summary>Many sessions at once.</summary>
    private sealed class Clients(List<MySqlConnection> connections) : IAsyncDisposable
    {
        public MySqlConnection this[int index] => connections[index];

        public static async Task<Clients> OpenAsync(StandAloneProgram program, int count)
        {
            var connections = new List<MySqlConnection>();
            for (var i = 0; i < count; i++)
                connections.Add(await program.ConnectAsync());
            return new Clients(connections);
        }

        /// <summary>One read of each: how many each node has answered. Asks again while one is the leader's, whose account is still looked up or whose reader just went.</summary>
        public async Task<Dictionary<string, int>> ReadAsync(IReadOnlyDictionary<string, string> servers)
        {
            var answered = new Dictionary<string, int>();
            foreach (var client in connections)
            {
                string? node = null;
                await Poll.UntilAsync("a read of a follower", Patience, async () =>
                {
                    var status = await client.RowsAsync(Where);
                    node = servers[status[0][0]!];
                    var route = (await client.RowsAsync("SHOW WOLFSCALE STATUS")).Single(r => r[0] == "Session_last_route")[1];
                    return route == $"reader: {node}" ? null : $"{node}, {route}";
                });
                answered[node!] = answered.GetValueOrDefault(node!) + 1;
            }

            return answered;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var connection in connections)
                await connection.DisposeAsync();
        }
    }
}
