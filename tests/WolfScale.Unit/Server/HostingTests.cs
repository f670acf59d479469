using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Client;
using WolfScale.Cluster;
using WolfScale.Cluster.State;
using WolfScale.Consensus;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Plans;
using WolfScale.Server.Cli;
using WolfScale.Server.Hosting;
using WolfScale.Settings;
using WolfScale.Wal;

namespace WolfScale.Unit.Server;

/// <summary>What the host adds between the parts; the node is a real one, alone on loopback.</summary>
public class HostingTests
{
    private static readonly NodeConfiguration Configuration = new()
    {
        Node = new NodeSection { Id = "node-1", BindAddress = "0.0.0.0:7654", AdvertiseAddress = "10.0.0.1:7654" },
        Api = new ApiSection { BindAddress = "0.0.0.0:8080" },
    };

    [Fact]
    public async Task A_leaders_batch_gets_its_lsn_and_its_commit_is_announced()
    {
        await using var node = await LoneNode.StartAsync();
        var log = new LeaderLog(node.Node, new ReplicatedLog(node.Node), await node.LeaseAsync());
        var commits = Channel.CreateUnbounded<long>();
        using var subscription = log.SubscribeCommit(lsn => commits.Writer.TryWrite(lsn));

        var last = log.Propose(Batch(3));

        Assert.Equal(node.Node.Wal.Last.Lsn, last);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (await commits.Reader.ReadAsync(limit.Token) < last)
        {
            // Of what the term began with.
        }

        Assert.Equal(last, log.Log.FindGroup(new EntryKey(0, 1, 3)));
    }

    [Fact]
    public async Task Nothing_is_accepted_for_a_term_that_is_over()
    {
        await using var node = await LoneNode.StartAsync();
        var lease = await node.LeaseAsync();
        var log = new LeaderLog(node.Node, new ReplicatedLog(node.Node), lease);

        await node.DisposeAsync(); // the node stops: its lease ends
        await node.EndOf(lease);

        Assert.Null(log.Propose(Batch(1)));
    }

    [Fact]
    public async Task Nothing_is_announced_to_a_lease_that_has_ended()
    {
        await using var node = await LoneNode.StartAsync();
        var lease = await node.LeaseAsync();
        var over = new TermLease(lease.Term);
        over.End();
        var announced = false;
        using var late = new LeaderLog(node.Node, new ReplicatedLog(node.Node), over).SubscribeCommit(_ => announced = true);
        var log = new LeaderLog(node.Node, new ReplicatedLog(node.Node), lease);
        var commits = Channel.CreateUnbounded<long>();
        using var subscription = log.SubscribeCommit(lsn => commits.Writer.TryWrite(lsn)); // hears each commit after the other one

        var last = log.Propose(Batch(1));

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (await commits.Reader.ReadAsync(limit.Token) < last)
        {
            // Of what the term began with.
        }

        Assert.False(announced);
    }

    [Fact]
    public async Task A_leaders_own_log_is_never_settled_for_it()
    {
        await using var node = await LoneNode.StartAsync();
        _ = await node.LeaseAsync();

        // Rule: only another leader's committed entry proves that what is missing here was never committed.
        Assert.False(new ReplicatedLog(node.Node).IsSettled);
    }

    [Fact]
    public async Task The_base_of_the_cluster_comes_from_its_first_entry()
    {
        await using var node = await LoneNode.StartAsync(new LogBase("0-1-77", false));

        var log = new ReplicatedLog(node.Node);

        Assert.Equal(("0-1-77", false), (log.BaseGtidPosition, log.BaseServerWasEmpty));
    }

