using WolfScale.Cluster;
using WolfScale.Cluster.History;
using WolfScale.Consensus;

namespace WolfScale.Unit.Cluster;

/// <summary>What a node tells of the cluster's life, and which reason it gives.</summary>
public class ClusterChronicleTests
{
    private static readonly NodeKey Self = new("node-2", 2);
    private static readonly NodeKey First = new("node-1", 1);
    private static readonly NodeKey Third = new("node-3", 3);
    private readonly Notes _notes = new();
    private string? _halted;

    [Fact]
    public void A_leader_that_hangs_up_is_the_reason_of_the_election()
    {
        var chronicle = Following();

        chronicle.Cause.HungUp(First);
        chronicle.OnRole(new(RaftRole.PreCandidate, 1, null, null));
        chronicle.OnRole(new(RaftRole.Candidate, 2, null, null));
        chronicle.OnRole(new(RaftRole.Leader, 2, Self, new TermLease(2)));

        Assert.Equal(["leader_lost", "elected"], _notes.Kinds);
        Assert.Contains("connection of the leader node-1 ended", _notes.Last, StringComparison.Ordinal);
        Assert.DoesNotContain("does not serve", _notes.Last, StringComparison.Ordinal);
    }

    [Fact]
    public void A_leader_that_is_silent_is_told_from_one_that_hung_up()
    {
        var chronicle = Following();

        chronicle.OnRole(new(RaftRole.PreCandidate, 1, null, null));
        chronicle.OnRole(new(RaftRole.Leader, 2, Self, null));

        Assert.Contains("nothing was heard of the leader node-1 for an election timeout", _notes.Last, StringComparison.Ordinal);
        Assert.Contains("It does not serve and hands over (its MariaDB is down)", _notes.Last, StringComparison.Ordinal);
    }

    [Fact]
    public void A_planned_switchover_is_no_loss_of_the_leader()
    {
        var chronicle = Following();

        chronicle.Cause.HandedOver(First);
        chronicle.OnRole(new(RaftRole.Candidate, 2, null, null));
        chronicle.Cause.HungUp(First); // it may stop right after
        chronicle.OnRole(new(RaftRole.Leader, 2, Self, new TermLease(2)));

        Assert.Equal(["elected"], _notes.Kinds);
        Assert.Contains("node-1 handed the lead over", _notes.Last, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bystander_does_not_claim_that_the_leader_was_silent()
    {
        var chronicle = Following();

        chronicle.OnRole(new(RaftRole.Follower, 2, null, null)); // another asked for votes
        chronicle.OnRole(new(RaftRole.Follower, 2, Third, null));

        Assert.Equal(["leader_lost", "leader_changed"], _notes.Kinds);
        Assert.Contains("a later term has begun", _notes.Last, StringComparison.Ordinal);
    }

    [Fact]
    public void A_leader_says_why_it_leads_no_more()
    {
        var chronicle = Make();
        chronicle.OnRole(new(RaftRole.Leader, 4, Self, new TermLease(4)));
        chronicle.OnRole(new(RaftRole.Follower, 4, null, null));
        Assert.Contains("a majority was not heard any more", _notes.Last, StringComparison.Ordinal);

        chronicle.OnRole(new(RaftRole.Leader, 5, Self, new TermLease(5)));
        _halted = "the disk has failed";
        chronicle.OnRole(new(RaftRole.Follower, 5, null, null));
        Assert.Equal("stepped_down", _notes.Kinds[^1]);
        Assert.Contains("the disk has failed", _notes.Last, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_come_vote_move_lose_their_vote_and_go()
    {
        var chronicle = Make(Members(Voter(Self), Voter(First)));

        chronicle.OnConfiguration(Members(Voter(Self), Voter(First), Learner(Third)));
        chronicle.OnConfiguration(Members(Voter(Self), Voter(First), Voter(Third)));
        chronicle.OnConfiguration(Members(Voter(Self), Voter(First), Voter(Third) with { Address = "elsewhere:1" }));
        chronicle.OnConfiguration(Members(Voter(Self), Voter(First), Learner(Third) with { Address = "elsewhere:1" }));
        chronicle.OnConfiguration(Members(Voter(Self), Voter(First)));

        Assert.Equal(["node_joined", "node_votes", "node_moved", "node_lost_vote", "node_left"], _notes.Kinds);
    }

    [Fact]
    public void What_a_log_tells_of_times_before_this_node_was_in_is_no_news()
    {
        var chronicle = Make(Members(Voter(First)));

        chronicle.OnConfiguration(Members(Voter(First), Voter(Third)));
        Assert.Empty(_notes.Kinds);

        chronicle.OnConfiguration(Members(Voter(First), Voter(Third), Learner(Self)));
        Assert.Equal(["node_joined"], _notes.Kinds);
    }

    [Fact]
    public void A_node_is_dropped_once_and_returns_once()
    {
        var chronicle = Make();
        chronicle.OnView(View(NodeStatus.Active));
        chronicle.OnView(View(NodeStatus.Lagging));
        Assert.Empty(_notes.Kinds);

        chronicle.OnView(View(NodeStatus.Dropped));
        chronicle.OnView(View(NodeStatus.Dropped));
        chronicle.OnView(View(NodeStatus.Syncing));
        chronicle.OnView(View(NodeStatus.Active));
        chronicle.OnView(View(NodeStatus.NeedsMigration));

        Assert.Equal(["node_dropped", "node_returned", "node_needs_migration"], _notes.Kinds);
    }

    [Fact]
    public void A_failure_is_told_and_its_end()
    {
        var chronicle = Make();
        chronicle.OnView(View(NodeStatus.Active) with { Stopped = "the disk is full" });
        chronicle.OnView(View(NodeStatus.Active) with { Stopped = "the disk is full" });
        chronicle.OnView(View(NodeStatus.Active));
        Assert.Equal(["error", "error_over"], _notes.Kinds);
        Assert.Contains("the disk is full", _notes.Last, StringComparison.Ordinal);
    }

    private ClusterChronicle Following()
    {
        var chronicle = Make();
        chronicle.OnRole(new(RaftRole.Follower, 1, First, null));
        _notes.Kinds.Clear();
        return chronicle;
    }

    private ClusterChronicle Make(Configuration? configuration = null) => new(
        Self, new ClusterOptions { NodeId = Self.Id, DataDirectory = "", BindAddress = "" }, _notes,
        configuration ?? Members(Voter(Self), Voter(First), Voter(Third)), () => "its MariaDB is down", () => _halted);

    private static ClusterView View(NodeStatus status) => new()
    {
        ClusterName = "", SelfId = Self.Id, Nodes = [new NodeView { Id = First.Id, Status = status, LastHeardMs = 1, Reason = "it is so" }],
    };

    private static Configuration Members(params Member[] members) => new(Guid.Empty, "", ClusterMode.Consistent, new LogBase("", true), [.. members]);

    private static Member Voter(NodeKey key) => new(key, key.Id + ":7654", MemberRole.Voter, false, false);

    private static Member Learner(NodeKey key) => new(key, key.Id + ":7654", MemberRole.Learner, false, false);

    private sealed class Notes : IEventSink
    {
        public List<string> Kinds { get; } = [];

        public string Last { get; private set; } = "";

        public void Record(string kind, string message, params ReadOnlySpan<(string Name, object? Value)> details)
        {
            Kinds.Add(kind);
            Last = message;
        }

        public void RecordDiscarded(int transactions, string kind, string message, params ReadOnlySpan<(string Name, object? Value)> details) => Record(kind, message, details);
    }
}
