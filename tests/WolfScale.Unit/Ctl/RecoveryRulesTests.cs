using WolfScale.Client;
using WolfScale.Cluster.Recovery;
using WolfScale.Consensus;
using WolfScale.Ctl.Commands;

namespace WolfScale.Unit.Ctl;

/// <summary>When <c>wolfctl recover</c> refuses, by what the nodes that answer say.</summary>
public class RecoveryRulesTests
{
    [Fact]
    public void With_nobody_or_a_shorter_log_answering_it_may_be()
    {
        RecoveryRules.Check(Plan(5), []);
        RecoveryRules.Check(Plan(5), [Node("node-2", lastTerm: 7, lastLsn: 99)]);
        RecoveryRules.Check(Plan(5), [Node("node-2", lastTerm: 6, lastLsn: 1000)]);
        RecoveryRules.Check(Plan(5), [Node("node-2", lastTerm: 7, lastLsn: 100)]);
    }

    [Theory]
    [InlineData(8, 1, "holds more")] // a later term is the newer log, however short
    [InlineData(7, 101, "holds more")]
    public void Where_another_survivor_holds_more_it_is_refused(long term, long lsn, string why) =>
        Assert.Contains(why, Refusal(Plan(5), Node("node-2", term, lsn)), StringComparison.Ordinal);

    [Fact]
    public void Where_somebody_leads_it_is_refused() =>
        Assert.Contains("node-3 leads", Refusal(Plan(5), Node("node-2", 1, 1) with { Leader = "node-3" }), StringComparison.Ordinal);

    [Fact]
    public void Where_a_majority_lives_it_is_refused()
    {
        Assert.Contains("2 of 3 voters live", Refusal(Plan(3), Node("node-2", 1, 1)), StringComparison.Ordinal);
        RecoveryRules.Check(Plan(3), [Node("node-9", 1, 1)]); // no voter of this cluster
        RecoveryRules.Check(Plan(3), [Node("node-2", 1, 1) with { Failure = "its disk" }]);
    }

    private static string Refusal(RecoveryPlan plan, NodeReport node) => Assert.Throws<RefusedException>(() => RecoveryRules.Check(plan, [node])).Message;

    private static RecoveryPlan Plan(int members) => new(
        "node-1", Guid.Empty, "shop", [.. Enumerable.Range(1, members).Select(i => new Member(new NodeKey($"node-{i}", 1), $"host-{i}:7654", MemberRole.Voter, false, false))], LastLsn: 100, LastTerm: 7, NewTerm: 9);

    private static NodeReport Node(string id, long lastTerm, long lastLsn) => new()
    {
        Id = id, Mode = "consistent", Version = "0", StartedAt = DateTimeOffset.UnixEpoch, Pid = 1, LastTerm = lastTerm, LastLsn = lastLsn,
    };
}
