using System.Text;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>What the data routes and the operators' refuse, each with its code, on a running cluster; nothing is written by any of it.</summary>
public sealed class ErrorPathTests(ApiFixture fixture) : ClusterTests<ApiFixture>(fixture)
{
    private static readonly (string Path, string Body, int Status, string Code)[] Data =
    [
        ("/write/insert", """{"values": {"id": 1}}""", 400, "invalid_request"),
        ("/write/insert", """{"table": 1, "values": {"id": 1}}""", 400, "invalid_request"),
        ("/write/insert", """{"table": "e"}""", 400, "invalid_request"),
        ("/write/insert", """{"table": "e", "values": []}""", 400, "invalid_request"),
        ("/write/insert", """{"table": "e", "values": {"id": 1}, "where_key": {"id": 1}}""", 400, "unknown_field"),
        ("/write/insert", """{"table": "e", "values": {"id": 1}, "database": 7}""", 400, "invalid_request"),
        ("/write/insert", """{"table": "", "values": {"id": 1}}""", 400, "invalid_name"),
        ("/write/insert", """{"table": "e", "values": {"id": "x"}}""", 422, "wrong_type"),
        ("/write/insert", """{"table": "e", "values": {"id": 99999999999}}""", 422, "invalid_value"),
        ("/write/insert", """{"table": "e", "values": {"id": 99999999999999999999}}""", 422, "value_out_of_range"),
        ("/write/insert", """{"table": "e", "values": {"id": 1, "b": "raw"}}""", 422, "wrong_type"),
        ("/write/insert", """{"table": "e", "values": {"id": 1, "b": {"hex": "zz"}}}""", 422, "wrong_type"),
        ("/write/insert", """{"table": "e", "values": {"id": 1, "day": "yesterday"}}""", 422, "wrong_type"),
        ("/write/insert", """{"table": "e", "values": {"id": 1, "day": "2026-02-31"}}""", 422, "invalid_value"),
        ("/write/insert", """{"table": "e", "values": {"id": 1, "place": "POINT(1 1)"}}""", 422, "unsupported_type"),
        ("/write/insert", """{"table": "e", "values": {"id": 0, "t": "unsigned"}}""", 409, "constraint_violation"),
        ("/write/insert", """{"table": "e", "values": {"id": 3, "t": "signal 45000"}}""", 422, "database_error"),
        ("/write/insert", """{"table": "e", "values": {"id": 3, "t": "signal 1213"}}""", 503, "rolled_back"),
        ("/write/insert", """{"table": "e", "values": {"id": 3, "t": "signal 1142"}}""", 403, "database_refuses"),
        ("/write/insert", """{"table": "seen", "values": {"id": 1}}""", 422, "not_a_table"),
        ("/write/insert", """[{"table": "flat", "values": {"id": 1}}, {"table": "flat", "values": {"id": 2}}]""", 422, "not_transactional"),
        ("/write/insert", """[{"table": "e", "values": {"id": 9}}, 7]""", 400, "invalid_request"),
        ("/write/insert", """{"table": "e", "database": "mysql", "values": {"id": 1}}""", 403, "protected_schema"),
        ("/write/insert", """{"table": "e", "database": "wolfscale_api", "values": {"id": 1}}""", 403, "protected_schema"),
        ("/write/insert", """{"table": "e", "database": "nowhere", "values": {"id": 1}}""", 404, "unknown_database"),
        ("/write/update", """{"table": "e", "set": {"t": "x"}, "where_key": {}}""", 400, "empty_where_key"),
        ("/write/update", """{"table": "e", "set": {"t": "x"}}""", 400, "invalid_request"),
        ("/write/update", """{"table": "e", "set": {}, "where_key": {"id": 1}}""", 400, "invalid_request"),
        ("/write/update", """{"table": "e", "where_key": {"id": 1}}""", 400, "invalid_request"),
        ("/write/update", """{"table": "e", "set": {"t": "x"}, "values": {}, "where_key": {"id": 1}}""", 400, "unknown_field"),
        ("/write/update", """{"table": "e", "set": {"nope": "x"}, "where_key": {"id": 1}}""", 422, "unknown_column"),
        ("/write/update", """{"table": "e", "set": {"t": "x"}, "where_key": {"j": {"a": 1}}}""", 422, "unsupported_type"),
        ("/write/update", """{"table": "e", "set": {"id": 2}, "where_key": {"id": 1}}""", 409, "constraint_violation"),
        ("/write/update", """{"table": "nope", "set": {"t": "x"}, "where_key": {"id": 1}}""", 404, "unknown_table"),
        ("/write/delete", """{"table": "e", "where_key": {}}""", 400, "empty_where_key"),
        ("/write/delete", """{"table": "e"}""", 400, "invalid_request"),
        ("/write/delete", """{"table": "e", "where_key": "id = 1"}""", 400, "invalid_request"),
        ("/write/delete", """{"table": "e", "where_key": {"id": 1}, "set": {}}""", 400, "unknown_field"),
        ("/write/delete", """{"table": "e", "where_key": {"place": null, "j": 1}}""", 422, "unsupported_type"),
        ("/write/delete", """{"table": "nope", "where_key": {"id": 1}}""", 404, "unknown_table"),
        ("/write/upsert", """{"table": "e", "values": {}}""", 400, "invalid_request"),
        ("/write/upsert", """{"table": "e", "values": {"id": 1}, "update_columns": "t"}""", 400, "invalid_request"),
        ("/write/upsert", """{"table": "e", "values": {"id": 1}, "update_columns": ["t"]}""", 422, "unknown_column"),
        ("/write/upsert", """{"table": "e", "values": {"id": 1, "t": "x"}, "set": {}}""", 400, "unknown_field"),
        ("/write/upsert", """{"table": "seen", "values": {"id": 1}}""", 422, "not_a_table"),
        ("/write/ddl", """{}""", 400, "invalid_request"),
        ("/write/ddl", """{"ddl": ["DROP TABLE e"]}""", 400, "invalid_request"),
        ("/write/ddl", """{"ddl": "DROP TABLE e", "sql": ""}""", 400, "unknown_field"),
        ("/write/ddl", """{"ddl": "DROP TABLE e", "database": 5}""", 400, "invalid_request"),
        ("/write/ddl", """{"ddl": ""}""", 400, "empty_statement"),
        ("/write/ddl", """{"ddl": "DELETE FROM e"}""", 400, "not_ddl"),
        ("/write/ddl", """{"ddl": "DROP TABLE e; DROP TABLE flat"}""", 400, "one_statement"),
        ("/write/ddl", """{"ddl": "CREATE TABLE ("}""", 400, "sql_syntax"),
        ("/write/ddl", """{"ddl": "DROP TABLE mysql.user"}""", 403, "protected_schema"),
        ("/write/ddl", """{"ddl": "DROP DATABASE wolfscale_api"}""", 403, "protected_schema"),
        ("/write/ddl", """{"ddl": "CREATE TEMPORARY TABLE x (id INT)"}""", 403, "statement_not_allowed"),
        ("/write/ddl", """{"ddl": "CREATE TABLE x (id INT) ENGINE=FEDERATED"}""", 403, "statement_not_allowed"),
        ("/write/ddl", """{"ddl": "CREATE TABLE e (id INT)"}""", 422, "database_error"),
        ("/sql", """{}""", 400, "invalid_request"),
        ("/sql", """{"sql": 1}""", 400, "invalid_request"),
        ("/sql", """{"sql": "SELECT 1", "params": "1"}""", 400, "invalid_request"),
        ("/sql", """{"sql": "SELECT 1", "database": 1}""", 400, "invalid_request"),
        ("/sql", """{"sql": "SELECT 1", "consistency": "maybe"}""", 400, "invalid_request"),
        ("/sql", """{"sql": "SELECT 1", "after_lsn": -1}""", 400, "invalid_request"),
        ("/sql", """{"sql": "SELECT 1", "extra": 1}""", 400, "unknown_field"),
        ("/sql", """{"sql": "SELECT 1", "database": "nowhere"}""", 404, "unknown_database"),
        ("/sql", """{"sql": "SELECT 1", "database": "wolfscale"}""", 403, "protected_schema"),
        ("/sql", """{"sql": " /* nothing */ "}""", 400, "empty_statement"),
        ("/sql", """{"sql": "SELECT 'open"}""", 400, "unreadable_statement"),
        ("/sql", """{"sql": "SELECT /*!110000 1 */"}""", 400, "unreadable_statement"),
        ("/sql", """{"sql": "SELECT 1; DELETE FROM e"}""", 400, "one_statement"),
        ("/sql", """{"sql": "SELECT nope FROM e"}""", 422, "unknown_column"),
        ("/sql", """{"sql": "SELECT * FROM nope"}""", 404, "unknown_table"),
        ("/sql", """{"sql": "SELECT ?", "params": [1.00000000000000000000000000000000001]}""", 422, "value_out_of_range"),
        ("/sql", """{"sql": "SELECT ?", "params": []}""", 422, "parameter_count"),
        ("/sql", """{"sql": "DROP TABLE e", "params": [1]}""", 422, "parameter_count"),
        ("/sql", """{"sql": "INSERT INTO e (id) VALUES (1)"}""", 409, "constraint_violation"),
        ("/sql", """{"sql": "INSERT INTO e (id, t) VALUES (3, 'signal 1213')"}""", 503, "rolled_back"),
        ("/sql", """{"sql": "SET GLOBAL read_only = 0"}""", 403, "statement_not_allowed"),
        ("/sql", """{"sql": "BEGIN"}""", 403, "statement_not_allowed"),
        ("/sql", """{"sql": "KILL 1"}""", 403, "statement_not_allowed"),
        ("/sql", """{"sql": "SELECT LAST_INSERT_ID()"}""", 403, "statement_not_allowed"),
        ("/sql", """{"sql": "SELECT LOAD_FILE('/etc/passwd')"}""", 403, "statement_not_allowed"),
        ("/sql", """{"sql": "SELECT * FROM e INTO OUTFILE '/tmp/x'"}""", 403, "statement_not_allowed"),
        ("/write/insert?wait=never", """{"table": "e", "values": {"id": 9}}""", 400, "invalid_request"),
        ("/write/delete?wait=applied-everywhere&timeout_ms=60001", """{"table": "e", "where_key": {"id": 1}}""", 400, "invalid_request"),
        ("/write/ddl?wait=applied-everywhere&timeout_ms=x", """{"ddl": "DROP TABLE e"}""", 400, "invalid_request"),
    ];

