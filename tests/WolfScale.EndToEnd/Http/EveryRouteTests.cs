using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;

namespace WolfScale.EndToEnd.Http;

/// <summary>What holds for every route that a running node describes: who may ask, what cannot be read, and that no path leads out of it.</summary>
public sealed class EveryRouteTests(ApiFixture fixture) : ClusterTests<ApiFixture>(fixture)
{
    /// <summary>They take no body, so none can be wrong.</summary>
    private static readonly string[] WithoutBody = ["/admin/demote", "/admin/reload"];

    /// <summary>What reads at most a document of a few fields says 400 in its own words.</summary>
    private static readonly string[] OfData = ["/write/insert", "/write/update", "/write/delete", "/write/upsert", "/write/ddl", "/sql"];

    private static readonly string[] Traversals =
    [
        "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/dashboard/../../../etc/passwd", "/dashboard/..%2f..%2f..%2fetc%2fpasswd", "/dashboard/%2e%2e%2f%2e%2e%2fconfig.toml",
        "/dashboard/..\\..\\config.toml", "/dashboard/....//....//config.toml", "/dashboard//etc/passwd", "/dashboard/app.js%00.html", "/dashboard/%c0%ae%c0%ae/config.toml", "/dashboard/app.js/../../config.toml",
        "/cluster/nodes/..%2f..%2fetc%2fpasswd", "/cluster/nodes/../../../config.toml", "/openapi/../../config.toml", "/openapi/v1.json/..%2f..%2fconfig.toml", "//etc/passwd", "/.git/config", "/state/state.db", "/wal/synced",
        "/cluster/nodes/node-1%0d%0aSet-Cookie:%20a=b", "/cluster/nodes/' OR '1'='1", "/cluster/nodes/<script>", "/file:///etc/passwd", "/%252e%252e%252fetc%252fpasswd",
    ];

    /// <summary>What can be asked of a leader without changing more than a row: some is refused.</summary>
    private static readonly (string Path, string Body)[] Orders =
    [
        ("/admin/leave", """{"dry_run": true}"""), ("/admin/remove", """{"node": "FOLLOWER", "force": true, "dry_run": true}"""), ("/admin/remove", """{"node": "nobody"}"""), ("/admin/promote", """{"node": "LEADER"}"""),
        ("/admin/maintenance", """{"on": false}"""), ("/admin/reload", ""), ("/admin/log-level", """{"level": "loud"}"""), ("/admin/migrate", """{"from": "nobody"}"""), ("/admin/migrate/files", """{"ticket": "x", "step": "placed"}"""),
        ("/admin/verify", """{"id": "x", "step": "survey"}"""), ("/internal/account-hashes", """{"user": "app"}"""), ("/write/upsert", """{"table": "t", "values": {"id": 900}}"""), ("/write/insert", """{"table": "t", "values": {"id": 900}}"""),
        ("/write/update", """{"table": "t", "set": {"id": 901}, "where_key": {"id": 900}}"""), ("/write/delete", """{"table": "t", "where_key": {"id": 901}}"""), ("/write/ddl", """{"ddl": "CREATE TABLE IF NOT EXISTS t (id INT PRIMARY KEY)"}"""),
        ("/sql", """{"sql": "SELECT 1"}"""), ("/sql", """{"sql": "SELECT"}"""),
    ];

