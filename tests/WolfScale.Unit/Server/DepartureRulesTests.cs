using WolfScale.Client;
using WolfScale.Cluster;
using WolfScale.Consensus;
using WolfScale.Server.Hosting;
using WolfScale.Server.Hosting.Membership;

namespace WolfScale.Unit.Server;

/// <summary>Who may go, and who may be asked to lead: small tables of clusters.</summary>
public class DepartureRulesTests
{
    private const long AliveMs = 3000;

    [Fact]
    public void A_dead_node_may_be_removed_and_the_answer_says_what_is_left()
    {
        var outcome = Rules(View("node-1", Node("node-1"), Node("node-2", heardMs: 60_000), Node("node-3"))).Remove("node-2", force: false);

        Assert.Equal(new DepartureDocument(false, "node-2", 2, 0), outcome.Document);
    }

    [Fact]
    public void A_node_that_was_never_heard_of_counts_as_dead() =>
        Assert.NotNull(Rules(View("node-1", Node("node-1"), Node("node-2", heardMs: null), Node("node-3"))).Remove("node-2", force: false).Document);

    [Theory]
    [InlineData("node-9", "not_found")]
    [InlineData("node-1", "is_leader")]
    [InlineData("node-2", "node_alive")]
    public void What_may_not_be_removed_says_why(string node, string code) =>
        Assert.Equal(code, Rules(View("node-1", Node("node-1"), Node("node-2"), Node("node-3"))).Remove(node, force: false).Code);

    [Fact]
    public void A_living_node_goes_when_it_is_forced() =>
        Assert.NotNull(Rules(View("node-1", Node("node-1"), Node("node-2"), Node("node-3"))).Remove("node-2", force: true).Document);

    /// <summary>Of two remaining voters one is dead: the entry that says so could not be committed, and nothing after it.</summary>
    [Fact]
    public void Not_even_force_removes_the_vote_that_the_majority_stands_on()
    {
        var view = View("node-1", Node("node-1"), Node("node-2", heardMs: 60_000), Node("node-3"));

        var outcome = Rules(view).Remove("node-3", force: true);

        Assert.Equal("no_majority", outcome.Code);
        Assert.Contains("Bring node-2 back", outcome.Reason, StringComparison.Ordinal);
        Assert.Equal("no_majority", Rules(view with { SelfId = "node-3" }).Leave().Code);
    }

    [Fact]
    public void A_learner_may_go_whoever_else_is_dead() =>
        Assert.NotNull(Rules(View("node-1", Node("node-1"), Node("node-2", heardMs: 60_000), Node("node-3"), Node("node-4") with { Voter = false })).Remove("node-4", force: true).Document);

    [Fact]
    public void The_last_voter_stays()
    {
        var rules = Rules(View("node-1", Node("node-1"), Node("node-2") with { Voter = false }));

        Assert.Equal("last_voter", rules.Remove("node-1", force: true).Code);
        Assert.Equal("last_voter", rules.Leave().Code);
    }

    [Fact]
    public void Only_the_leader_removes_and_without_one_nobody_leaves()
    {
        var view = View("node-1", Node("node-1"), Node("node-2"), Node("node-3"));

        Assert.Equal("not_leader", new DepartureRules(view with { SelfId = "node-2" }, AliveMs).Remove("node-3", force: true).Code);
        Assert.Equal("no_leader", new DepartureRules(view with { LeaderId = null }, AliveMs).Leave().Code);
    }

    [Fact]
    public void A_leader_leaves_only_when_somebody_else_can_lead()
    {
        NodeView[] others = [Node("node-2") with { Fit = false }, Node("node-3") with { NeverLeader = true }, Node("node-4") with { Witness = true, Fit = true }];

        Assert.Equal("nobody_can_lead", Rules(View("node-1", [Node("node-1"), .. others])).Leave().Code);
        Assert.NotNull(Rules(View("node-1", [Node("node-1"), .. others, Node("node-5")])).Leave().Document);
    }

