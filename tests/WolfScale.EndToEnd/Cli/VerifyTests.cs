using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using WolfScale.Client;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl verify</c>: whether all nodes hold the same.</summary>
public sealed class VerifyTests(VerifyTests.Comparing fixture) : ClusterTests<VerifyTests.Comparing>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Equal_nodes_are_found_equal_while_rows_and_tables_change()
    {
        var cluster = await ComparedAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var sysbench = new Sysbench(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database) { TableSize = Long.Or(20_000, 2000) };
        await sysbench.PrepareAsync(leader.Server);
        await leader.Server.RunAsync($"CREATE TABLE IF NOT EXISTS {cluster.Facts.Database}.altered (id INT PRIMARY KEY)");
        using var stop = new CancellationTokenSource();
        var load = sysbench.RunAsync("oltp_write_only", leader.Server, 4, TimeSpan.FromMinutes(10), stop: stop.Token);
        var altering = AlterAsync(leader.Server, cluster.Facts.Database, stop.Token);

        var lsn = 0L;
        for (var run = 0; run < Long.Or(20, 3); run++)
        {
            var (exitCode, report, errors) = await VerifyAsync(cluster);
            Print(string.Create(CultureInfo.InvariantCulture, $"{report?.Tables} tables, {report?.Rows} rows at LSN {report?.Lsn}; not compared: {string.Join("; ", report?.NotCompared ?? [])}"));
            Assert.True(exitCode == 0 && report is { Identical: true, Nodes.Length: 3, Tables: >= 4 }, $"exit code {exitCode}: {errors} {JsonSerializer.Serialize(report)}");
            Assert.True(report.Lsn > lsn, "nothing was written between two verifications");
            Assert.True(report.Rows >= sysbench.Tables * (sysbench.TableSize - 100L), $"only {report.Rows} rows were compared");
            lsn = report.Lsn;
        }

        await stop.CancelAsync();
        _ = await load;
        Assert.True(await altering > 0, "no table was altered");
    }

    [Fact]
    public async Task A_cluster_compares_its_nodes_by_itself_and_every_node_tells_when_they_were_last_identical()
    {
        var cluster = await ComparedAsync();
        foreach (var node in cluster.Facts.Nodes)
        {
            var verified = await VerifiedAsync(node);
            Assert.True(verified is { IdenticalAt: not null, IdenticalLsn: > 0 }, $"{node.Id}: {verified}");
            Assert.Equal(cluster.Facts.Nodes.Select(n => n.Id).Order(), verified.Nodes.Order());
        }
    }

    [Fact]
    public async Task What_was_changed_behind_the_clusters_back_is_found()
    {
        var cluster = await ComparedAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var strayed = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        var schema = cluster.Facts.Database;
        await leader.Server.RunAsync(
            $"USE {schema}",
            "CREATE TABLE numbered (id INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO numbered SELECT seq, 'v' FROM seq_1_to_25000",
            "CREATE TABLE named (a VARCHAR(10) COLLATE utf8mb4_unicode_ci, b INT, PRIMARY KEY (a, b))", "INSERT INTO named SELECT CONCAT('ä', seq % 50), seq FROM seq_1_to_5000",
            "CREATE TABLE keyless (a INT, b DOUBLE)", "INSERT INTO keyless SELECT seq % 2, seq / 3 FROM seq_1_to_10", "INSERT INTO keyless SELECT * FROM keyless",
            "CREATE VIEW seen AS SELECT id FROM numbered");
        await cluster.AwaitHealthyAsync();
        Assert.Equal(0, (await VerifyAsync(cluster)).ExitCode);

        // A value, a row too much, a pair of equal rows that became another pair, and a definition.
        await strayed.Server.RunAsync(
            "SET sql_log_bin=0", $"USE {schema}", "UPDATE numbered SET v='w' WHERE id=12345", "INSERT INTO named VALUES ('zz', 1)", "UPDATE keyless SET a=1-a WHERE b < 0.4", "DROP VIEW seen");
        var (exitCode, report, errors) = await VerifyAsync(cluster);
        await strayed.Server.RunAsync(
            "SET sql_log_bin=0", $"USE {schema}", "UPDATE numbered SET v='v' WHERE id=12345", "DELETE FROM named WHERE a='zz'", "UPDATE keyless SET a=1-a WHERE b < 0.4", "CREATE VIEW seen AS SELECT id FROM numbered");

        Assert.Equal((5, ""), (exitCode, errors));
        var told = await VerifiedAsync(cluster.Facts.Nodes[0]);
        Assert.True(told is { Identical: false, IdenticalAt: { } identical } && identical < told.At, $"{told}");
        Assert.Equal([strayed.Id], told.Different);
        Assert.All(report!.Differences, difference => Assert.Equal(strayed.Id, difference.Node));
        var found = report.Differences.ToDictionary(d => d.Object);
        Assert.Equal([$"{schema}.keyless", $"{schema}.named", $"{schema}.numbered", $"view {schema}.seen"], found.Keys.Order());
        var (after, upTo) = (Number(found[$"{schema}.numbered"].After), Number(found[$"{schema}.numbered"].UpTo));
        Assert.True(after < 12345 && upTo >= 12345 && upTo - after <= 10, $"the difference is at 12345, and was found in ({after}, {upTo}]");
        Assert.Null(found[$"{schema}.named"].UpTo);
        Assert.Equal("missing", found[$"view {schema}.seen"].Here);
        Assert.Equal(0, (await VerifyAsync(cluster, "--tables", $"{schema}.*")).ExitCode);
        (exitCode, _, errors) = await VerifyAsync(cluster, "--tables", $"{schema}.numbered", $"{schema}.nosuch", $"{schema}.NAMED");
        Assert.Equal(2, exitCode);
        Assert.Contains($"no node has {schema}.nosuch, {schema}.NAMED.", errors, StringComparison.Ordinal);
    }

    /// <summary>Before, tables that could not be read were named and passed over, and the nodes called identical: here one that is rebuilt meanwhile, and all that come after a lost connection.</summary>
    [Fact]
    public async Task What_could_not_be_compared_whole_is_not_called_identical()
    {
        var cluster = await ComparedAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var strayed = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        var schema = cluster.Facts.Database;
        await leader.Server.RunAsync(
            $"USE {schema}", "CREATE TABLE long_one (id INT, v VARCHAR(100))", "INSERT INTO long_one SELECT seq, SHA2(seq, 256) FROM seq_1_to_500000", "CREATE TABLE zz (id INT PRIMARY KEY)");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        await strayed.Server.RunAsync("SET sql_log_bin=0", $"INSERT INTO {schema}.zz VALUES (1)");
        Assert.Equal(5, (await VerifyAsync(cluster)).ExitCode);
        var before = await VerifiedAsync(leader);

        var (exitCode, report, errors) = await VerifyAsync(cluster, strayed, "long_one", _ => strayed.Server.RunAsync("SET sql_log_bin=0", $"ALTER TABLE {schema}.zz FORCE"));
        Assert.True(exitCode == 1 && report is { Identical: false, Nodes.Length: 3, Differences.Length: 0 }, $"exit code {exitCode}: {errors} {JsonSerializer.Serialize(report)}");
        Assert.Contains(report.NotCompared, left => left.What == $"{schema}.zz on {strayed.Id}");
        await AssertStillDifferentAsync();

        (exitCode, report, errors) = await VerifyAsync(cluster, strayed, "long_one", connection => strayed.Server.RunAsync($"KILL {connection}"));
        Assert.True(exitCode == 1 && report is { Identical: false, Nodes.Length: 2, Differences.Length: 0 }, $"exit code {exitCode}: {errors} {JsonSerializer.Serialize(report)}");
        Assert.Contains("The connection that held the snapshot is gone", Assert.Single(report.NotCompared, left => left.What == strayed.Id).Why, StringComparison.Ordinal);
        Assert.Contains("not proven", errors, StringComparison.Ordinal);
        await AssertStillDifferentAsync();

        await strayed.Server.RunAsync("SET sql_log_bin=0", $"DELETE FROM {schema}.zz");
        await leader.Server.RunAsync($"DROP TABLE {schema}.long_one, {schema}.zz");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        Assert.Equal(0, (await VerifyAsync(cluster)).ExitCode);
        Assert.Empty((await VerifiedAsync(strayed))!.Different);

        async Task AssertStillDifferentAsync()
        {
            foreach (var node in cluster.Facts.Nodes)
            {
                var told = await VerifiedAsync(node);
                Assert.True(told is { Identical: false } && told.IdenticalAt == before!.IdenticalAt && told.At > before.At, $"{told}");
                Assert.Equal([strayed.Id], told.Different);
            }
        }
    }

    /// <summary>Whoever paused a feed may be gone.</summary>
    [Fact]
    public async Task A_verification_that_is_abandoned_holds_nothing_up()
    {
        var cluster = await ComparedAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        using var http = new HttpClient { BaseAddress = new Uri(follower.Api) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", cluster.Facts.Token);

        Assert.Equal(HttpStatusCode.OK, await StepAsync(http, "one", "pause"));
        Assert.Equal(HttpStatusCode.Conflict, await StepAsync(http, "two", "pause"));
        await leader.Server.RunAsync($"CREATE TABLE {cluster.Facts.Database}.held (id INT)");
        await Poll.UntilAsync("the follower to go on", Patience, async () =>
            await follower.Server.ScalarAsync($"SELECT 1 FROM information_schema.tables WHERE table_schema='{cluster.Facts.Database}' AND table_name='held'") is null ? "its table is not there" : null);
        Assert.Equal(HttpStatusCode.Conflict, await StepAsync(http, "one", "open")); // it is too late
        Assert.Equal(0, (await VerifyAsync(cluster)).ExitCode); // and out of the way
    }

    /// <summary>A cluster that has compared itself once, as it does every hour; what follows is not disturbed by that.</summary>
    private async Task<DemoCluster> ComparedAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await Poll.UntilAsync("the cluster to compare its nodes by itself", Patience, async () =>
        {
            var known = await Task.WhenAll(cluster.Facts.Nodes.Select(VerifiedAsync));
            return Array.TrueForAll(known, v => v is not null) ? null : $"{known.Count(v => v is not null)} nodes know of a comparison";
        });
        return cluster;
    }

    private static async Task<VerifiedDocument?> VerifiedAsync(DemoNode node)
    {
        using var http = new HttpClient { BaseAddress = new Uri(node.Api) };
        return JsonSerializer.Deserialize(await http.GetStringAsync(new Uri("/status", UriKind.Relative)), ApiJson.Default.NodeReport)!.Verified;
    }

    private static int Number(string? key) => int.Parse(key!.Trim('(', ')'), CultureInfo.InvariantCulture);

    private static async Task<HttpStatusCode> StepAsync(HttpClient http, string id, string step)
    {
        using var body = new StringContent($$"""{"id":"{{id}}","step":"{{step}}","at_lsn":1}""", Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri("/admin/verify", UriKind.Relative), body);
        return answer.StatusCode;
    }

    private static async Task<(int ExitCode, VerifyReport? Report, string Errors)> VerifyAsync(DemoCluster cluster, params string[] more)
    {
        var outcome = await CommandLine.CtlAsync(
            new Dictionary<string, string> { ["WOLFCTL_TOKEN"] = cluster.Facts.Token }, ["verify", "--json", "-e", cluster.Facts.Nodes[0].Api, .. more]);
        return (outcome.ExitCode, outcome.Output.Length > 0 ? JsonSerializer.Deserialize(outcome.Output, ApiJson.Default.VerifyReport) : null, outcome.Errors);
    }

    /// <summary>Does something to a node, with the connection of its snapshot, while that sums up a table.</summary>
    private static async Task<(int ExitCode, VerifyReport? Report, string Errors)> VerifyAsync(DemoCluster cluster, DemoNode node, string table, Func<string, Task> meanwhile)
    {
        var running = VerifyAsync(cluster);
        string? connection = null;
        await Poll.UntilAsync($"{node.Id} to read {table}", Patience, async () =>
            (connection = await node.Server.ScalarAsync($"SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT COUNT(*) AS n%`{table}`%'")) is null ? "it does not" : null);
        await meanwhile(connection!);
        return await running;
    }

    private static async Task<int> AlterAsync(SqlServer server, string schema, CancellationToken stop)
    {
        var count = 0;
        while (!stop.IsCancellationRequested)
            await server.RunAsync($"ALTER TABLE {schema}.altered COMMENT '{++count}'", $"REPLACE INTO {schema}.altered VALUES ({count % 100})");
        return count;
    }

    public sealed class Comparing : ClusterFixture
    {
        protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["verify.interval_hours=1"]);
    }
}
