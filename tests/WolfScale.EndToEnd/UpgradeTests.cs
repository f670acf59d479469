using System.Globalization;
using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;
using WolfScale.EndToEnd.Workloads.Proxied;

namespace WolfScale.EndToEnd;

/// <summary>
/// From the previous version to this one, node by node, under load: clients that write straight into the servers and note what they were told, and busy
/// sessions through all proxies.
/// </summary>
public class UpgradeTests(PreviousVersion previous) : IClassFixture<PreviousVersion>
{
    private const int Sessions = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>How long two versions run side by side before the next step.</summary>
    private static readonly TimeSpan Mixed = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Three_nodes_are_upgraded_one_by_one_and_no_client_of_another_node_hears_of_it()
    {
        var load = await StartAsync();
        await using var cluster = load.Cluster;
        await using (load)
        {
            var old = await cluster.LeaderAsync();
            var followers = cluster.Facts.Nodes.Where(n => n.Id != old.Id).Select(n => n.Id).ToList();

            // An old leader with a new follower; then the new one leads the old ones, and back.
            await load.RestartAsync(followers[0], Repository.WolfScale);
            await load.RunAsync(Mixed);
            await load.PromoteAsync(followers[0]);
            await load.RunAsync(Mixed);
            await load.PromoteAsync(old.Id);

            // The way back: on the files that the new program has written.
            await load.RestartAsync(followers[0], await previous.ProgramAsync());
            await load.RunAsync(Mixed);

            // And now all of them, the leader last: it hands over when it is stopped.
            foreach (var node in (string[])[.. followers, old.Id])
                await load.RestartAsync(node, Repository.WolfScale);
            Assert.NotEqual(old.Id, (await cluster.LeaderAsync()).Id);
            await load.RunAsync(Mixed);
            await load.EndAsync();
        }
    }

    [Fact]
    public async Task A_new_node_joins_an_old_cluster_and_takes_the_lead()
    {
        var load = await StartAsync();
        await using var cluster = load.Cluster;
        await using (load)
        {
            cluster.Program = Repository.WolfScale;
            var joined = await cluster.AddNodeAsync();
            Assert.False(previous.Runs(cluster.Facts.Node(joined).Pid));
            await load.RunAsync(Mixed);
            await load.PromoteAsync(joined);
            await load.RunAsync(Mixed);
            await load.EndAsync();
        }
    }

