using System.Net;
using System.Text.Json;
using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.MainJob;

namespace WolfScale.EndToEnd;

/// <summary>A node's data are replaced by a copy of another's: as real processes, with everything that the main job writes, and with whatever dies meanwhile.</summary>
public sealed class MigrationTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task A_node_that_was_rebuilt_with_wolfctl_under_writes_and_DDL_is_identical_to_the_others()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await MainJob.WriteAsync(leader.Server, Print);
        var node = cluster.Facts.Nodes.Last(n => n.Id != leader.Id);
        var source = cluster.Facts.Nodes.First(n => n.Id != leader.Id && n.Id != node.Id);
        await node.Server.RunAsync("SET sql_log_bin=0", "CREATE DATABASE ruined", "DROP TABLE IF EXISTS demo.x");

        using var stop = new CancellationTokenSource();
        var writes = WriteAsync(leader.Server, stop.Token);
        string[] asked = ["migrate", "-c", cluster.ConfigurationFile(node.Id), "--from", new Uri(source.Api).Authority];
        var refused = await CommandLine.CtlAsync([.. asked, "--yes"]);
        var unconfirmed = await CommandLine.CtlAsync([.. asked, "--yes", "--replace-data"]);
        var shown = await CommandLine.CtlAsync([.. asked, "--replace-data", "--dry-run"]);
        Assert.Equal((1, 2, 0), (refused.ExitCode, unconfirmed.ExitCode, shown.ExitCode));
        Assert.Contains("holds data", refused.Errors, StringComparison.Ordinal);
        Assert.Equal("1", await node.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'ruined'"));

        var done = await CommandLine.CtlAsync([.. asked, "--yes", "--replace-data", "--confirm", cluster.Facts.Cluster]);
        Print(done.Output + done.Errors);
        await stop.CancelAsync();
        await writes;
        Assert.Equal(0, done.ExitCode);
        Assert.Contains("MiB/s", done.Output, StringComparison.Ordinal);
        Assert.Contains($"{node.Id} is in step", done.Output, StringComparison.Ordinal);
        await cluster.AwaitHealthyAsync(Limit);
        await cluster.Comparer.AssertIdenticalAsync([.. MainJob.Expected, new("table", "demo.during", 1)], Limit);
        Assert.Equal("0", await node.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('ruined', 'wolfscale_incoming')"));

        // The rebuilt node leads, and everybody goes on.
        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        var next = await cluster.LeaderAsync(except: leader.Id);
        await next.Server.RunAsync("INSERT INTO demo.during (t) VALUES ('after')");
        await cluster.StartNodeAsync(leader.Id);
        await cluster.AwaitHealthyAsync(Limit);
        await cluster.Comparer.AssertIdenticalAsync([], Limit);
    }

    [Fact]
    public async Task Whatever_dies_while_the_copy_is_loaded_it_ends_active_and_identical()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await FillAsync(leader.Server);
        await cluster.Comparer.AwaitSamePositionAsync(Limit);
        var node = cluster.Facts.Nodes.Last(n => n.Id != leader.Id).Id;
        var source = cluster.Facts.Nodes.First(n => n.Id != leader.Id && n.Id != node).Id;

        foreach (var (victim, part) in ((string, Part)[])[(node, Part.Node), (node, Part.MariaDb), (source, Part.Node), (source, Part.MariaDb), (node, Part.Both)])
        {
            await cluster.RefreshAsync();
            await OrderAsync(cluster, node, source, HttpStatusCode.Accepted);
            var loading = await AwaitLoadingAsync(cluster, node);
            await cluster.SignalAsync(victim, part, Signal.Kill);
            Print($"{victim} ({part}) killed at {loading}");
            await leader.Server.RunAsync($"INSERT INTO demo.big (t) VALUES ('{victim} {part}')");
            if (victim == node && part == Part.Node)
                Assert.NotEqual("0", await cluster.Facts.Node(node).Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'wolfscale_incoming'"));
            await cluster.StartNodeAsync(victim, part);
            await cluster.AwaitHealthyAsync(Limit);
            await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.big", 100)], Limit);
        }

        // Half a copy was never taken for a whole one, and the position was never set for one.
        Assert.Contains("Replacing the server's data failed", cluster.NodeLog(node), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_does_not_run_is_left_alone_and_what_to_do_is_said()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var node = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.untouched (id INT PRIMARY KEY)");
        await cluster.Comparer.AwaitSamePositionAsync(Limit);
        await cluster.RefreshAsync();
        await cluster.SignalAsync(node.Id, Part.Node, Signal.Kill);

        var refused = await CommandLine.CtlAsync("migrate", "-c", cluster.ConfigurationFile(node.Id), "-e", node.Api, "-e", leader.Api, "--replace-data", "--yes", "--confirm", cluster.Facts.Cluster);

        Assert.Equal(1, refused.ExitCode);
        Print(refused.Errors);
        foreach (var said in (string[])["systemctl start wolfscale", "--physical", "nothing was touched"])
            Assert.Contains(said, refused.Errors, StringComparison.Ordinal);
        Assert.Equal("0", await node.Server.ScalarAsync("SELECT COUNT(*) FROM demo.untouched"));
        await cluster.StartNodeAsync(node.Id, Part.Node);
        await cluster.AwaitHealthyAsync(Limit);
    }

    [Fact]
    public async Task Two_nodes_of_a_cluster_are_enough_because_the_leader_can_be_copied_while_it_works()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var others = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.rows_only (id INT AUTO_INCREMENT PRIMARY KEY, f FLOAT, t VARCHAR(100))");
        await cluster.SignalAsync(others[0].Id, Part.MariaDb, Signal.Kill);
        using var stop = new CancellationTokenSource();
        var writes = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                await leader.Server.RunAsync("INSERT INTO demo.rows_only (f, t) VALUES (RAND() * 1e6, UUID())", "UPDATE demo.rows_only SET f = f / 3 WHERE id % 7 = 0 ORDER BY id DESC LIMIT 5");
        });

        var before = (await MigrationAsync(cluster, others[1].Id))?.StartedAt; // another test's
        await OrderAsync(cluster, others[1].Id, "", HttpStatusCode.Accepted);
        await Poll.UntilAsync("the copy to be done", Limit, async () =>
            await MigrationAsync(cluster, others[1].Id) is var migration && migration is { Phase: "done" } && migration.StartedAt != before ? null : $"{migration}");
        await stop.CancelAsync();
        await writes;
        Assert.Equal(leader.Id, (await MigrationAsync(cluster, others[1].Id))!.From);
        await cluster.StartNodeAsync(others[0].Id, Part.MariaDb);
        await cluster.AwaitHealthyAsync(Limit);
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.rows_only", 1)], Limit);
    }

    [Fact]
    public async Task A_dump_says_where_it_stands_and_ends_with_its_client()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await FillAsync(leader.Server);
        await cluster.Comparer.AwaitSamePositionAsync(Limit);
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        var position = await follower.Server.ScalarAsync("SELECT @@gtid_slave_pos");
        using var http = new HttpClient();

        using (var closed = await http.GetAsync(new Uri(new Uri(follower.Api), "/dump")))
            Assert.Equal(HttpStatusCode.Unauthorized, closed.StatusCode);
        using (var whole = await http.SendAsync(Request(cluster, follower, "/dump", HttpMethod.Get)))
        {
            Assert.Equal(position, whole.Headers.GetValues("X-WolfScale-Gtid-Position").Single());
            var text = await whole.Content.ReadAsStringAsync();
            Assert.StartsWith("-- WolfScale dump ends: ", text.TrimEnd('\n').Split('\n')[^1], StringComparison.Ordinal);
        }

        // The client goes away in the middle; the source's sessions end, and its feed goes on.
        using (var half = await http.SendAsync(Request(cluster, follower, "/dump", HttpMethod.Get), HttpCompletionOption.ResponseHeadersRead))
        {
            await using var body = await half.Content.ReadAsStreamAsync();
            Assert.NotEqual(0, await body.ReadAsync(new byte[1000]));
            await leader.Server.RunAsync("INSERT INTO demo.big (t) VALUES ('while it is held')");
            Assert.Equal(position, await follower.Server.ScalarAsync("SELECT @@gtid_slave_pos"));
        }

        // Not more often: INNODB_TRX shows the same picture for as long as it is asked within 100 ms.
        await Poll.UntilAsync("the snapshot's session to end", TimeSpan.FromSeconds(30), async () =>
            await follower.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.INNODB_TRX") is "0" ? null : "a transaction is open", TimeSpan.FromMilliseconds(250));
        await cluster.Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>Some 60 MB, so that loading takes long enough to be interrupted.</summary>
    private static Task FillAsync(SqlServer leader) => leader.RunAsync(
        "CREATE TABLE IF NOT EXISTS demo.big (id INT AUTO_INCREMENT PRIMARY KEY, t LONGTEXT, f FLOAT DEFAULT 0.1, KEY (f))",
        "INSERT INTO demo.big (t, f) SELECT CONCAT(seq, REPEAT(MD5(seq), 1000)), seq / 7 FROM demo.seq_1_to_2000");

    private static async Task WriteAsync(SqlServer leader, CancellationToken cancellationToken)
    {
        await leader.RunAsync("CREATE OR REPLACE TABLE demo.during (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT)");
        for (var i = 0; !cancellationToken.IsCancellationRequested; i++)
        {
            await leader.RunAsync(
                $"INSERT INTO demo.during (t) VALUES ('{i}')", $"CREATE OR REPLACE TABLE demo.ddl{i % 5} (a INT PRIMARY KEY) AS SELECT {i} AS a", $"ALTER TABLE demo.during ADD COLUMN c{i} INT DEFAULT {i}",
                $"ALTER TABLE demo.during DROP COLUMN c{i}", "CREATE OR REPLACE USER during@localhost", $"CREATE OR REPLACE PROCEDURE demo.p{i % 3}() SELECT {i}", "CREATE OR REPLACE SEQUENCE demo.s", "SELECT NEXTVAL(demo.s)");
        }
    }

    private static async Task OrderAsync(DemoCluster cluster, string node, string from, HttpStatusCode expected)
    {
        using var http = new HttpClient();
        using var request = Request(cluster, cluster.Facts.Node(node), "/admin/migrate", HttpMethod.Post);
        request.Content = new StringContent($$"""{"from": "{{from}}", "replace_data": true}""");
        using var answer = await http.SendAsync(request);
        Assert.True(answer.StatusCode == expected, await answer.Content.ReadAsStringAsync());
    }

    private static HttpRequestMessage Request(DemoCluster cluster, DemoNode node, string path, HttpMethod method)
    {
        var request = new HttpRequestMessage(method, new Uri(new Uri(node.Api), path));
        if (cluster.Facts.Token.Length > 0)
            request.Headers.Authorization = new("Bearer", cluster.Facts.Token);
        return request;
    }

    private static async Task<Migration> AwaitLoadingAsync(DemoCluster cluster, string node)
    {
        Migration? seen = null;
        await Poll.UntilAsync($"{node} to load", Limit, async () =>
        {
            seen = await MigrationAsync(cluster, node);
            return seen is { Phase: "loading", Bytes: > 0 } ? null : $"{seen}";
        }, TimeSpan.FromMilliseconds(10));
        return seen!;
    }

    private static async Task<Migration?> MigrationAsync(DemoCluster cluster, string node)
    {
        using var http = new HttpClient();
        using var status = JsonDocument.Parse(await http.GetStringAsync(new Uri(new Uri(cluster.Facts.Node(node).Api), "/status")));
        return status.RootElement.TryGetProperty("migration", out var m) && m.ValueKind == JsonValueKind.Object
            ? new Migration(m.GetProperty("from").GetString()!, m.GetProperty("phase").GetString()!, m.GetProperty("bytes").GetInt64(), m.GetProperty("attempt").GetInt32(), m.GetProperty("error").GetString(), m.GetProperty("started_at").GetDateTimeOffset())
            : null;
    }

    private sealed record Migration(string From, string Phase, long Bytes, int Attempt, string? Error, DateTimeOffset StartedAt);
}

