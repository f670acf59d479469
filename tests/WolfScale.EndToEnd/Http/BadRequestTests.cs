using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>Whatever is sent, nothing of it becomes SQL, and what is not understood is not written.</summary>
public sealed class BadRequestTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly string[] Injections =
    [
        "' OR '1'='1", "'; DROP TABLE victims; --", "\" OR 1=1 #", "`; DROP TABLE victims; -- ", "victims` WHERE 1=1 -- ", "id) VALUES (1); DELETE FROM victims; -- ", "\\' OR 1=1 -- ", "\\", "''", "%' OR '%'='",
        "1 OR 1=1", "1; SELECT SLEEP(5)", "0x27204f5220313d31", "/*!50000 DROP TABLE victims */", "\u0000'; DROP TABLE victims", "ʼ OR 1=1", "\u02bc; DROP TABLE victims", "¿' OR 1=1", "victims/**/", "mysql.user", "../../etc/passwd", "victims;", "${jndi:x}", "?", "@@version", "NULL", "' UNION SELECT authentication_string FROM mysql.user -- ",
        "a`.`b", "victims\n", "victims ", "\uFF07 OR 1=1", "'||(SELECT 1)||'", "id`=1,`secret", "_utf8mb4'x'", "x'27'", "\u00bf\u0027",
    ];

    [Fact]
    public async Task No_input_becomes_sql()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(cluster.Facts.Nodes.First(n => n.Id != leader.Id), cluster.Facts.Token);
        foreach (var text in Injections)
        {
            // As a value it is a value.
            var inserted = await api.InsertAsync("victims", new { secret = text });
            Assert.True(inserted.Status == 200, $"{text}: {inserted}");
            var id = inserted.Body.GetProperty("last_insert_id").GetInt64();
            var read = await api.SqlAsync("SELECT secret FROM victims WHERE id = ? AND secret = ?", id, text);
            Assert.True(read.Status == 200 && read.Body.GetProperty("row_count").GetInt32() == 1 && read.Body.GetProperty("rows")[0][0].GetString() == text, $"{text}: {read}");
            Assert.Equal(1, (await api.PostAsync("/write/update", new { table = "victims", set = new { secret = text + "!" }, where_key = new { id, secret = text } })).Body.GetProperty("affected_rows").GetInt32());
            Assert.Equal(1, (await api.PostAsync("/write/delete", new { table = "victims", where_key = new { secret = text + "!" } })).Body.GetProperty("affected_rows").GetInt32());

            // As a name it is no name.
            AssertRefused(text, await api.InsertAsync(text, new { id = 1 }));
            AssertRefused(text, await api.PostAsync("/write/delete", new { table = "victims", database = text, where_key = new { id = 1 } }));
            AssertRefused(text, await api.PostAsync("/write/delete", new { table = "victims", where_key = new Dictionary<string, object> { [text] = 1 } }));
            AssertRefused(text, await api.PostAsync("/write/upsert", new { table = "victims", values = new { id = 1 }, update_columns = new[] { text } }));
            AssertRefused(text, await api.PostAsync("/write/update", new { table = "victims", set = new Dictionary<string, object> { [text] = 1 }, where_key = new { id = 1 } }));
            AssertRefused(text, await api.PostAsync("/write/delete", new { table = "victims", where_key = new { id = text } })); // an integer, or nothing
            AssertRefused(text, await api.PostAsync("/sql", new { sql = "SELECT 1", database = text }));
        }

        Assert.Equal("1 untouched", await leader.Server.ScalarAsync("SELECT CONCAT(COUNT(*), ' ', MAX(secret)) FROM demo.victims"));
    }

    [Fact]
    public async Task What_cannot_be_read_is_a_clear_refusal_and_nothing_is_written()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        var megabyte = new string('a', 1_000_000);
        (string Body, int Status, string Code)[] cases =
        [
            ("{\"table\": \"" + megabyte + "\", \"values\": {}}", 400, "invalid_name"),
            ("{\"table\": \"victims\", \"values\": {\"" + megabyte + "\": 1}}", 400, "invalid_name"),
            ("{\"" + megabyte + "\": 1}", 400, "unknown_field"),
            ("{\"table\": \"victims\", \"values\": {\"secret\": \"" + megabyte + megabyte + "\"}}", 413, "too_large"),
            ("{\"table\": \"victims\", \"values\": " + new string('[', 100) + new string(']', 100) + "}", 400, "invalid_json"),
            ("{\"table\": \"victims\", \"values\": {\"secret\": \"a\", \"secret\": \"b\"}}", 400, "duplicate_key"),
            ("{\"table\": \"victims\", \"values\": {\"secret\": \"a\", \"SECRET\": \"b\"}}", 400, "duplicate_key"),
            ("{\"table\": \"victims\", \"values\": {\"secret\": \"\\ud800\"}}", 400, "invalid_utf8"),
            ("{\"table\": \"victims\", \"values\": {\"secret\": \"a\"", 400, "invalid_json"),
            ("", 400, "invalid_json"),
            ("null", 400, "invalid_request"),
            ("[]", 400, "batch_size"),
            ("[" + string.Join(',', Enumerable.Repeat("{}", 1001)) + "]", 400, "batch_size"),
        ];
        foreach (var (body, status, code) in cases)
        {
            var answer = await api.PostTextAsync("/write/insert", body);
            Assert.True((answer.Status, answer.Code) == (status, code), $"{body[..Math.Min(80, body.Length)]}: {answer}");
        }

        var invalid = await api.PostBytesAsync("/write/insert", [.. "{\"table\": \"victims\", \"values\": {\"secret\": \""u8, 0xC3, 0x28, .. "\"}}"u8]);
        Assert.Equal((400, "invalid_utf8"), (invalid.Status, invalid.Code));
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.victims"));
    }

    [Fact]
    public async Task A_request_that_breaks_off_writes_nothing()
    {
        var (cluster, leader) = await PrepareAsync();
        var body = """{"table": "victims", "values": {"secret": "half"}}""";
        var address = new Uri(leader.Api);
        for (var cut = 1; cut < body.Length; cut += 7)
        {
            using var socket = new TcpClient(address.Host, address.Port);
            await using var stream = socket.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(
                $"POST /write/insert HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {cluster.Facts.Token}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body[..cut]}"));
            socket.Client.Shutdown(SocketShutdown.Send);
            var said = await ReadAsync(stream);
            Assert.True(said.Length == 0 || said.StartsWith("HTTP/1.1 400", StringComparison.Ordinal), said);
        }

        using var api = new ApiClient(leader, cluster.Facts.Token);
        Assert.Equal(200, (await api.SqlAsync("SELECT 1")).Status);
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT COUNT(*) FROM demo.victims"));
    }

    [Fact]
    public async Task A_failure_is_found_in_the_log_by_its_requests_id()
    {
        var (cluster, leader) = await PrepareAsync();
        using var api = new ApiClient(leader, cluster.Facts.Token);
        api.Http.DefaultRequestHeaders.Add("X-Request-Id", "order-4711");
        var refused = await api.InsertAsync("nowhere", new { id = 1 });
        Assert.Equal(("order-4711", "order-4711"), (refused.Body.GetProperty("request_id").GetString(), refused.Headers.GetValues("X-Request-Id").Single()));
        Assert.Contains("unknown_table", await cluster.AwaitLogAsync(leader.Id, 0, "order-4711"), StringComparison.Ordinal);
        Assert.DoesNotContain(cluster.Facts.Token, cluster.NodeLog(leader.Id), StringComparison.Ordinal);
    }

    /// <summary>What the node says before it hangs up, which it may do by a reset.</summary>
    private static async Task<string> ReadAsync(Stream stream)
    {
        try
        {
            using var answer = new StreamReader(stream, leaveOpen: true);
            return await answer.ReadToEndAsync();
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static void AssertRefused(string text, ApiAnswer answer) => Assert.True(answer.Status is >= 400 and < 500 && answer.Code is not null, $"{JsonSerializer.Serialize(text)}: {answer}");

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.victims (id BIGINT PRIMARY KEY AUTO_INCREMENT, secret VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)", "INSERT INTO demo.victims (secret) VALUES ('untouched')");
        await cluster.Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(30));
        return (cluster, leader);
    }
}
