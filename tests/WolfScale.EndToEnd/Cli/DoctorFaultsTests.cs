using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary>Faults that leave a cluster at work: <c>wolfctl doctor</c> names each, says what to do, and is content when that was done.</summary>
public sealed class DoctorFaultsTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_setting_of_MariaDB_that_somebody_has_changed_is_named_with_the_statement_that_mends_it()
    {
        var cluster = await Fixture.HealthyAsync();
        var follower = await FollowerAsync(cluster);
        await follower.Server.RunAsync("SET GLOBAL sync_binlog = 0");

        var found = await AwaitAsync(cluster, "database_alarm", follower.Id);
        Assert.Contains("sync_binlog = 0", found.What, StringComparison.Ordinal);
        await follower.Server.RunAsync(found.What[found.What.IndexOf("SET GLOBAL", StringComparison.Ordinal)..]);
        await AwaitContentAsync(cluster);
    }

    /// <summary>A row that the follower has and the cluster has not: the applier stops at the first transaction that meets it.</summary>
    [Fact]
    public async Task An_applier_that_an_error_has_stopped_is_named_with_the_error()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var follower = await FollowerAsync(cluster);
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.met (id INT PRIMARY KEY)");
        await cluster.Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(30));
        await follower.Server.RunAsync("SET sql_log_bin = 0; INSERT INTO demo.met VALUES (1)");
        await leader.Server.RunAsync("INSERT INTO demo.met VALUES (1)");

        var found = await AwaitAsync(cluster, "database_unfit", follower.Id);
        Assert.Contains("Duplicate entry", found.What, StringComparison.Ordinal);
        await follower.Server.RunAsync("SET sql_log_bin = 0; DELETE FROM demo.met");
        await AwaitContentAsync(cluster);
    }

    [Fact]
    public async Task A_certificate_that_ends_soon_is_named_and_a_key_that_waits_for_a_restart()
    {
        var cluster = await Fixture.HealthyAsync();
        using var folder = new TempFolder("certificates");
        var certificates = await Certificates.CreateAsync(folder.Path, "node"); // for a day
        using (var file = new EditedFile(cluster.ConfigurationFile("node-3")))
        {
            await file.SetAsync($"proxy.tls_cert = \"{certificates.CertificateFile}\"", $"proxy.tls_key = \"{certificates.KeyFile}\"", "wal.batch_size = 77");
            var reload = await CommandLine.CtlAsync("reload", "-c", file.Path);
            Assert.True(reload.ExitCode == 0, reload.Errors);
            var found = await AwaitAsync(cluster, "certificate_expires", "node-3");
            Assert.Contains("[proxy]", found.What, StringComparison.Ordinal);
            Assert.Contains("wal.batch_size", (await AwaitAsync(cluster, "restart_pending", "node-3")).What, StringComparison.Ordinal);
        }

        Assert.Equal(0, (await CommandLine.CtlAsync("reload", "-c", cluster.ConfigurationFile("node-3"))).ExitCode);
        await AwaitContentAsync(cluster);
    }

    [Fact]
    public async Task A_log_that_is_not_synced_and_a_disk_that_is_nearly_full_are_named()
    {
        await using var disk = await SmallDisk.CreateAsync(300);
        await using var node = await NodeProcess.CreateAsync("node-1", 1);
        node.Settings["node.data_dir"] = NodeProcess.Text(Path.Combine(disk.Path, "node"));
        node.Settings["wal.segment_size_mb"] = "1";
        node.Settings["wal.fsync"] = "false";
        await node.StartAsync("--bootstrap");
        await node.AwaitAsync("a leader", s => s is { Role: "LEADER", AcceptsWrites: true });
        var report = JsonDocument.Parse((await node.CtlAsync("doctor", "--json")).Output).RootElement;
        Assert.Contains(Findings(report), f => f.Code == "fsync_off");
        Assert.DoesNotContain(Findings(report), f => f.Code == "disk_low");

        await File.WriteAllBytesAsync(Path.Combine(disk.Path, "ballast"), new byte[250 << 20]);
        await Poll.UntilAsync("doctor finds the disk", Patience, async () => await node.CtlAsync("doctor", "--json") is var told && Findings(JsonDocument.Parse(told.Output).RootElement).Any(f => f.Code == "disk_low") ? null : told.Output);
        disk.MakeRoom();
    }

    private sealed record Finding(string? Code, string? Node, string What);

    private static async Task<DemoNode> FollowerAsync(DemoCluster cluster)
    {
        var leader = await cluster.LeaderAsync();
        return cluster.Facts.Nodes.First(n => n.Id != leader.Id);
    }

    private static IEnumerable<Finding> Findings(JsonElement report) =>
        report.GetProperty("findings").EnumerateArray().Select(f => new Finding(f.GetProperty("code").GetString(), f.GetProperty("node").GetString(), f.GetProperty("what").GetString()!));

    private static async Task<(IReadOnlyList<Finding> Findings, int ExitCode, string Output)> ExamineAsync(DemoCluster cluster)
    {
        var outcome = await CommandLine.CtlAsync("doctor", "--json", "-c", cluster.ConfigurationFile("node-1"));
        Assert.True(outcome.ExitCode is 0 or 1, outcome.Output + outcome.Errors);
        return ([.. Findings(JsonDocument.Parse(outcome.Output).RootElement)], outcome.ExitCode, outcome.Output);
    }

    private static async Task<Finding> AwaitAsync(DemoCluster cluster, string code, string node)
    {
        Finding? found = null;
        await Poll.UntilAsync($"doctor finds {code} at {node}", Patience, async () =>
        {
            var (findings, _, output) = await ExamineAsync(cluster);
            found = findings.FirstOrDefault(f => f.Code == code && f.Node == node);
            return found is null ? output : null;
        });
        return found!;
    }

    private static async Task AwaitContentAsync(DemoCluster cluster)
    {
        await cluster.AwaitHealthyAsync();
        await Poll.UntilAsync("doctor is content", Patience, async () => await ExamineAsync(cluster) is (_, not 0, var output) ? output : null);
    }
}