/// <summary>With <c>cluster.auto_migrate</c>, a server that cannot rejoin in place ends ACTIVE by itself.</summary>
public sealed class AutoMigrationTests(AutoMigrationTests.Automatic fixture) : ClusterTests<AutoMigrationTests.Automatic>(fixture)
{
    [Fact]
    public async Task A_leader_that_strayed_with_DDL_is_rebuilt_without_anybody_asking()
    {
        var cluster = await Fixture.HealthyAsync();
        var old = await cluster.LeaderAsync();
        await old.Server.RunAsync("CREATE TABLE demo.kept (id INT PRIMARY KEY, f FLOAT)", "INSERT INTO demo.kept SELECT seq, seq / 3 FROM demo.seq_1_to_1000");
        await cluster.SignalAsync(old.Id, Part.Node, Signal.Stop);
        await old.Server.RunAsync("SET GLOBAL rpl_semi_sync_master_enabled = OFF", "CREATE TABLE demo.unheard (id INT)", "INSERT INTO demo.unheard VALUES (1)");
        var leader = await cluster.LeaderAsync(except: old.Id);
        await leader.Server.RunAsync("INSERT INTO demo.kept VALUES (2000, 0.1)");
        await cluster.SignalAsync(old.Id, Part.Node, Signal.Continue);

        _ = await cluster.AwaitLogAsync(old.Id, 0, "NEEDS_MIGRATION");
        _ = await cluster.AwaitLogAsync(old.Id, 0, "data are being replaced by a copy of");
        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(120));
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.kept", 1001)]);
        Assert.NotEmpty(SavedTransactions.Files(cluster, old.Id));
    }

    public sealed class Automatic : ClusterFixture
    {
        protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["cluster.auto_migrate=true"]);
    }
}
