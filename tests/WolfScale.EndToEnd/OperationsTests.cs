using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Documentation;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>Every procedure of <c>docs/operations.md</c>, run as it stands there, on a cluster that is in that trouble; afterwards the cluster is healthy and its servers are identical.</summary>
public sealed partial class OperationsTests(OperationsTests.SmallSegments fixture) : ClusterTests<OperationsTests.SmallSegments>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly string[] Everyday = ["service-begin", "service-end", "upgrade-mariadb", "upgrade-wolfscale", "promote", "secret", "token"];
    private static readonly string[] Deaths = ["node-died", "mariadb-died", "came-back", "remove", "replace", "add"];
    private static readonly string[] Partings = ["leave", "leave-died", "detach"];
    private static readonly string[] Strayed = ["discarded", "migrate", "verify", "differs"];
    private static readonly string[] Disks = ["disk-full", "disk-room"];
    private static readonly string[] Recovery = ["recover-look", "recover"];

    [Fact]
    [Runs("operations.md")]
    public void Every_procedure_of_the_document_is_run_here()
    {
        Assert.Equal(OperationsManual.Blocks.Keys.Order(StringComparer.Ordinal), ((string[])[.. Everyday, .. Deaths, .. Partings, .. Strayed, .. Disks, .. Recovery]).Order(StringComparer.Ordinal));
        Assert.Equal(OperationsManual.Blocks.Count, Fences().Count(OperationsManual.Text) / 2); // no block that is not a procedure
    }

    [Fact]
    public void Every_situation_of_the_table_leads_to_commands()
    {
        var sections = OperationsManual.Text.Split("\n## ")[1..].ToDictionary(s => Slug(s[..s.IndexOf('\n', StringComparison.Ordinal)]), s => s, StringComparer.Ordinal);
        var rows = OperationsManual.Text.Split('\n').Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();
        Assert.True(rows.Count > 10, "the table was not found");
        foreach (var row in rows)
        {
            var links = Link().Matches(row).Select(m => m.Groups[1].Value).ToList();
            Assert.True(links.Count > 0, $"nothing to do is named: {row}");
            Assert.All(links, l => Assert.True(sections.TryGetValue(l, out var section) && section.Contains("\n```sh ", StringComparison.Ordinal), $"no commands at #{l}: {row}"));
        }
    }

    [Fact]
    public async Task Service_and_upgrades()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await LeadAsync(cluster, "node-1");
            _ = await manual.RunAsync("service-begin");
            var leader = await cluster.LeaderAsync(except: "node-1");
            await leader.Server.RunAsync("INSERT INTO demo.kept VALUES (2000)"); // the cluster goes on meanwhile
            _ = await manual.RunAsync("service-end");
            await cluster.AwaitHealthyAsync(Patience);

            foreach (var id in (string[])["upgrade-mariadb", "upgrade-wolfscale", "promote"])
            {
                await LeadAsync(cluster, "node-1");
                _ = await manual.RunAsync(id);
                await cluster.AwaitHealthyAsync(Patience);
            }

            Assert.Equal("node-2", (await cluster.LeaderAsync()).Id);
            Assert.Contains($"secret = {Toml.Read(cluster.ConfigurationFile("node-1"))["cluster.secret"]}", await manual.RunAsync("secret"), StringComparison.Ordinal);
            _ = await manual.RunAsync("token");
            await EndAsync(cluster, 1001);
        }

        await Fixture.AbandonAsync(); // its token is another now
    }

    [Fact]
    public async Task What_died_comes_back_or_is_replaced()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await LeadAsync(cluster, "node-1");
            await cluster.SignalAsync("node-1", Part.Node, Signal.Kill);
            _ = await cluster.LeaderAsync(except: "node-1");
            _ = await manual.RunAsync("node-died");
            await cluster.AwaitHealthyAsync(Patience);

            await LeadAsync(cluster, "node-1");
            await cluster.SignalAsync("node-1", Part.MariaDb, Signal.Kill);
            _ = await cluster.LeaderAsync(except: "node-1");
            _ = await manual.RunAsync("mariadb-died");
            await cluster.AwaitHealthyAsync(Patience);

            // The machine loses its power, the others forget it, and it comes back as its service manager brings it.
            await LeadAsync(cluster, "node-1");
            await cluster.SignalAsync("node-1", Part.Both, Signal.Kill);
            var leader = await cluster.LeaderAsync(except: "node-1");
            await Poll.UntilAsync("node-1 to be DROPPED", Patience, async () =>
                (await Cli.CommandLine.CtlAsync("list", "servers", "-e", leader.Api)).Output is var list && list.Contains("DROPPED", StringComparison.Ordinal) ? null : list, TimeSpan.FromSeconds(1));
            await leader.Server.RunAsync("INSERT INTO demo.kept VALUES (2000)");
            await cluster.StartNodeAsync("node-1");
            Assert.DoesNotContain("DROPPED", await manual.RunAsync("came-back"), StringComparison.Ordinal);
            await cluster.AwaitHealthyAsync(Patience);

            await LeadAsync(cluster, "node-1");
            await LoseAsync(cluster, "node-3");
            await Poll.UntilAsync("node-3 to count as dead", Patience, async () =>
                (await Cli.CommandLine.CtlAsync("remove", "node-3", "--dry-run", "-e", cluster.Facts.Node("node-1").Api, "-c", cluster.ConfigurationFile("node-1"))).ExitCode == 0 ? null : "it counts as alive", TimeSpan.FromSeconds(1));
            _ = await manual.RunAsync("remove");
            _ = await manual.RunAsync("replace");
            await cluster.AwaitHealthyAsync(Patience);
            _ = await manual.RunAsync("add");
            Assert.Equal(4, cluster.Facts.Nodes.Count);
            await EndAsync(cluster, 1001);
        }

        await Fixture.AbandonAsync();
    }

    [Fact]
    public async Task A_node_that_strayed_is_rewound_or_rebuilt()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await StrayAsync(cluster, "INSERT INTO demo.kept VALUES (7777)");
            await cluster.AwaitHealthyAsync(Patience);
            var discarded = await manual.RunAsync("discarded");
            Assert.Contains("rewound", discarded, StringComparison.Ordinal);
            Assert.Contains("7777", discarded, StringComparison.Ordinal);

            await StrayAsync(cluster, "CREATE TABLE demo.unheard (id INT)");
            await cluster.AwaitStatusAsync("node-1", "NEEDS_MIGRATION", Patience);
            _ = await manual.RunAsync("migrate");
            await EndAsync(cluster, 1002);
        }
    }

    [Fact]
    public async Task A_row_that_was_changed_behind_the_clusters_back_is_found_and_its_node_rebuilt()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await LeadAsync(cluster, "node-1");
            await cluster.Facts.Node("node-1").Server.RunAsync("CREATE OR REPLACE TABLE demo.changed (id INT PRIMARY KEY, v INT)", "INSERT INTO demo.changed SELECT seq, seq FROM demo.seq_1_to_1000");
            await cluster.Comparer.AwaitSamePositionAsync(Patience);
            Assert.Contains("identical", await manual.RunAsync("verify"), StringComparison.Ordinal);

            await cluster.Facts.Node("node-3").Server.RunAsync("SET sql_log_bin = 0", "UPDATE demo.changed SET v = -1 WHERE id = 500");
            var found = await manual.RunAsync("verify", exitCode: 5);
            Print(found);
            Assert.Contains("node-3", found, StringComparison.Ordinal);
            Assert.Contains("changed", found, StringComparison.Ordinal);
            Assert.Contains("identical", await manual.RunAsync("differs"), StringComparison.Ordinal);
            Assert.Equal("500", await cluster.Facts.Node("node-3").Server.ScalarAsync("SELECT v FROM demo.changed WHERE id = 500"));
            await EndAsync(cluster, 1000);
        }
    }

    /// <summary>The leader's log stands on a small disk of its own, which only its processes see, and which somebody fills.</summary>
    [Fact]
    public async Task A_disk_without_space_is_found_and_room_is_made()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "a disk of its own takes root");
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            var node = await PutLogOnSmallDiskAsync(cluster, "node-1");
            await LeadAsync(cluster, "node-1");
            await node.Server.RunAsync("CREATE OR REPLACE TABLE demo.fill (b VARBINARY(1000))");
            var (pid, log) = (cluster.Facts.Node("node-1").Pid!.Value, LogFolder(cluster, "node-1"));
            var filler = $"/proc/{pid}/root{log}/core.1234";
            await Poll.UntilAsync("its log to be full", Patience, async () =>
            {
                // Again and again: the segment that is written to has its space already.
                _ = await Command.RunAsync("dd", ["if=/dev/zero", $"of={filler}", "bs=64k", "oflag=append", "conv=notrunc"], Patience);
                var fill = node.Server.RunAsync("INSERT INTO demo.fill SELECT RANDOM_BYTES(1000) FROM demo.seq_1_to_400");
                _ = await Task.WhenAny(fill, Task.Delay(500)); // the one that finds no space hangs until the server is closed, and fails then
                return Lines.With(cluster.NodeLog("node-1"), "The log is full and the lead is given away") is null ? $"{fill.Status}" : null;
            }, TimeSpan.FromMilliseconds(10));
            _ = await cluster.LeaderAsync(except: "node-1", Patience);

            var look = await manual.RunAsync("disk-full", mountsOf: pid);
            Print(look);
            foreach (var said in (string[])["No space", "100%", "core.1234"])
                Assert.Contains(said, look, StringComparison.Ordinal);
            File.Delete(filler);
            var room = await manual.RunAsync("disk-room", mountsOf: pid);
            Assert.True(ActiveNode().Count(room) == 3, room);
            Assert.Equal(pid, cluster.Facts.Node("node-1").Pid);
            await EndAsync(cluster, 1000);
        }

        await Fixture.AbandonAsync(); // the small disk ends with the processes that see it
    }

    [Fact]
    public async Task A_node_goes_and_its_MariaDB_is_given_back()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await LeadAsync(cluster, "node-3");
            _ = await manual.RunAsync("leave");
            Assert.Contains("0\t0", await manual.RunAsync("detach"), StringComparison.Ordinal);
            await cluster.Facts.Node("node-3").Server.RunAsync("INSERT INTO demo.kept VALUES (5000)");
            await (await cluster.LeaderAsync(except: "node-3")).Server.RunAsync("INSERT INTO demo.kept VALUES (6000)");
        }

        await Fixture.AbandonAsync();
    }

    /// <summary>Of two nodes, so that neither leads without the other.</summary>
    [Fact]
    public async Task A_node_that_died_while_it_left_is_started_once_more_and_goes()
    {
        await using var cluster = await DemoCluster.StartAsync(2);
        using var manual = new OperationsManual(cluster);
        await DieLeavingAsync(cluster);
        Assert.Contains("has left the cluster", await manual.RunAsync("leave-died"), StringComparison.Ordinal);
        var leader = await cluster.LeaderAsync(except: "node-1", Patience);
        await leader.Server.RunAsync("INSERT INTO demo.kept VALUES (2000)");
        await Poll.UntilAsync("node-1 is off the list", Patience, async () =>
        {
            var members = await Cli.CommandLine.CtlAsync("list", "servers", "-e", leader.Api, "-c", cluster.ConfigurationFile(leader.Id));
            return members.Output.Contains("node-1", StringComparison.Ordinal) ? members.Output : null;
        });
    }

    [Fact]
    public async Task A_node_died_while_it_left_and_its_disks_are_gone_so_the_other_is_recovered()
    {
        await using var cluster = await DemoCluster.StartAsync(2);
        using var manual = new OperationsManual(cluster);
        await DieLeavingAsync(cluster);
        Purge(cluster, "node-1");
        Assert.Contains("Nothing was done", await manual.RunAsync("recover-look"), StringComparison.Ordinal);
        _ = await manual.RunAsync("recover");
        var leader = await cluster.LeaderAsync();
        Assert.Equal("node-2", leader.Id);
        await leader.Server.RunAsync("INSERT INTO demo.kept VALUES (2000)");
        await cluster.StartNodeAsync("node-1"); // a fresh machine
        await EndAsync(cluster, 1001);
    }

    [Fact]
    public async Task The_majority_is_gone_for_good()
    {
        var (cluster, manual) = await BeginAsync();
        using (manual)
        {
            await LoseAsync(cluster, "node-1");
            await LoseAsync(cluster, "node-3");
            Assert.Contains("Nothing was done", await manual.RunAsync("recover-look"), StringComparison.Ordinal);
            _ = await manual.RunAsync("recover");
            var leader = await cluster.LeaderAsync();
            Assert.Equal("node-2", leader.Id);
            await leader.Server.RunAsync("INSERT INTO demo.kept VALUES (2000)");
            _ = await manual.RunAsync("replace");
            await cluster.StartNodeAsync("node-1");
            await EndAsync(cluster, 1001);
        }

        await Fixture.AbandonAsync();
    }

    private async Task<(DemoCluster Cluster, OperationsManual Manual)> BeginAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.kept (id INT PRIMARY KEY)", "INSERT INTO demo.kept SELECT seq FROM demo.seq_1_to_1000");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        return (cluster, new OperationsManual(cluster));
    }

    private static async Task EndAsync(DemoCluster cluster, int rows)
    {
        await cluster.AwaitHealthyAsync(Patience);
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.kept", rows)], Patience);
    }

    private static async Task LeadAsync(DemoCluster cluster, string node)
    {
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync(within: Patience);
        if (leader.Id != node)
        {
            var promoted = await Cli.CommandLine.CtlAsync("promote", node, "--yes", "-e", leader.Api, "-c", cluster.ConfigurationFile(leader.Id));
            Assert.True(promoted.ExitCode == 0, promoted.Errors);
        }

        await Poll.UntilAsync($"{node} to lead", Patience, async () => await cluster.StatusAsync(node) is { Role: "LEADER", AcceptsWrites: true } ? null : "it does not");
    }

    /// <summary>
    /// node-1's machine dies in the middle of leaving: it has noted that it leaves, and node-2, which leads, has not heard of it, being frozen, and killed before it could. node-2 is back, and leads nobody.
    /// </summary>
    private static async Task DieLeavingAsync(DemoCluster cluster)
    {
        await LeadAsync(cluster, "node-2");
        var (leaving, leader) = (cluster.Facts.Node("node-1"), cluster.Facts.Node("node-2"));
        await leader.Server.RunAsync("CREATE TABLE demo.kept (id INT PRIMARY KEY)", "INSERT INTO demo.kept SELECT seq FROM demo.seq_1_to_1000");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        await cluster.SignalAsync("node-2", Part.Node, Signal.Stop);
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(leaving.Api), "/admin/leave")) { Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new("Bearer", cluster.Facts.Token);
        var answer = http.SendAsync(request);
        var state = Path.Combine(cluster.Directory, "node-1", "wolfscale", "state");
        await Poll.UntilAsync("node-1 to note that it leaves", Patience, async () =>
            answer.IsCompletedSuccessfully ? await (await answer).Content.ReadAsStringAsync()
            : Directory.GetFiles(state, "state.db*").Any(f => System.Text.Encoding.Latin1.GetString(ReadShared(f)).Contains("cluster.leftleaving", StringComparison.Ordinal)) ? null : "not yet");
        await cluster.SignalAsync("node-1", Part.Both, Signal.Kill);
        await cluster.SignalAsync("node-2", Part.Node, Signal.Kill);
        _ = await Assert.ThrowsAnyAsync<HttpRequestException>(() => answer);
        await cluster.StartNodeAsync("node-2", Part.Node);

        var refused = await Cli.CommandLine.CtlAsync("remove", "node-1", "--confirm", "demo", "-e", leader.Api, "-c", cluster.ConfigurationFile("node-2"));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("no leader", refused.Errors, StringComparison.Ordinal);

        static byte[] ReadShared(string file)
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            return bytes.ToArray();
        }
    }

    /// <summary>The machine and its disks are gone.</summary>
    private static async Task LoseAsync(DemoCluster cluster, string node)
    {
        await cluster.SignalAsync(node, Part.Both, Signal.Kill);
        Purge(cluster, node);
    }

    private static void Purge(DemoCluster cluster, string node)
    {
        foreach (var folder in (string[])["wolfscale", "mariadb"])
            Directory.Delete(Path.Combine(cluster.Directory, node, folder), recursive: true);
    }

    /// <summary>node-1 leads, is frozen, and its MariaDB commits what nobody acknowledged.</summary>
    private static async Task StrayAsync(DemoCluster cluster, string statement)
    {
        await LeadAsync(cluster, "node-1");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        var old = cluster.Facts.Node("node-1");
        await cluster.SignalAsync("node-1", Part.Node, Signal.Stop);
        await old.Server.RunAsync("SET GLOBAL rpl_semi_sync_master_enabled = OFF", statement);
        var leader = await cluster.LeaderAsync(except: "node-1");
        await leader.Server.RunAsync("INSERT INTO demo.kept SELECT 1 + MAX(id) FROM demo.kept");
        await cluster.SignalAsync("node-1", Part.Node, Signal.Continue);
        await Poll.UntilAsync("node-1 to follow", Patience, async () => await cluster.StatusAsync("node-1") is { Role: "FOLLOWER" } ? null : "it does not");
    }

    private static string LogFolder(DemoCluster cluster, string node) => Path.Combine(cluster.Directory, node, "wolfscale", "wal");

    /// <summary>Restarts a node with its log on a file system of 24 MiB, mounted where its own processes alone see it.</summary>
    private static async Task<DemoNode> PutLogOnSmallDiskAsync(DemoCluster cluster, string node)
    {
        await cluster.RefreshAsync();
        var pid = cluster.Facts.Node(node).Pid!.Value;
        await cluster.SignalAsync(node, Part.Node, Signal.Terminate);
        await Processes.AwaitEndAsync(pid, node);
        var (program, prefix) = Command.WolfScaleProgram();
        var started = await Command.RunAsync(
            "unshare",
            [
                "--mount", "bash", "-ec", "cp -a \"$0\" \"$0.before\"; mount -t tmpfs -o size=24m wolfscale \"$0\"; cp -a \"$0.before/.\" \"$0\"; exec \"$@\"", LogFolder(cluster, node),
                program, .. prefix, "demo", "start", node, "--dir", cluster.Directory, "--what", "node",
            ],
            Patience);
        Assert.True(started.ExitCode == 0, started.ToString());
        await cluster.RefreshAsync();
        await cluster.AwaitHealthyAsync(Patience);
        return cluster.Facts.Node(node);
    }

    /// <summary>A line of <c>wolfctl list servers</c>.</summary>
    [GeneratedRegex(@"^[* ]?\s*node-\d\s.*\bACTIVE\b", RegexOptions.Multiline)]
    private static partial Regex ActiveNode();

    /// <summary>As GitHub makes anchors of headings.</summary>
    private static string Slug(string heading) => NotInAnchors().Replace(heading.ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex("^```", RegexOptions.Multiline)]
    private static partial Regex Fences();

    [GeneratedRegex(@"\]\(#([^)]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("[^a-z0-9 _-]")]
    private static partial Regex NotInAnchors();

    public sealed class SmallSegments : ClusterFixture
    {
        protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["wal.segment_size_mb=1"]);
    }
}