    /// <summary>Status, media type, and WolfScale's own headers, of what is read everywhere and of what is ordered.</summary>
    [Fact]
    public async Task What_routes_answer_is_described()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        var paths = (await api.GetAsync("/openapi/v1.json")).Body.GetProperty("paths");
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id).Id;
        var reads = (await RoutesAsync(leader)).Where(r => r.Method == HttpMethod.Get).Select(r => (r.Path, Body: (string?)null));
        foreach (var (path, body) in reads.Concat(Orders.Select(o => (o.Path, Body: (string?)o.Body.Replace("FOLLOWER", follower, StringComparison.Ordinal).Replace("LEADER", leader.Id, StringComparison.Ordinal)))))
        {
            using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path.Replace("{id}", "node-1", StringComparison.Ordinal));
            request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await api.Http.SendAsync(request);
            var (status, type) = ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType);
            var described = paths.GetProperty(path).GetProperty(body is null ? "get" : "post").GetProperty("responses");
            Assert.True(described.TryGetProperty($"{status}", out var found) || (status >= 400 && described.TryGetProperty("default", out found)), $"{path} {body} answers {status}, which is not described");
            Assert.True(type is null ? !found.TryGetProperty("content", out _) : found.GetProperty("content").TryGetProperty(type, out _), $"{path} {body} answers {status} with {type}, which is not described");
            Assert.All(answer.Headers.Where(h => h.Key.StartsWith("X-WolfScale-", StringComparison.Ordinal)), h => Assert.True(found.GetProperty("headers").TryGetProperty(h.Key, out _), $"{path}: {h.Key}"));
        }
    }

    [Fact]
    public async Task Who_has_no_token_or_one_of_too_little_reach_is_refused_everywhere_and_nothing_is_done()
    {
        var (cluster, leader) = await PrepareAsync();
        var term = (await cluster.StatusAsync(leader.Id))!.Term;
        var asked = 0;
        foreach (var (path, method, role) in await RoutesAsync(leader))
        {
            foreach (var token in (string?[])[null, "wrong", ApiFixture.ReadToken, ApiFixture.WriteToken])
            {
                var has = token == ApiFixture.ReadToken ? 1 : token == ApiFixture.WriteToken ? 2 : 0;
                if (has >= role || (role == 0 && path.StartsWith("/internal/", StringComparison.Ordinal)))
                    continue;
                using var api = new ApiClient(leader, token);
                var answer = await api.SendAsync(method, path, method == HttpMethod.Post ? "{\"node\": \"node-2\", \"on\": true}"u8.ToArray() : null);
                Assert.True((answer.Status, answer.Code) == (has == 0 ? (401, "unauthorized") : (403, "forbidden")), $"{method} {path} with {token ?? "no token"}: {answer}");
                asked++;
            }
        }

        Assert.True(asked > 40, $"{asked} requests");
        Assert.Equal(("LEADER", term), await cluster.StatusAsync(leader.Id) is { } now ? (now.Role, now.Term) : default);
    }

    [Fact]
    public async Task What_is_open_answers_and_another_method_is_told_so()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, null);
        using var admin = new ApiClient(leader, cluster.Facts.Token);
        foreach (var group in (await RoutesAsync(leader)).GroupBy(r => r.Path))
        {
            foreach (var (path, method, _) in group.Where(r => r.Role == 0 && r.Method == HttpMethod.Get && r.Path != "/metrics"))
                Assert.True((await api.SendAsync(method, path.Replace("{id}", "node-1", StringComparison.Ordinal), null)).Status == 200, path);
            var other = await admin.SendAsync(HttpMethod.Delete, group.Key.Replace("{id}", "node-1", StringComparison.Ordinal), null);
            Assert.True((other.Status, other.Code) == (405, "method_not_allowed"), $"DELETE {group.Key}: {other}");
        }

        using var metrics = await api.Http.GetAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Contains("wolfscale_commit_lsn", await metrics.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_read_is_refused_everywhere_and_nothing_is_done()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        var before = await StandsAsync(cluster, leader);
        byte[][] bodies =
        [
            "{"u8.ToArray(), "{\"a\": "u8.ToArray(), "[1"u8.ToArray(), "\"\""u8.ToArray(), "null"u8.ToArray(), "{} {}"u8.ToArray(), "<xml/>"u8.ToArray(), [0, 1, 2], [.. "{\"table\": \""u8, 0xC3, 0x28, .. "\"}"u8],
            Encoding.ASCII.GetBytes(new string('[', 100) + new string(']', 100)), Encoding.ASCII.GetBytes("{\"a\": " + new string('[', 100) + new string(']', 100) + "}"),
            Encoding.ASCII.GetBytes("{\"" + new string('a', 1_000_000)),
        ];
        foreach (var (path, method, _) in (await RoutesAsync(leader)).Where(r => r.Method == HttpMethod.Post && !WithoutBody.Contains(r.Path)))
        {
            foreach (var body in bodies)
            {
                var answer = await api.SendAsync(method, path, body);
                Assert.True(answer is { Status: 400, Code: not null } || (answer.Status, path) == (401, "/internal/account-hashes"), $"{method} {path} {Encoding.Latin1.GetString(body, 0, Math.Min(body.Length, 40))}: {answer}");
            }

            var large = await api.SendAsync(method, path, Encoding.ASCII.GetBytes("{\"a\": \"" + new string('a', 2_000_000) + "\"}"));
            Assert.True((large.Status, large.Code) == (413, "too_large"), $"{method} {path}: {large}");
            if (!OfData.Contains(path))
                continue;
            using var text = new HttpRequestMessage(method, path) { Content = new StringContent("{}", Encoding.UTF8, "text/plain") };
            using var refused = await api.Http.SendAsync(text);
            Assert.Equal((415, "not_json"), ((int)refused.StatusCode, JsonDocument.Parse(await refused.Content.ReadAsStringAsync()).RootElement.GetProperty("code").GetString()));
        }

        Assert.Equal(before, await StandsAsync(cluster, leader));
    }

    /// <summary>In the middle of its head, of its body, and of a chunk.</summary>
    [Fact]
    public async Task A_request_that_breaks_off_does_nothing_anywhere()
    {
        var (cluster, leader) = await PrepareAsync();
        var before = await StandsAsync(cluster, leader);
        const string body = """{"table": "t", "values": {"id": 1}, "ddl": "DROP TABLE t", "sql": "DELETE FROM t", "node": "node-2", "on": true, "level": "trace"}""";
        foreach (var (path, _, _) in (await RoutesAsync(leader)).Where(r => r.Method == HttpMethod.Post))
        {
            var head = $"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {cluster.Facts.Token}\r\nContent-Type: application/json\r\n";
            List<string> cuts = [head[..^10], head];
            if (!WithoutBody.Contains(path))
                cuts.AddRange([$"{head}Content-Length: {body.Length}\r\n\r\n", $"{head}Content-Length: {body.Length}\r\n\r\n{body[..^1]}", $"{head}Transfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}", $"{head}Transfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n"]);
            foreach (var cut in cuts)
            {
                var said = await SayAsync(leader, cut, breaksOff: true);
                Assert.True(said.Length == 0 || said.StartsWith("HTTP/1.1 400", StringComparison.Ordinal), $"{cut}\n{said}");
            }
        }

        Assert.Equal(before, await StandsAsync(cluster, leader));
    }

    /// <summary>A body in chunks tells no length before, and is a body all the same: read over, it would be an order to leave.</summary>
    [Fact]
    public async Task An_order_in_chunks_is_read_too()
    {
        var (cluster, leader) = await PrepareAsync();
        const string body = """{"dry_run": true}""";
        var said = await SayAsync(leader, $"POST /admin/leave HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {cluster.Facts.Token}\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", said, StringComparison.Ordinal);
        Assert.Contains("\"done\":false", said.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        await cluster.AwaitHealthyAsync();
    }

    [Fact]
    public async Task No_path_leads_to_a_file()
    {
        var (cluster, leader) = await PrepareAsync();
        foreach (var path in Traversals)
        {
            foreach (var token in (string[])["", $"Authorization: Bearer {cluster.Facts.Token}\r\n"])
            {
                var said = await SayAsync(leader, $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{token}\r\n");
                Assert.True(said.StartsWith("HTTP/1.1 404", StringComparison.Ordinal) || said.StartsWith("HTTP/1.1 400", StringComparison.Ordinal), $"{path}: {said}");
                Assert.DoesNotContain("root:", said, StringComparison.Ordinal);
                Assert.DoesNotContain("secret =", said, StringComparison.Ordinal);
                Assert.DoesNotContain("\nSet-Cookie:", said, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>What the requests above could have changed: the lead, the members, the log level and the table.</summary>
    private static async Task<string> StandsAsync(DemoCluster cluster, DemoNode leader)
    {
        using var api = new ApiClient(leader, cluster.Facts.Token);
        var summary = (await api.GetAsync("/cluster")).Body;
        var status = (await api.GetAsync("/status")).Body;
        return $"{summary.GetProperty("term")} {summary.GetProperty("leader")} {summary.GetProperty("nodes").GetArrayLength()} {status.GetProperty("maintenance")} {await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.t")} {await leader.Server.ScalarAsync("SELECT @@gtid_binlog_pos")}";
    }

    /// <param name="node">Who is asked.</param>
    /// <param name="request">As it goes over the wire.</param>
    /// <param name="breaksOff">The client says no more, and closes its half: a whole request would be given up by that.</param>
    private static async Task<string> SayAsync(DemoNode node, string request, bool breaksOff = false)
    {
        var address = new Uri(node.Api);
        using var socket = new TcpClient(address.Host, address.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        if (breaksOff)
            socket.Client.Shutdown(SocketShutdown.Send);
        try
        {
            using var answer = new StreamReader(stream, leaveOpen: true);
            return await answer.ReadToEndAsync();
        }
        catch (IOException)
        {
            return ""; // a node may hang up by a reset
        }
    }

    /// <summary>From the node's own description; the role as a number, 0 for none, 3 for an administrator's.</summary>
    private static async Task<List<(string Path, HttpMethod Method, int Role)>> RoutesAsync(DemoNode node)
    {
        using var api = new ApiClient(node, null);
        var paths = (await api.GetAsync("/openapi/v1.json")).Body.GetProperty("paths");
        List<(string, HttpMethod, int)> routes = [.. from path in paths.EnumerateObject() from operation in path.Value.EnumerateObject() select (path.Name, new HttpMethod(operation.Name.ToUpperInvariant()), RoleOf(operation.Value))];
        Assert.True(routes.Count > 30, $"{routes.Count} routes");
        return routes;
    }

    private static int RoleOf(JsonElement operation)
    {
        if (!operation.TryGetProperty("description", out var text))
            return 0;
        var says = text.GetString()!;
        return says.Contains("role admin", StringComparison.Ordinal) ? 3 : says.Contains("role write", StringComparison.Ordinal) ? 2 : says.Contains("role read", StringComparison.Ordinal) ? 1 : 0;
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.t (id INT PRIMARY KEY)");
        return (cluster, leader);
    }
}
