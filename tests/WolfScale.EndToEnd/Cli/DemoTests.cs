using System.Text.Json;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary>The demo as a newcomer and a script use it: real processes, real servers.</summary>
public class DemoTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_cluster_lives_loses_its_leader_goes_on_and_is_whole_again()
    {
        using var folder = new TempFolder("demo");
        var dir = Path.Combine(folder.Path, "d");
        try
        {
            // It comes up, and every node takes part.
            var port = Port();
            var demo = await JsonAsync("demo", "--nodes", "3", "--dir", dir, "--base-port", port, "--detach", "--json");
            AssertIsTheContract(demo, int.Parse(port, System.Globalization.CultureInfo.InvariantCulture));
            Assert.Equal("LEADER", Text(Nodes(demo)[0], "role")); // the founder keeps the lead
            Assert.Equal(("demo", "app", "demo", dir), (Text(demo, "cluster"), Text(demo, "user"), Text(demo, "database"), Text(demo, "dir")));
            Assert.Equal(["node-1", "node-2", "node-3"], Nodes(demo).Select(n => Text(n, "id")));
            Assert.All(Nodes(demo), n => Assert.Equal("ACTIVE", Text(n, "status")));

            // What the application writes on the leader is on every server.
            var first = Leader(demo);
            await WriteAsync(demo, first, "CREATE TABLE t (id INT PRIMARY KEY, who VARCHAR(20))", "INSERT INTO t VALUES (1, 'first')");
            await AwaitRowsAsync(demo, "1:first");

            // The leader's machine dies; another node accepts writes.
            Assert.Equal(0, (await CommandLine.RunAsync("demo", "kill", Text(first, "id"), "--what", "both", "--dir", dir)).ExitCode);
            demo = await AwaitLeaderAsync(dir, not: Text(first, "id"));
            var dead = Nodes(demo).Single(n => Text(n, "id") == Text(first, "id"));
            Assert.Equal(("OFFLINE", JsonValueKind.Null, JsonValueKind.Null), (Text(dead, "status"), dead.GetProperty("pid").ValueKind, dead.GetProperty("role").ValueKind));
            await WriteAsync(demo, Leader(demo), "INSERT INTO t VALUES (2, 'second')");

            // It comes back, catches up and follows.
            Assert.Equal(0, (await CommandLine.RunAsync("demo", "start", Text(first, "id"), "--dir", dir)).ExitCode);
            await AwaitAllActiveAsync(dir);
            await AwaitRowsAsync(demo, "1:first,2:second");

            // One more joins, with all the data.
            demo = await JsonAsync("demo", "add", "--dir", dir, "--json");
            Assert.Equal(4, Nodes(demo).Count);
            await AwaitAllActiveAsync(dir);
            await AwaitRowsAsync(demo, "1:first,2:second");

            // Stopped and started again it is the same cluster.
            Assert.Equal(0, (await CommandLine.RunAsync("demo", "stop", "--dir", dir)).ExitCode);
            Assert.Empty(Processes.Mentioning(dir));
            demo = await JsonAsync("demo", "--dir", dir, "--detach", "--json");
            await AwaitRowsAsync(demo, "1:first,2:second");

            // A leader that is told to end hands over first and leaves its server closed for writes.
            var last = Leader(demo);
            Assert.Equal(0, (await CommandLine.RunAsync("demo", "kill", Text(last, "id"), "--signal", "TERM", "--dir", dir)).ExitCode);
            Assert.Equal("1", await Server(last).ScalarAsync("SELECT @@read_only"));
            demo = await AwaitLeaderAsync(dir, not: Text(last, "id"));
            await WriteAsync(demo, Leader(demo), "INSERT INTO t VALUES (3, 'third')");
        }
        finally
        {
            _ = await CommandLine.RunAsync("demo", "stop", "--purge", "--dir", dir);
        }

        Assert.Empty(Processes.Mentioning(dir));
        Assert.False(Directory.Exists(dir));
    }

    [Fact]
    public async Task In_the_foreground_it_ends_with_Ctrl_C_and_leaves_no_process()
    {
        using var folder = new TempFolder("demo");
        var dir = Path.Combine(folder.Path, "d");
        using var demo = CommandLine.Start(null, "demo", "--nodes", "1", "--dir", dir, "--base-port", Port(), "--json");
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            var line = await demo.StandardOutput.ReadLineAsync(limit.Token);
            Assert.Equal("LEADER", Text(Nodes(JsonDocument.Parse(line!).RootElement)[0], "role"));

            _ = Processes.Send(demo.Id, Signal.Terminate);
            await demo.WaitForExitAsync(limit.Token);

            Assert.Equal(0, demo.ExitCode);
            Assert.Empty(Processes.Mentioning(dir));
        }
        finally
        {
            if (!demo.HasExited)
                demo.Kill();
            _ = await CommandLine.RunAsync("demo", "stop", "--dir", dir);
        }
    }

    [Fact]
    public async Task What_cannot_be_done_is_refused_in_one_line_before_anything_starts()
    {
        using var folder = new TempFolder("demo");
        var dir = Path.Combine(folder.Path, "d");

        var setting = await CommandLine.RunAsync("demo", "--dir", dir, "--set", "cluster.hartbeat_interval_ms=100", "--detach");
        var tooDeep = await CommandLine.RunAsync("demo", "--dir", Path.Combine(folder.Path, new string('x', 100)), "--detach");

        Assert.Equal((2, 1), (setting.ExitCode, tooDeep.ExitCode));
        Assert.Contains("did you mean cluster.heartbeat_interval_ms?", setting.ErrorLine, StringComparison.Ordinal);
        Assert.Contains("107", tooDeep.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(Processes.Mentioning(folder.Path));
    }

    /// <summary>Scripts depend on these names and ports, and on nothing else being there.</summary>
    private static void AssertIsTheContract(JsonElement demo, int port)
    {
        Assert.Equal(["cluster", "dir", "user", "password", "database", "token", "nodes"], Names(demo));
        for (var i = 0; i < 3; i++)
        {
            var (node, first) = (Nodes(demo)[i], port + (10 * (i + 1)));
            Assert.Equal(["id", "role", "status", "pid", "lsn", "applied_lsn", "cluster", "api", "proxy", "mariadb"], Names(node));
            Assert.Equal(["host", "port"], Names(node.GetProperty("proxy")));
            Assert.Equal(["host", "port", "socket", "pid"], Names(node.GetProperty("mariadb")));
            Assert.Equal(
                ($"127.0.0.1:{first}", $"http://127.0.0.1:{first + 1}", first + 2, first + 3),
                (Text(node, "cluster"), Text(node, "api"), node.GetProperty("proxy").GetProperty("port").GetInt32(), Server(node).Port));
        }

        static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(p => p.Name);
    }

    private static string Port() => Ports.FreeRange(60).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        var outcome = await CommandLine.RunAsync(arguments);
        Assert.True(outcome.ExitCode == 0, $"wolfscale {string.Join(' ', arguments)} ended with {outcome.ExitCode}: {outcome.Errors}");
        return JsonDocument.Parse(outcome.Output).RootElement;
    }

    private static List<JsonElement> Nodes(JsonElement demo) => [.. demo.GetProperty("nodes").EnumerateArray()];

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";

    private static JsonElement Leader(JsonElement demo) => Nodes(demo).Single(n => Text(n, "role") == "LEADER");

    private static SqlServer Server(JsonElement node)
    {
        var server = node.GetProperty("mariadb");
        return new SqlServer(Text(node, "id"), Text(server, "host"), server.GetProperty("port").GetInt32(), Text(server, "socket"));
    }

    private static async Task WriteAsync(JsonElement demo, JsonElement node, params string[] statements)
    {
        await using var connection = await Server(node).ClientAsync(Text(demo, "user"), Text(demo, "password"), Text(demo, "database"));
        foreach (var statement in statements)
            _ = await connection.RunAsync(statement);
    }

    private static Task<TimeSpan> AwaitRowsAsync(JsonElement demo, string expected) => Poll.UntilAsync($"the rows {expected} on every server", Patience, async () =>
    {
        foreach (var server in Nodes(demo).Select(Server))
        {
            var rows = await server.ScalarAsync("SELECT GROUP_CONCAT(CONCAT(id, ':', who) ORDER BY id) FROM demo.t");
            if (rows != expected)
                return $"{server} has {rows}";
        }

        return null;
    });

    /// <summary>Until another node leads and its server accepts a write.</summary>
    private static async Task<JsonElement> AwaitLeaderAsync(string dir, string not)
    {
        JsonElement demo = default;
        _ = await Poll.UntilAsync("another leader that accepts writes", Patience, async () =>
        {
            demo = await JsonAsync("demo", "status", "--dir", dir, "--json");
            var leader = Nodes(demo).FirstOrDefault(n => Text(n, "role") == "LEADER" && Text(n, "id") != not);
            return leader.ValueKind == JsonValueKind.Undefined ? "no leader"
                : await Server(leader).ScalarAsync("SELECT @@read_only") == "0" ? null : $"{Text(leader, "id")} is read-only";
        });
        return demo;
    }

    private static Task<TimeSpan> AwaitAllActiveAsync(string dir) => Poll.UntilAsync("all nodes to be ACTIVE", Patience, async () =>
    {
        var demo = await JsonAsync("demo", "status", "--dir", dir, "--json");
        return Nodes(demo).All(n => Text(n, "status") == "ACTIVE") ? null : string.Join(", ", Nodes(demo).Select(n => Text(n, "status")));
    });
}