    private static readonly (string Path, string? Body, int Status, string Code)[] Operators =
    [
        ("/admin/promote", """{"node": "nobody"}""", 404, "not_found"),
        ("/admin/log-level", """{"level": "loud"}""", 400, "bad_request"),
        ("/admin/remove", """{"node": "nobody"}""", 404, "not_found"),
        ("/admin/remove", """{"node": "FOLLOWER"}""", 409, "node_alive"),
        ("/admin/remove", """{"node": "LEADER"}""", 409, "is_leader"),
        ("/admin/maintenance", """{}""", 400, "bad_request"),
        ("/admin/migrate", """{"from": "nobody"}""", 409, "cannot_migrate"),
        ("/admin/migrate/files", """{"ticket": "x", "step": "jump"}""", 400, "bad_request"),
        ("/admin/migrate/files", """{"ticket": "x", "step": "placed"}""", 409, "cannot_migrate"),
        ("/admin/verify", """{"step": "pause"}""", 400, "bad_request"),
        ("/admin/verify", """{"id": "x", "step": "jump"}""", 400, "bad_request"),
        ("/admin/verify", """{"id": "x", "step": "survey"}""", 409, "not_taking_part"),
        ("/internal/account-hashes", """{"user": "app", "timestamp_ms": 1, "nonce": "AAAAAAAAAAAAAAAAAAAAAA==", "mac": "AAAA"}""", 401, "bad_signature"),
        ("/cluster/nodes/nobody", null, 404, "not_found"),
        ("/dump?format=tar", null, 400, "bad_request"),
        ("/events?limit=0", null, 400, "bad_request"),
        ("/events?since=then", null, 400, "bad_request"),
        ("/id?count=10001", null, 400, "invalid_request"),
        ("/nowhere", null, 404, "not_found"),
    ];