    /// <summary>Mode "available": the leader commits alone, so no majority is asked for, and all nodes but one may be lost.</summary>
    [Fact]
    public void In_mode_available_no_majority_is_needed()
    {
        var view = View("node-1", Node("node-1"), Node("node-2", heardMs: 60_000), Node("node-3")) with { Mode = ClusterMode.Available };

        Assert.Equal(new DepartureDocument(false, "node-3", 2, 1), Rules(view).Remove("node-3", force: true).Document);
        Assert.NotNull(Rules(view with { SelfId = "node-3" }).Leave().Document);
        Assert.Equal("nobody_can_lead", Rules(View("node-1", Node("node-1"), Node("node-2", heardMs: 60_000)) with { Mode = ClusterMode.Available }).Leave().Code);
        Assert.Equal("last_voter", Rules(View("node-1", Node("node-1")) with { Mode = ClusterMode.Available }).Leave().Code);
        Assert.Equal("node_alive", Rules(view).Remove("node-3", force: false).Code);
    }

    /// <summary>Mode "available": a silent node may lead the other side, and what it acknowledges after it was taken out would be lost without a word.</summary>
    [Fact]
    public void In_mode_available_a_silent_node_that_could_lead_goes_only_by_force()
    {
        NodeView[] others = [Node("node-2", heardMs: 60_000), Node("node-3", heardMs: null) with { Witness = true }, Node("node-4", heardMs: null) with { NeverLeader = true }, Node("node-5", heardMs: null) with { Voter = false }];
        var rules = Rules(View("node-1", [Node("node-1"), .. others]) with { Mode = ClusterMode.Available });

        var refused = rules.Remove("node-2", force: false);
        Assert.Equal("node_silent", refused.Code);
        Assert.Contains("off for good; --force", refused.Reason, StringComparison.Ordinal);
        Assert.NotNull(rules.Remove("node-2", force: true).Document);
        foreach (var node in others[1..])
            Assert.NotNull(rules.Remove(node.Id, force: false).Document);
    }

    [Fact]
    public void Who_is_in_no_cluster_has_nothing_to_leave()
    {
        var view = View("node-1", Node("node-1"), Node("node-2"), Node("node-3"));

        Assert.Equal("not_a_member", Rules(view with { ClusterId = Guid.Empty }).Leave().Code);
        Assert.Equal("not_a_member", Rules(view with { Stopped = "this node has left" }).Leave().Code);
    }

    [Fact]
    public void Nobody_is_asked_to_lead_who_could_not()
    {
        var view = View(
            "node-1", Node("node-1"), Node("node-2"), Node("node-3") with { Witness = true }, Node("node-4") with { NeverLeader = true }, Node("node-5") with { Voter = false },
            Node("node-6") with { Status = NodeStatus.Lagging }, Node("node-7") with { Fit = false, LagEntries = 5000 });

        Assert.Null(SwitchoverRules.Refuse(view, "node-1"));
        Assert.Null(SwitchoverRules.Refuse(view, "node-2"));
        Assert.Contains("witness", SwitchoverRules.Refuse(view, "node-3"), StringComparison.Ordinal);
        Assert.Contains("never_leader", SwitchoverRules.Refuse(view, "node-4"), StringComparison.Ordinal);
        Assert.Contains("wolfctl reload", SwitchoverRules.Refuse(view, "node-4"), StringComparison.Ordinal); // the key is live
        Assert.Contains("no vote", SwitchoverRules.Refuse(view, "node-5"), StringComparison.Ordinal);
        Assert.Contains("LAGGING", SwitchoverRules.Refuse(view, "node-6"), StringComparison.Ordinal);
        Assert.Contains("5000 entries behind", SwitchoverRules.Refuse(view, "node-7"), StringComparison.Ordinal);
        Assert.Contains("not a member", SwitchoverRules.Refuse(view, "node-9"), StringComparison.Ordinal);
    }

    private static DepartureRules Rules(ClusterView view) => new(view, AliveMs);

    /// <summary>A cluster that the first node leads and looks at.</summary>
    private static ClusterView View(string leader, params NodeView[] nodes) =>
        new() { ClusterName = "test", ClusterId = Guid.NewGuid(), SelfId = leader, LeaderId = leader, Nodes = [.. nodes] };

    private static NodeView Node(string id, long? heardMs = 100) => new() { Id = id, Voter = true, Fit = true, Status = NodeStatus.Active, LastHeardMs = heardMs };
}
