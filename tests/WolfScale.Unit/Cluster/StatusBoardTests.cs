using WolfScale.Cluster;
using WolfScale.Consensus;

namespace WolfScale.Unit.Cluster;

public class StatusBoardTests
{
    private static readonly NodeKey One = new("node-1", 1);
    private static readonly NodeKey Two = new("node-2", 2);
    private static readonly NodeKey Three = new("node-3", 3);
    private readonly ClusterOptions _options = new()
    {
        NodeId = "node-1", DataDirectory = "/", BindAddress = "127.0.0.1:0", HeartbeatIntervalMs = 500, DropAfterS = 30,
    };

    [Fact]
    public void A_node_that_speaks_is_what_it_says()
    {
        var board = new StatusBoard(_options);
        board.Record(Two, "b:1", Report(new LocalState { Status = NodeStatus.Active, AppliedLsn = 90, Fit = true }), 1000);
        var node = board.Build(Self(), 1400).Find("node-2")!;
        Assert.Equal(NodeStatus.Active, node.Status);
        Assert.Equal(10, node.LagEntries);
        Assert.Equal(400, node.LastHeardMs);
        Assert.True(node.Fit);
    }

    [Theory]
    [InlineData(1499, NodeStatus.Active, null)]
    [InlineData(1500, NodeStatus.Lagging, "not heard for 1500 ms, at least three heartbeats")]
    [InlineData(29_999, NodeStatus.Lagging, "not heard for 29 s, at least three heartbeats")]
    [InlineData(30_000, NodeStatus.Dropped, "not heard for 30 s")]
    public void Silence_makes_a_node_lagging_after_three_heartbeats_and_dropped_in_the_end(long silentMs, NodeStatus expected, string? why)
    {
        var board = new StatusBoard(_options);
        board.Record(Two, "b:1", Report(new LocalState { Status = NodeStatus.Active }), 1000);
        var node = board.Build(Self(), 1000 + silentMs).Find("node-2")!;
        Assert.Equal((expected, why), (node.Status, why is null ? null : node.Reason));
    }

    [Fact]
    public void A_node_never_heard_or_that_said_goodbye_is_offline()
    {
        var board = new StatusBoard(_options);
        board.Record(Two, "b:1", Report(new LocalState { Status = NodeStatus.Active }) with { Goodbye = true }, 1000);
        var view = board.Build(Self(), 1100);
        Assert.Equal(NodeStatus.Offline, view.Find("node-2")!.Status);
        Assert.Equal(NodeStatus.Offline, view.Find("node-3")!.Status);
        Assert.Null(view.Find("node-3")!.LastHeardMs);
    }

    /// <summary>It wins where nobody else has the log's end, and hands over (rule C3): to people it is what it is all the time.</summary>
    [Theory]
    [InlineData(RaftRole.Leader)]
    [InlineData(RaftRole.Candidate)]
    [InlineData(RaftRole.Follower)]
    public void A_witness_is_shown_as_one_whatever_it_does(RaftRole role)
    {
        var board = new StatusBoard(_options);
        board.Record(Two, "b:1", Report(new LocalState { Status = NodeStatus.Active }) with { Role = role }, 1000);
        var self = Self();
        var witness = self with
        {
            Leader = Two,
            Configuration = self.Configuration!.WithMembers([.. self.Configuration.Members.Select(m => m.Key == Two ? m with { Witness = true } : m)]),
        };
        Assert.Equal((NodeRole.Witness, NodeStatus.Active), board.Build(witness, 1100).Find("node-2") is { } node ? (node.Role, node.Status) : default);
    }

    [Fact]
    public void A_node_that_stopped_serving_is_offline_with_its_reason()
    {
        var board = new StatusBoard(_options);
        board.Record(Two, "b:1", Report(new LocalState { Status = NodeStatus.Active }) with { Stopped = "fdatasync failed" }, 1000);
        var node = board.Build(Self(), 1100).Find("node-2")!;
        Assert.Equal((NodeStatus.Offline, "fdatasync failed"), (node.Status, node.Reason));
    }

    [Fact]
    public void A_member_whose_entries_were_pruned_needs_migration_and_everybody_says_so()
    {
        var board = new StatusBoard(_options);
        board.Record(Two, "b:1", Report(new LocalState { Status = NodeStatus.Active }) with { Role = RaftRole.Leader, BehindRetention = [Three] }, 1000);
        board.Record(Three, "c:1", Report(new LocalState { Status = NodeStatus.Syncing }), 1000);
        Assert.Equal(NodeStatus.NeedsMigration, board.Build(Self(), 1100).Find("node-3")!.Status);
    }