    [Fact]
    public void What_the_server_does_is_what_the_node_tells_the_others()
    {
        var following = new DatabaseState { Phase = DatabasePhase.Following, Up = true, Fit = true, AppliedLsn = 9, Position = "0-1-9", Version = "10.11", ServerId = 4 };

        var state = LocalFacts.Of(following, Configuration, maintenance: false);

        Assert.Equal((NodeStatus.Active, true, 9, "0-1-9", 4u), (state.Status, state.Fit, state.AppliedLsn, state.AppliedGtid, state.DatabaseServerId));
        Assert.Equal("10.0.0.1:8080", state.ApiAddress); // a wildcard is told under the host that others reach
        Assert.Equal(NodeStatus.NeedsMigration, LocalFacts.Of(following with { Phase = DatabasePhase.NeedsMigration }, Configuration, maintenance: false).Status);
        Assert.Equal(NodeStatus.Offline, LocalFacts.Of(following with { Phase = DatabasePhase.Down }, Configuration, maintenance: false).Status);
        Assert.Equal((NodeStatus.Active, false), (LocalFacts.Witness(Configuration).Status, LocalFacts.Witness(Configuration).Fit));
    }

    /// <summary>Unfit, it stands last in elections and hands over what it wins; it serves reads as before.</summary>
    [Fact]
    public void In_maintenance_a_node_is_well_and_not_fit_to_lead()
    {
        var following = new DatabaseState { Phase = DatabasePhase.Following, Up = true, Fit = true };

        var state = LocalFacts.Of(following, Configuration, maintenance: true);

        Assert.Equal((NodeStatus.Active, false, LocalFacts.MaintenanceReason), (state.Status, state.Fit, state.Reason));
        Assert.Equal("no space", LocalFacts.Of(following with { Reason = "no space" }, Configuration, maintenance: true).Reason);
    }

    [Fact]
    public void The_others_hear_when_a_server_takes_writes()
    {
        var serving = new DatabaseState { Phase = DatabasePhase.Serving, Up = true, Fit = true, Alarms = ["little disk space"] };

        Assert.True(LocalFacts.IsServing(new NodeView { Id = "node-1", DatabaseHealth = LocalFacts.Of(serving, Configuration, maintenance: false).DatabaseHealth }));
        Assert.False(LocalFacts.IsServing(new NodeView { Id = "node-1", DatabaseHealth = LocalFacts.Of(serving with { Phase = DatabasePhase.Promoting }, Configuration, maintenance: false).DatabaseHealth }));
    }

    [Fact]
    public void The_report_counts_lag_from_the_log_and_names_what_weakens_the_promise()
    {
        var view = new ClusterView
        {
            ClusterName = "c",
            SelfId = "node-1",
            ClusterId = Guid.Parse("00000000-0000-0000-0000-000000000001"),
            LeaderId = "node-1",
            Nodes = [new NodeView { Id = "node-1", Role = NodeRole.Leader, Status = NodeStatus.Active }, new NodeView { Id = "node-2", Role = NodeRole.Witness, Witness = true }],
        };
        var weak = Configuration with { Wal = new WalSection { Fsync = false } };

        var report = ReportBuilder.Build(weak, view, new LogEnds(50, 48), new DatabaseState { Phase = DatabasePhase.Serving, AppliedLsn = 41 }, 1.5, new ProcessFacts("1", default, 7));

        Assert.Equal((50, 48, 41, 7, true), (report.LastLsn, report.CommitLsn, report.AppliedLsn, report.LagEntries, report.AcceptsWrites));
        Assert.Equal(["fsync_off"], report.Warnings);
        Assert.Equal((50, 41), (report.Nodes[0].LastLsn, report.Nodes[0].AppliedLsn));
        Assert.Null(report.Nodes[1].AppliedLsn); // a witness applies nothing
    }

    [Fact]
    public void A_leader_that_still_promotes_does_not_accept_writes()
    {
        var view = new ClusterView { ClusterName = "", SelfId = "node-1", Nodes = [new NodeView { Id = "node-1", Role = NodeRole.Leader }] };

        Assert.False(ReportBuilder.Build(Configuration, view, default, new DatabaseState { Phase = DatabasePhase.Promoting }, 0, new ProcessFacts("1", default, 7)).AcceptsWrites);
    }