    [Fact]
    public async Task The_data_routes_refuse_by_code_and_write_nothing()
    {
        var (cluster, leader) = await PrepareAsync();
        var before = await SumAsync(leader);
        foreach (var node in (DemoNode[])[leader, Follower(cluster, leader)])
        {
            using var api = new ApiClient(node, cluster.Facts.Token);
            foreach (var (path, body, status, code) in Data)
            {
                var answer = await api.PostTextAsync(path, body);
                Assert.True((answer.Status, answer.Code) == (status, code), $"{node.Id} {path} {body}: {answer}");
                Assert.True(answer.Body.GetProperty("detail").GetString() is { Length: > 0 } && answer.Body.GetProperty("request_id").GetString() == answer.Headers.GetValues("X-Request-Id").Single(), answer.ToString());
                Assert.True(status != 503 || answer.Headers.RetryAfter is not null, answer.ToString());
            }
        }

        Assert.Equal(before, await SumAsync(leader));
    }

    [Fact]
    public async Task The_operators_routes_refuse_by_code_and_do_nothing()
    {
        var (cluster, leader) = await PrepareAsync();
        var follower = Follower(cluster, leader);
        using var api = new ApiClient(leader, cluster.Facts.Token);
        foreach (var (path, body, status, code) in Operators)
        {
            var sent = body?.Replace("FOLLOWER", follower.Id, StringComparison.Ordinal).Replace("LEADER", leader.Id, StringComparison.Ordinal);
            var answer = await api.SendAsync(sent is null ? HttpMethod.Get : HttpMethod.Post, path, sent is null ? null : Encoding.UTF8.GetBytes(sent));
            Assert.True((answer.Status, answer.Code) == (status, code), $"{path} {sent}: {answer}");
        }

        using (var other = new ApiClient(follower, cluster.Facts.Token))
        {
            foreach (var (path, body) in ((string, string)[])[("/admin/demote", ""), ("/admin/promote", $"{{\"node\": \"{leader.Id}x\"}}"), ("/admin/remove", $"{{\"node\": \"{leader.Id}\"}}")])
                Assert.True((await other.SendAsync(HttpMethod.Post, path, Encoding.UTF8.GetBytes(body))) is { Status: 404 or 409, Code: "not_leader" or "not_found" or "is_leader" }, path);
        }

        Assert.Equal(leader.Id, (await cluster.LeaderAsync()).Id);
        Assert.Equal(3, (await api.GetAsync("/cluster/nodes")).Body.GetArrayLength());
    }

