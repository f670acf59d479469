using System.Globalization;
using System.Text.Json;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>What an application does over HTTP, whichever node it asks.</summary>
public sealed class ApiTests(ApiFixture fixture) : ClusterTests<ApiFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly JsonSerializerOptions Readable = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task A_write_reaches_the_leader_from_every_node_and_is_answered_with_its_place_in_the_log()
    {
        var (cluster, leader) = await PrepareAsync("CREATE OR REPLACE TABLE demo.w (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(20), n INT)");
        var before = 0L;
        foreach (var node in cluster.Facts.Nodes)
        {
            using var api = Client(cluster, node);
            var inserted = await api.InsertAsync("w", new { who = node.Id, n = 1 });
            AssertDone(inserted, 1);
            Assert.True(inserted.Lsn > before, $"{inserted} after LSN {before}");
            before = inserted.Lsn;
            Assert.Equal(await leader.Server.ScalarAsync("SELECT @@gtid_binlog_pos"), inserted.Body.GetProperty("gtid").GetString());
            var id = inserted.Body.GetProperty("last_insert_id").GetInt64();

            AssertDone(await api.PostAsync("/write/update", new { table = "w", set = new { n = 2 }, where_key = new { id } }), 1);
            AssertDone(await api.PostAsync("/write/upsert", new { table = "w", values = new { id, who = node.Id, n = 3 }, update_columns = new[] { "n" } }), 2);
            Assert.Equal("3", await leader.Server.ScalarAsync($"SELECT n FROM demo.w WHERE id = {id}"));
            var nothing = await api.PostAsync("/write/update", new { table = "w", set = new { n = 3 }, where_key = new { id } });
            Assert.Equal((200, 0, JsonValueKind.Null), (nothing.Status, nothing.Body.GetProperty("affected_rows").GetInt32(), nothing.Body.GetProperty("lsn").ValueKind));
            var deleted = await api.PostAsync("/write/delete?wait=applied-everywhere", new { table = "w", where_key = new { id } });
            AssertDone(deleted, 1);
            Assert.True(deleted.Body.GetProperty("applied_everywhere").GetBoolean(), deleted.ToString());
            foreach (var server in cluster.Servers)
                Assert.Equal("0", await server.ScalarAsync($"SELECT COUNT(*) FROM demo.w WHERE id = {id}"));
        }
    }

    [Fact]
    public async Task Values_come_back_as_they_went_in()
    {
        var (cluster, leader) = await PrepareAsync(
            "CREATE OR REPLACE TABLE demo.types (id BIGINT UNSIGNED PRIMARY KEY, s BIGINT, d DECIMAL(65,30), r DOUBLE, t VARCHAR(200), b VARBINARY(20), j JSON, day DATE, at DATETIME(6), ts TIMESTAMP NULL, tm TIME(3), e ENUM('a','b'), bits BIT(10), y YEAR) CHARACTER SET utf8mb4");
        using var api = Client(cluster, Follower(cluster, leader));
        const string row = """
            {"table": "types", "values": {"id": 18446744073709551615, "s": -9223372036854775808, "d": 12345678901234567890123456789012345.123456789012345678901234567891, "r": 0.1, "t": "Ü'\"\\`; DROP TABLE types; -- 🐺\u0000",
             "b": {"hex": "00ff5c27"}, "j": {"a": [1.10, "x'"]}, "day": "2026-01-31", "at": "2026-01-31T12:34:56.123456Z", "ts": "2026-01-31 12:34:56", "tm": "-12:34:56.5", "e": "b", "bits": 513, "y": 2026}}
            """;
        AssertDone(await api.PostTextAsync("/write/insert", row), 1);

        var read = await api.SqlAsync("SELECT id, s, d, r, t, b, j, day, at, ts, tm, e, bits, y, NULL FROM types WHERE id = ?", ulong.MaxValue);

        Assert.Equal(200, read.Status);
        Assert.Equal(
            """["18446744073709551615","-9223372036854775808","12345678901234567890123456789012345.123456789012345678901234567891",0.1,"Ü'\"\\`; DROP TABLE types; -- 🐺\u0000",{"base64":"AP9cJw=="},"{\"a\": [1.10, \"x'\"]}","2026-01-31","2026-01-31 12:34:56.123456","2026-01-31 12:34:56","-12:34:56.500000","b",513,2026,null]""",
            JsonSerializer.Serialize(read.Body.GetProperty("rows")[0], Readable).Replace("\\uD83D\\uDC3A", "🐺", StringComparison.Ordinal));
        const string where = """{"table": "types", "where_key": {"id": "18446744073709551615", "s": "-9223372036854775808", "d": 12345678901234567890123456789012345.123456789012345678901234567891, "t": "Ü'\"\\`; DROP TABLE types; -- 🐺\u0000", "b": {"base64": "AP9cJw=="}, "at": "2026-01-31 12:34:56.123456", "bits": 513}}""";
        AssertDone(await api.PostTextAsync("/write/delete", where), 1);
    }

    [Fact]
    public async Task A_batch_is_one_transaction()
    {
        var (cluster, leader) = await PrepareAsync("CREATE OR REPLACE TABLE demo.b (id INT PRIMARY KEY, n INT NOT NULL)");
        using var api = Client(cluster, Follower(cluster, leader));
        object Row(int id) => new { table = "b", values = new { id, n = 1 } };

        var done = await api.PostAsync("/write/insert", new[] { Row(1), Row(2), Row(3) });
        Assert.Equal((200, 3), (done.Status, done.Body.GetProperty("results").GetArrayLength()));
        Assert.Equal(await leader.Server.ScalarAsync("SELECT @@gtid_binlog_pos"), done.Body.GetProperty("gtid").GetString());

        var refused = await api.PostAsync("/write/insert", new[] { Row(4), Row(5), Row(1), Row(6) });
        Assert.Equal((409, "constraint_violation", 1062), (refused.Status, refused.Code, refused.Body.GetProperty("mariadb_error").GetInt32()));
        Assert.Contains("[2]", refused.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal("3", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.b"));
        AssertDone(await api.InsertAsync("b", new { id = 7, n = 1 }), 1); // the session is as before
    }

    [Fact]
    public async Task What_does_not_fit_is_told_by_code_and_nearest_name()
    {
        var (cluster, leader) = await PrepareAsync("CREATE OR REPLACE TABLE demo.orders (id INT PRIMARY KEY, amount DECIMAL(4,1) NOT NULL CHECK (amount > 0), parent INT, FOREIGN KEY (parent) REFERENCES orders (id))");
        using var api = Client(cluster, Follower(cluster, leader));

        AssertProblem(await api.InsertAsync("oders", new { id = 1 }), 404, "unknown_table", "orders");
        AssertProblem(await api.PostAsync("/write/insert", new { table = "orders", database = "dmo", values = new { id = 1 } }), 404, "unknown_database", "demo");
        AssertProblem(await api.InsertAsync("orders", new { id = 1, amuont = 1 }), 422, "unknown_column", "amount");
        AssertProblem(await api.InsertAsync("orders", new { id = 1, amount = 1.25 }), 422, "value_out_of_range");
        AssertProblem(await api.InsertAsync("orders", new { id = 1 }), 422, "invalid_value");
        AssertProblem(await api.InsertAsync("orders", new { id = 1, amount = -1 }), 409, "constraint_violation");
        AssertProblem(await api.InsertAsync("orders", new { id = 1, amount = 1, parent = 9 }), 409, "constraint_violation");
        AssertProblem(await api.PostAsync("/write/delete", new { table = "user", database = "mysql", where_key = new { user = "x" } }), 403, "protected_schema");
        AssertProblem(await api.SqlAsync("SELEKT 1"), 403, "statement_not_allowed");
        AssertProblem(await api.SqlAsync("SELECT FROM WHERE"), 400, "sql_syntax");
        AssertProblem(await api.SqlAsync("SELECT * FROM nowhere"), 404, "unknown_table");
        AssertProblem(await api.SqlAsync("SELECT 1; DROP TABLE orders"), 400, "one_statement");
        AssertProblem(await api.PostAsync("/write/ddl", new { ddl = "SELECT 1" }), 400, "not_ddl");
        AssertProblem(await api.PostAsync("/write/insert?wait=later", new { table = "orders", values = new { id = 1 } }), 400, "invalid_request");
        AssertProblem(await api.GetAsync("/id?count=0"), 400, "invalid_request");
        Assert.Equal("0", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.orders"));
    }

    /// <summary>A table may be changed behind the API's back: what it knows of it is looked up anew.</summary>
    [Fact]
    public async Task A_column_that_was_added_just_now_is_there()
    {
        var (cluster, leader) = await PrepareAsync("CREATE OR REPLACE TABLE demo.c (id INT PRIMARY KEY)");
        using var api = Client(cluster, Follower(cluster, leader));
        AssertDone(await api.InsertAsync("c", new { id = 1 }), 1);
        await leader.Server.RunAsync("ALTER TABLE demo.c ADD COLUMN late VARCHAR(10)");
        AssertDone(await api.InsertAsync("c", new { id = 2, late = "x" }), 1);
        await leader.Server.RunAsync("ALTER TABLE demo.c DROP COLUMN late");
        AssertProblem(await api.InsertAsync("c", new { id = 3, late = "x" }), 422, "unknown_column");
        AssertProblem(await api.InsertAsync("c", new { id = 3, late = "x" }), 422, "unknown_column");
    }

    [Fact]
    public async Task Definitions_are_on_all_nodes_when_they_are_asked_to_be()
    {
        var (cluster, leader) = await PrepareAsync("DROP TABLE IF EXISTS demo.made");
        using var api = Client(cluster, Follower(cluster, leader));
        var made = await api.PostAsync("/write/ddl?wait=applied-everywhere", new { ddl = "CREATE TABLE made (id BIGINT PRIMARY KEY, t TEXT)" });
        Assert.True(made.Body.GetProperty("applied_everywhere").GetBoolean() && made.Lsn > 0, made.ToString());
        foreach (var server in cluster.Servers)
            Assert.Equal("0", await server.ScalarAsync("SELECT COUNT(*) FROM demo.made"));
        AssertProblem(await api.PostAsync("/write/ddl", new { ddl = "CREATE TABLE other (id INT)" }, key: "k"), 400, "idempotency_not_supported");
    }

    [Fact]
    public async Task Snowflake_ids_fill_in_what_is_absent_and_never_repeat()
    {
        var (cluster, leader) = await PrepareAsync("CREATE OR REPLACE TABLE demo.s (id BIGINT PRIMARY KEY, who VARCHAR(20))");
        var ids = new List<long>();
        foreach (var node in cluster.Facts.Nodes)
        {
            using var api = Client(cluster, node);
            var inserted = await api.InsertAsync("s", new { who = node.Id });
            AssertDone(inserted, 1);
            var id = inserted.Body.GetProperty("id").GetString()!;
            Assert.Equal(node.Id, await leader.Server.ScalarAsync($"SELECT who FROM demo.s WHERE id = {id}"));
            ids.Add(long.Parse(id, CultureInfo.InvariantCulture));
            var many = await api.GetAsync("/id?count=5000");
            ids.AddRange(many.Body.GetProperty("ids").EnumerateArray().Select(i => long.Parse(i.GetString()!, CultureInfo.InvariantCulture)));
        }

        Assert.Equal(cluster.Facts.Nodes.Count * 5001, ids.Distinct().Count());
        Assert.Equal(cluster.Facts.Nodes.Count, ids.Select(i => (i >> 12) & 0x3FF).Distinct().Count());
        await cluster.Comparer.AssertIdenticalAsync([new("table", "wolfscale_api.snowflake_nodes", cluster.Facts.Nodes.Count)]);

        // The number is the node's over a restart, and its ids go on.
        var other = Follower(cluster, leader);
        await cluster.SignalAsync(other.Id, Part.Node, Signal.Kill);
        await cluster.StartNodeAsync(other.Id, Part.Node);
        await cluster.AwaitHealthyAsync();
        using var again = Client(cluster, cluster.Facts.Node(other.Id));
        var next = long.Parse((await again.GetAsync("/id")).Body.GetProperty("ids")[0].GetString()!, CultureInfo.InvariantCulture);
        Assert.True(next > ids.Where(i => ((i >> 12) & 0x3FF) == ((next >> 12) & 0x3FF)).Max(), "ids go on");
    }

    [Fact]
    public async Task Rows_are_streamed_as_a_document_or_as_lines()
    {
        var (cluster, leader) = await PrepareAsync("CREATE OR REPLACE TABLE demo.big (id INT PRIMARY KEY, t VARCHAR(1000))", "INSERT INTO demo.big SELECT seq, REPEAT('x', 900) FROM demo.seq_1_to_20000");
        using var api = Client(cluster, Follower(cluster, leader));
        var whole = await api.SqlAsync("SELECT id, t FROM big ORDER BY id");
        Assert.Equal((20000, 20000), (whole.Body.GetProperty("row_count").GetInt32(), whole.Body.GetProperty("rows").GetArrayLength()));
        Assert.Equal("id", whole.Body.GetProperty("columns")[0].GetProperty("name").GetString());

        using var request = new HttpRequestMessage(HttpMethod.Post, "/sql") { Content = new StringContent("""{"sql": "SELECT id FROM big ORDER BY id"}""", System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Accept.Add(new("application/x-ndjson"));
        using var answer = await api.Http.SendAsync(request);
        var lines = (await answer.Content.ReadAsStringAsync()).TrimEnd('\n').Split('\n');
        Assert.Equal(("[1]", "[20000]", """{"row_count":20000}"""), (lines[1], lines[^2], lines[^1]));

        Assert.Equal("[[1,1]]", (await api.SqlAsync("SELECT LENGTH('it''s?') - 4 AS n, ? AS `?` FROM DUAL", 1)).Body.GetProperty("rows").ToString());
        AssertProblem(await api.SqlAsync("SELECT ?"), 422, "parameter_count");
        AssertProblem(await api.SqlAsync("SELECT 1", 1), 422, "parameter_count");
    }

    [Fact]
    public async Task A_change_through_sql_is_answered_with_its_place_too()
    {
        var (cluster, leader) = await PrepareAsync("CREATE OR REPLACE TABLE demo.q (id INT PRIMARY KEY AUTO_INCREMENT, t LONGTEXT)");
        using var api = Client(cluster, Follower(cluster, leader));
        var inserted = await api.SqlAsync("INSERT INTO q (t) VALUES (?), (?)", "a'b", new string('x', 200_000));
        AssertDone(inserted, 2);
        Assert.Equal(await leader.Server.ScalarAsync("SELECT @@gtid_binlog_pos"), inserted.Body.GetProperty("gtid").GetString());
        var returned = await api.SqlAsync("INSERT INTO q (t) VALUES ('c') RETURNING id");
        Assert.Equal((1, await leader.Server.ScalarAsync("SELECT @@gtid_binlog_pos")), (returned.Body.GetProperty("row_count").GetInt32(), returned.Body.GetProperty("gtid").GetString()));

        AssertProblem(await api.SqlAsync("SELECT @a := 5"), 403, "statement_not_allowed");
    }

    /// <summary>HTTP has no sessions; the node's own writes, and what an earlier answer named, are shown all the same.</summary>
    [Fact]
    public async Task A_read_shows_what_was_written_through_its_node_and_what_it_names()
    {
        var (cluster, leader) = await PrepareAsync("CREATE OR REPLACE TABLE demo.y (id INT PRIMARY KEY AUTO_INCREMENT, n INT)");
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        using var one = Client(cluster, followers[0]);
        using var other = Client(cluster, followers[1]);
        for (var i = 0; i < 50; i++)
        {
            var written = await one.InsertAsync("y", new { n = i });
            const string sql = "SELECT n FROM y WHERE id = ?";
            object[] @params = [written.Body.GetProperty("last_insert_id").GetInt64()];
            Assert.Equal(1, (await one.PostAsync("/sql", new { sql, @params })).Body.GetProperty("row_count").GetInt32());
            Assert.Equal(1, (await other.PostAsync("/sql", new { sql, @params, after_lsn = written.Lsn })).Body.GetProperty("row_count").GetInt32());
            var again = await one.InsertAsync("y", new { n = i });
            @params = [again.Body.GetProperty("last_insert_id").GetInt64()];
            Assert.Equal(1, (await other.PostAsync("/sql", new { sql, @params, consistency = "strong" })).Body.GetProperty("row_count").GetInt32());
        }
    }

    [Fact]
    public async Task A_token_reaches_as_far_as_its_role()
    {
        var (cluster, leader) = await PrepareAsync("CREATE OR REPLACE TABLE demo.r (id INT PRIMARY KEY)", "CREATE OR REPLACE FUNCTION demo.sneaky() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO demo.r VALUES (666); RETURN 1; END", "CREATE OR REPLACE VIEW demo.looks_harmless AS SELECT demo.sneaky() AS n");
        var node = Follower(cluster, leader);
        using var nobody = new ApiClient(node, null);
        using var stranger = new ApiClient(node, "wrong");
        using var reader = new ApiClient(node, ApiFixture.ReadToken);
        using var writer = new ApiClient(node, ApiFixture.WriteToken);

        foreach (var who in (ApiClient[])[nobody, stranger])
        {
            Assert.Equal(401, (await who.SqlAsync("SELECT 1")).Status);
            Assert.Equal(401, (await who.InsertAsync("r", new { id = 1 })).Status);
            Assert.Equal(401, (await who.GetAsync("/id")).Status);
        }

        Assert.Equal(200, (await reader.SqlAsync("SELECT COUNT(*) FROM r")).Status);
        AssertProblem(await reader.InsertAsync("r", new { id = 1 }), 403, "forbidden");
        AssertProblem(await reader.SqlAsync("INSERT INTO r VALUES (1)"), 403, "forbidden");
        AssertProblem(await reader.SqlAsync("SELECT demo.sneaky()"), 403, "forbidden");
        AssertProblem(await reader.SqlAsync("SELECT * FROM looks_harmless"), 403, "read_only"); // the text does not tell, the session does
        AssertProblem(await reader.SqlAsync("SELECT * FROM mysql.global_priv"), 403, "protected_schema");
        Assert.Equal("0", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.r"));

        Assert.Equal(200, (await writer.InsertAsync("r", new { id = 1 })).Status);
        Assert.Equal(403, (await writer.SqlAsync("CREATE USER x")).Status);
        Assert.Equal(403, (await writer.SqlAsync("SET GLOBAL read_only = 0")).Status);
        Assert.Equal(403, (await writer.PostAsync("/write/ddl", new { ddl = "CREATE TRIGGER t BEFORE INSERT ON r FOR EACH ROW SET @a = 1" })).Status);
    }

    [Fact]
    public async Task The_api_describes_every_route_that_the_running_node_has()
    {
        var (_, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, null);
        var served = await api.GetAsync("/openapi/v1.json");
        var checkedIn = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src/WolfScale.Server/Http/openapi.json"))).RootElement;
        Assert.True(JsonElement.DeepEquals(checkedIn, served.Body), served.Body.GetProperty("paths").ToString());
    }

    private static DemoNode Follower(DemoCluster cluster, DemoNode leader) => cluster.Facts.Nodes.First(n => n.Id != leader.Id);

    private static ApiClient Client(DemoCluster cluster, DemoNode node) => new(node, cluster.Facts.Token);

    private static void AssertDone(ApiAnswer answer, int affected) =>
        Assert.True(answer.Status == 200 && answer.Body.GetProperty("affected_rows").GetInt32() == affected && answer.Lsn > 0, answer.ToString());

    private static void AssertProblem(ApiAnswer answer, int status, string code, string? nearest = null)
    {
        Assert.True(answer.Status == status && answer.Code == code, answer.ToString());
        if (nearest is not null)
            Assert.Equal(nearest, answer.Body.GetProperty("nearest").GetString());
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync(params string[] statements)
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync(statements);
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        return (cluster, leader);
    }
}