    [Fact]
    public void The_lag_is_timed_from_when_it_began()
    {
        var time = new FakeTimeProvider();
        var clock = new LagClock(time);

        Assert.Equal(0, clock.Note(behind: true));
        time.Advance(TimeSpan.FromSeconds(2.5));
        Assert.Equal(2.5, clock.Note(behind: true));
        Assert.Equal(0, clock.Note(behind: false));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, clock.Note(behind: true));
    }

    [Fact]
    public async Task A_plan_is_in_the_nodes_own_state_until_it_is_done()
    {
        var state = new MemoryState();
        var store = new StatePlanStore(state);

        await store.SaveAsync(new PlanRecord("rewind", "undo", "{\"to\":\"0-1-5\"}"), CancellationToken.None);
        Assert.Equal(new PlanRecord("rewind", "undo", "{\"to\":\"0-1-5\"}"), await new StatePlanStore(state).LoadAsync("rewind", CancellationToken.None));

        await store.ClearAsync("rewind", CancellationToken.None);
        Assert.Null(await store.LoadAsync("rewind", CancellationToken.None));
        Assert.Empty(state.List(""));
    }

    [Fact]
    public void A_member_that_was_named_once_is_remembered()
    {
        using var folder = new TempFolder("host");
        var configuration = Configuration with { Node = Configuration.Node with { DataDir = folder.Path } };

        RememberedPeers.Add(configuration, "10.0.0.2:7654");
        RememberedPeers.Add(configuration, "10.0.0.3:7654");
        RememberedPeers.Add(configuration, "10.0.0.2:7654");

        Assert.Equal(["10.0.0.2:7654", "10.0.0.3:7654"], RememberedPeers.Read(configuration));
        Assert.Equal(["10.0.0.2:7654"], NodeOptions.Cluster(configuration, new ClusterEntry(false, false, ["10.0.0.1:7654", "10.0.0.2:7654"])).Peers); // not itself
    }

    [Fact]
    public void A_units_last_user_counts() =>
        Assert.Equal("wolfscale", ServiceUser.UserOf(["[Service]", "User=root", " User=wolfscale "]));

    private static SealedBatch Batch(int groups)
    {
        var builder = new WalBatchBuilder();
        for (var i = 1; i <= groups; i++)
            Assert.True(builder.TryAdd(EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 1, (ulong)i), "event group"u8));
        return builder.Seal();
    }

    private sealed class LoneNode(ClusterNode node, TempFolder folder) : IAsyncDisposable
    {
        private bool _disposed;

        public ClusterNode Node => node;

        public static async Task<LoneNode> StartAsync(LogBase? @base = null)
        {
            var folder = new TempFolder("host");
            var options = new ClusterOptions { NodeId = "node-1", DataDirectory = folder.Path, BindAddress = "127.0.0.1:0", Bootstrap = true, BootstrapBase = _ => Task.FromResult(@base ?? new LogBase("", true)) };
            return new LoneNode(await ClusterNode.StartAsync(options, NullLoggerFactory.Instance, TimeProvider.System), folder);
        }

        /// <summary>Reports the server fit and waits for the right to serve.</summary>
        public async Task<TermLease> LeaseAsync()
        {
            var given = new TaskCompletionSource<TermLease>(TaskCreationOptions.RunContinuationsAsynchronously);
            node.RoleChanged += change => _ = change.Lease is { } lease && given.TrySetResult(lease);
            node.SetLocalState(new LocalState { Fit = true, Status = NodeStatus.Active });
            if (node.Role.Lease is { } already)
                _ = given.TrySetResult(already);
            return await given.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }

        public async Task EndOf(TermLease lease)
        {
            var ended = new TaskCompletionSource();
            using var registration = lease.Ended.Register(ended.SetResult);
            await ended.Task.WaitAsync(TimeSpan.FromSeconds(10));
        }

        public async ValueTask DisposeAsync()
        {
            if (_disposed)
                return;
            _disposed = true;
            await node.DisposeAsync();
            folder.Dispose();
        }
    }
}
