using WolfScale.Client;
using WolfScale.Cluster;
using WolfScale.Server.Hosting.Verifying;

namespace WolfScale.Unit.Server;

/// <summary>Whom the leader compares by itself, and when.</summary>
public class BackgroundVerifyTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(6);

    /// <summary>Before, it was passed over without a word, and the others counted as all.</summary>
    [Fact]
    public void A_node_that_is_not_there_is_named()
    {
        var (there, away) = BackgroundVerify.Followers(View(NodeStatus.Offline, "shut down"));

        Assert.Equal(["node-2"], there.Select(n => n.Id));
        Assert.Equal([new NotCompared("node-3", "It is OFFLINE (shut down); it is compared when it is ACTIVE again.")], away);
        Assert.Empty(BackgroundVerify.Followers(View(NodeStatus.Active)).Away);
    }

    [Fact]
    public void A_node_that_was_left_out_is_compared_soon_after_it_is_back()
    {
        var memory = new VerifyMemory(new MemoryState());
        memory.Note(new VerifyOutcome(Noon, 10, false, ["node-1", "node-2"], []) { Whole = true });

        Assert.False(IsDue(NodeStatus.Syncing, TimeSpan.FromHours(5)));
        Assert.False(IsDue(NodeStatus.Active, TimeSpan.FromMinutes(9))); // `wolfctl verify` may be asked again meanwhile
        Assert.True(IsDue(NodeStatus.Active, TimeSpan.FromMinutes(10)));
        Assert.True(IsDue(NodeStatus.Offline, Interval));

        memory.Note(new VerifyOutcome(Noon.AddMinutes(11), 20, true, ["node-1", "node-2", "node-3"], []) { Whole = true });
        Assert.False(IsDue(NodeStatus.Active, TimeSpan.FromHours(5)));

        bool IsDue(NodeStatus third, TimeSpan after) => BackgroundVerify.IsDue(View(third), memory, Interval, Noon + after);
    }

    private static ClusterView View(NodeStatus third, string reason = "") => new()
    {
        ClusterName = "c",
        SelfId = "node-1",
        Nodes =
        [
            new NodeView { Id = "node-1", Status = NodeStatus.Active, ApiAddress = "one:8080" },
            new NodeView { Id = "node-2", Status = NodeStatus.Active, ApiAddress = "two:8080" },
            new NodeView { Id = "node-3", Status = third, Reason = reason, ApiAddress = "three:8080" },
            new NodeView { Id = "node-4", Status = NodeStatus.Offline, Witness = true },
        ],
    };
}