    [Fact]
    public async Task Another_sites_page_changes_nothing()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        api.Http.DefaultRequestHeaders.Add("Origin", "https://elsewhere.example");
        foreach (var path in (string[])["/write/insert", "/sql", "/admin/demote"])
            Assert.True(await api.SendAsync(HttpMethod.Post, path, "{}"u8.ToArray()) is { Status: 403, Code: "foreign_page" }, path);
        using var read = await api.Http.GetAsync(new Uri("/status", UriKind.Relative));
        Assert.False(read.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task A_configuration_that_is_wrong_is_not_loaded()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        var file = cluster.ConfigurationFile(leader.Id);
        var right = await File.ReadAllTextAsync(file);
        try
        {
            await File.WriteAllTextAsync(file, right + "\n[nonsense]\n");
            Assert.True(await api.SendAsync(HttpMethod.Post, "/admin/reload", null) is { Status: 409, Code: "not_reloaded" });
        }
        finally
        {
            await File.WriteAllTextAsync(file, right);
        }

        Assert.Equal(200, (await api.SendAsync(HttpMethod.Post, "/admin/reload", null)).Status);
    }

    [Fact]
    public async Task One_listener_too_many_is_refused_and_the_others_stay()
    {
        var (_, leader) = await PrepareAsync();
        using var http = new HttpClient { BaseAddress = new Uri(leader.Api) };
        http.DefaultRequestHeaders.Accept.Add(new("text/event-stream"));
        var listeners = new List<HttpResponseMessage>();
        try
        {
            for (var i = 0; i < 64; i++)
                listeners.Add(await http.GetAsync(new Uri("/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead));
            Assert.All(listeners, l => Assert.True(l.IsSuccessStatusCode));
            using var refused = await http.GetAsync(new Uri("/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(503, (int)refused.StatusCode);
            Assert.Contains("too_many_listeners", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        finally
        {
            listeners.ForEach(l => l.Dispose());
        }
    }

    private static DemoNode Follower(DemoCluster cluster, DemoNode leader) => cluster.Facts.Nodes.First(n => n.Id != leader.Id);

    private static Task<string?> SumAsync(DemoNode leader) => leader.Server.ScalarAsync(
        "SELECT CONCAT((SELECT GROUP_CONCAT(id, t ORDER BY id) FROM demo.e), ' ', (SELECT COUNT(*) FROM demo.flat), ' ', (SELECT GROUP_CONCAT(TABLE_NAME ORDER BY 1) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'demo'))");

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync(
            "CREATE OR REPLACE TABLE demo.e (id INT UNSIGNED PRIMARY KEY CHECK (id > 0), t VARCHAR(40) NOT NULL DEFAULT '', b VARBINARY(10), j JSON, day DATE, place POINT)",
            "INSERT INTO demo.e (id, t) VALUES (1, 'one'), (2, 'two')",
            "CREATE OR REPLACE TABLE demo.flat (id INT PRIMARY KEY) ENGINE=MyISAM",
            "CREATE OR REPLACE VIEW demo.seen AS SELECT id FROM demo.e",
            """
            CREATE OR REPLACE TRIGGER demo.refusing BEFORE INSERT ON demo.e FOR EACH ROW
            IF NEW.t = 'signal 45000' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today';
            ELSEIF NEW.t = 'signal 1213' THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found';
            ELSEIF NEW.t = 'signal 1142' THEN SIGNAL SQLSTATE '42000' SET MYSQL_ERRNO = 1142, MESSAGE_TEXT = 'INSERT command denied';
            END IF
            """);
        await cluster.Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(30));
        return (cluster, leader);
    }
}