    [Fact]
    public void A_node_outside_the_configuration_is_joining_and_a_learner_is_syncing()
    {
        var board = new StatusBoard(_options);
        board.Record(new NodeKey("node-4", 4), "d:1", Report(new LocalState { Status = NodeStatus.Active }), 1000);
        var configuration = Configuration(new Member(Two, "b:1", MemberRole.Learner));
        board.Record(Two, "b:1", Report(new LocalState { Status = NodeStatus.Active }), 1000);
        var view = board.Build(Self() with { Configuration = configuration, Reason = "no peer is reached" }, 1100);
        Assert.Equal((NodeStatus.Joining, "no peer is reached"), (view.Self.Status, view.Self.Reason));
        Assert.Equal(NodeStatus.Joining, view.Find("node-4")!.Status);
        Assert.Equal((NodeStatus.Syncing, NodeRole.Learner), (view.Find("node-2")!.Status, view.Find("node-2")!.Role));
    }

    /// <summary>It has left, say, and was stopped.</summary>
    [Fact]
    public void A_node_outside_the_configuration_that_said_goodbye_is_not_shown()
    {
        var board = new StatusBoard(_options);
        board.Record(new NodeKey("node-4", 4), "d:1", Report(new LocalState { Status = NodeStatus.Offline }) with { Goodbye = true }, 1000);
        Assert.Null(board.Build(Self(), 1100).Find("node-4"));
    }

    /// <summary>node-2 leads. A follower that never heard node-3 since it started shows it as the leader does, and not as offline.</summary>
    [Fact]
    public void Who_is_missing_the_leader_says()
    {
        var board = new StatusBoard(_options);
        board.Record(Two, "b:1", Report(new LocalState { Status = NodeStatus.Active }) with { Role = RaftRole.Leader }, 1000);
        board.Told(Two, new Sightings([new Sighting(Three, true, NodeStatus.Dropped, "not heard for 31 s")]), 1000);
        var self = Self() with { Leader = Two };
        Assert.Equal((NodeStatus.Dropped, "not heard for 31 s"), board.Build(self, 1100).Find("node-3") is { } node ? (node.Status, node.Reason) : default);

        // The leader's silence ends its say, and so does another leader.
        Assert.Equal(NodeStatus.Offline, board.Build(self, 2500).Find("node-3")!.Status);
        Assert.Equal(NodeStatus.Offline, board.Build(self with { Leader = One }, 1100).Find("node-3")!.Status);
        Assert.Equal(NodeStatus.Offline, board.Build(self with { Leader = null }, 1100).Find("node-3")!.Status);
    }

    [Fact]
    public void A_node_that_the_leader_hears_and_this_one_does_not_is_what_the_leader_says_and_the_other_way_round()
    {
        var board = new StatusBoard(_options);
        var self = Self() with { Leader = Two };
        board.Told(Two, new Sightings([new Sighting(Three, false, NodeStatus.Active, "")]), 1000);
        Assert.Equal(NodeStatus.Active, board.Build(self, 1100).Find("node-3")!.Status);

        board.Record(Three, "c:1", Report(new LocalState { Status = NodeStatus.Active }), 1200);
        board.Told(Two, new Sightings([new Sighting(Three, true, NodeStatus.Lagging, "not heard")]), 1200);
        Assert.Equal(NodeStatus.Lagging, board.Build(self, 1300).Find("node-3")!.Status);
    }

    /// <summary>What a node says itself reaches everybody at once, what the leader says of it with the next heartbeat.</summary>
    [Fact]
    public void Of_a_node_that_both_hear_its_own_words_count()
    {
        var board = new StatusBoard(_options);
        board.Told(Two, new Sightings([new Sighting(Three, false, NodeStatus.Active, "")]), 1000);
        board.Record(Three, "c:1", Report(new LocalState { Status = NodeStatus.Offline, Reason = "MariaDB is down" }), 1100);
        Assert.Equal(NodeStatus.Offline, board.Build(Self() with { Leader = Two }, 1200).Find("node-3")!.Status);
    }

    [Fact]
    public void A_leader_tells_whom_it_does_not_hear()
    {
        var board = new StatusBoard(_options);
        board.Record(Two, "b:1", Report(new LocalState { Status = NodeStatus.Active }), 1000);
        board.Record(Three, "c:1", Report(new LocalState { Status = NodeStatus.Active }), 9000);
        var self = Self();
        var frame = board.Sight(board.Build(self, 9100), self.Configuration!, One, 9100).Frame();
        var told = Sightings.Read(frame.AsSpan(5)).Members;
        Assert.Equal([(Two, true, NodeStatus.Lagging), (Three, false, NodeStatus.Active)], told.Select(t => (t.Key, t.IsAway, t.Status)));
    }

    private static SelfFacts Self() => new(One, "a:1", Report(new LocalState { Status = NodeStatus.Active, AppliedLsn = 100 }), One,
        Configuration(new Member(One, "a:1", MemberRole.Voter), new Member(Two, "b:1", MemberRole.Voter), new Member(Three, "c:1", MemberRole.Voter)),
        "test", "", false);

    private static NodeReport Report(LocalState local) => new(RaftRole.Follower, 3, 100, 100, local, "", false, []);

    private static Configuration Configuration(params Member[] members) =>
        new(Guid.NewGuid(), "test", ClusterMode.Consistent, new LogBase("", true), [.. members]);
}