    private async Task<UpgradedCluster> StartAsync()
    {
        Assert.SkipUnless(Long.Form, "builds the previous version, and takes some minutes: runs with --long");
        var cluster = await DemoCluster.StartAsync(await previous.ProgramAsync(), 3);
        try
        {
            await cluster.AwaitHealthyAsync(Patience);
            await cluster.RefreshAsync();
            Assert.All(cluster.Facts.Nodes, n => Assert.True(previous.Runs(n.Pid), $"{n.Id} does not run the previous version"));
            TestContext.Current.TestOutputHelper!.WriteLine($"the previous version is {previous.Revision}");
            return await UpgradedCluster.BeginAsync(cluster, previous);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A cluster whose nodes change their programs, and its load.</summary>
    private sealed class UpgradedCluster(DemoCluster cluster, PreviousVersion previous, AckedWriter writer, BusySessions busy) : IAsyncDisposable
    {
        private readonly IReadOnlyList<string> _written = [.. cluster.Servers.Select(s => s.Name)];

        public DemoCluster Cluster => cluster;

        public static async Task<UpgradedCluster> BeginAsync(DemoCluster cluster, PreviousVersion previous)
        {
            var leader = await cluster.LeaderAsync();
            await AckedWriter.CreateTablesAsync(leader.Server, cluster.Facts.Database);
            await BusySessions.CreateTableAsync(leader.Server, cluster.Facts.Database);
            await cluster.AwaitHealthyAsync();
            var writer = AckedWriter.Start(cluster.Servers, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database) { SessionsPerServer = 1 });
            var load = new UpgradedCluster(cluster, previous, writer, BusySessions.Start(cluster, Sessions));
            await load.RunAsync(TimeSpan.Zero);
            return load;
        }

        /// <summary>Stops a node as its service would, and starts it with another program on the same files; it is ACTIVE when this returns.</summary>
        public async Task RestartAsync(string node, string program)
        {
            var begun = busy.Now;
            var wasLeader = (await cluster.LeaderAsync()).Id == node;
            var pid = (await cluster.RefreshAsync()).Node(node).Pid!.Value;
            await cluster.SignalAsync(node, Part.Node, Signal.Terminate);
            await Processes.AwaitEndAsync(pid, node);
            await busy.AwaitWorkAsync(busy.Now, Patience, except: node);
            cluster.Program = program;
            await cluster.StartNodeAsync(node, Part.Node);
            await cluster.AwaitHealthyAsync(Patience);
            await busy.AwaitWorkAsync(busy.Now, Patience);

            Assert.Equal(program != Repository.WolfScale, previous.Runs(cluster.Facts.Node(node).Pid));
            Print($"{node}{(wasLeader ? ", the leader," : "")} restarted with {(program == Repository.WolfScale ? "this version" : "the previous version")}", begun);
            AssertNoErrors(begun, except: node);
        }

        public async Task PromoteAsync(string node)
        {
            var begun = busy.Now;
            var promoted = await CommandLine.CtlAsync("promote", node, "-c", cluster.ConfigurationFile(node), "--yes");
            Assert.True(promoted.ExitCode == 0, promoted.Errors);
            Assert.Equal(node, (await cluster.LeaderAsync()).Id);
            await cluster.AwaitHealthyAsync(Patience);
            await busy.AwaitWorkAsync(busy.Now, Patience);
            Print($"{node} promoted", begun);
            AssertNoErrors(begun);
        }

        /// <summary>Nobody loses the lead or falls behind while the two versions run together.</summary>
        public async Task RunAsync(TimeSpan during)
        {
            await cluster.AwaitHealthyAsync(Patience);
            var (begun, leader) = (busy.Now, await cluster.LeaderAsync());
            await Poll.NeverAsync($"{leader.Id} goes on leading", during, async () =>
                await cluster.StatusAsync(leader.Id) is null or { Role: "LEADER", AcceptsWrites: true } ? null : "it does not lead");
            await busy.AwaitWorkAsync(busy.Now, Patience);
            if (_written.Contains(leader.Id)) // not where a node leads that has joined since
                _ = await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);
            await cluster.AwaitHealthyAsync(Patience);
            AssertNoErrors(begun);
        }

        /// <summary>What was told is true, on every server.</summary>
        public async Task EndAsync()
        {
            await busy.StopAsync();
            await writer.StopAsync();
            await cluster.AwaitHealthyAsync(Patience);
            var database = cluster.Facts.Database;
            await cluster.Comparer.AssertIdenticalAsync(
                [.. ((string[])[AckedWriter.Table, AckedWriter.KeylessTable, BusySessions.Table]).Select(t => new Comparing.ExpectedObject("table", $"{database}.{t}", 1))], Patience);
            foreach (var server in cluster.Servers)
            {
                var verdicts = (await AckedVerdict.ReadAsync(server, database, writer), await busy.JudgeAsync(server, database));
                TestContext.Current.TestOutputHelper!.WriteLine($"{server}: directly {verdicts.Item1}\n through proxies {verdicts.Item2}");
                verdicts.Item1.AssertRight();
                verdicts.Item2.AssertRight();
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (TestContext.Current.TestState?.Result == TestResult.Failed)
            {
                cluster.Keep = true;
                TestContext.Current.TestOutputHelper?.WriteLine($"Logs are kept in {cluster.Directory}\n{cluster.LogTails()}");
            }

            await busy.DisposeAsync();
            await writer.DisposeAsync();
        }

        /// <summary>The clients of a node that is stopped lose their connections with it; nobody else may hear an error.</summary>
        private void AssertNoErrors(TimeSpan since, string? except = null)
        {
            var errors = busy.Statements.Where(s => s.Error is not null && s.Answered >= since && s.Node != except).ToList();
            Assert.True(errors.Count == 0, string.Join('\n', errors.Take(10)));
        }

        private void Print(string what, TimeSpan since) => TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}: no write was acknowledged through the proxies for {busy.LongestPause(since).TotalMilliseconds:0} ms; errors: {busy.Errors(since)}"));
    }
}
