using WolfScale.Cluster;
using WolfScale.Server.Hosting;

namespace WolfScale.Unit.Server;

/// <summary>When a leader gives the lead back, and that it does not carry it to and fro.</summary>
public class FailbackRulesTests
{
    private static readonly TimeSpan Calm = FailbackRules.Calm;
    private readonly FailbackRules _rules = new();

    [Fact]
    public void The_lowest_id_gets_the_lead_once_it_has_been_ready_for_some_time()
    {
        var view = View("node-3", Node("node-1"), Node("node-2"), Node("node-3"));

        Assert.Null(_rules.Look(view, serves: true, TimeSpan.Zero));
        Assert.Null(_rules.Look(view, serves: true, Calm - TimeSpan.FromMilliseconds(1)));
        Assert.Equal("node-1", _rules.Look(view, serves: true, Calm));
    }

    [Fact]
    public void A_node_that_comes_and_goes_waits_anew_each_time()
    {
        var ready = View("node-2", Node("node-1"), Node("node-2"));
        var gone = View("node-2", Node("node-1") with { Status = NodeStatus.Lagging }, Node("node-2"));

        _ = _rules.Look(ready, serves: true, TimeSpan.Zero);
        _ = _rules.Look(gone, serves: true, Calm / 2);
        Assert.Null(_rules.Look(ready, serves: true, Calm));
        Assert.Null(_rules.Look(ready, serves: true, Calm + (Calm / 2)));
        Assert.Equal("node-1", _rules.Look(ready, serves: true, Calm * 2));
    }

    [Fact]
    public void After_an_attempt_the_next_one_waits()
    {
        var view = View("node-2", Node("node-1"), Node("node-2"));
        _ = _rules.Look(view, serves: true, TimeSpan.Zero);
        Assert.NotNull(_rules.Look(view, serves: true, Calm));

        Assert.Null(_rules.Look(view, serves: true, Calm + FailbackRules.Again - TimeSpan.FromMilliseconds(1)));
        Assert.Equal("node-1", _rules.Look(view, serves: true, Calm + FailbackRules.Again));
    }

    [Theory]
    [InlineData("node-2", true)] // the lowest of those that could
    [InlineData("node-1", true)] // leads itself
    [InlineData("node-3", false)] // leads, and does not serve yet
    public void Nobody_else_moves_it(string self, bool serves)
    {
        NodeView[] nodes =
        [
            Node("node-0") with { Fit = false }, Node("node-00") with { NeverLeader = true }, Node("node-01") with { Witness = true },
            Node("node-02") with { Voter = false }, Node("node-1") with { Fit = self != "node-2" }, Node("node-2"), Node("node-3"),
        ];
        var view = View(self, nodes);

        _ = _rules.Look(view, serves, TimeSpan.Zero);
        Assert.Null(_rules.Look(view, serves, Calm * 2));
    }

    [Fact]
    public void A_follower_gives_nothing()
    {
        var view = View("node-3", Node("node-1"), Node("node-2"), Node("node-3")) with { LeaderId = "node-2" };

        _ = _rules.Look(view, serves: false, TimeSpan.Zero);
        Assert.Null(_rules.Look(view, serves: false, Calm * 2));
    }

    private static ClusterView View(string leader, params NodeView[] nodes) =>
        new() { ClusterName = "test", ClusterId = Guid.NewGuid(), SelfId = leader, LeaderId = leader, Nodes = [.. nodes] };

    private static NodeView Node(string id) => new() { Id = id, Voter = true, Fit = true, Status = NodeStatus.Active, LastHeardMs = 10 };
}
