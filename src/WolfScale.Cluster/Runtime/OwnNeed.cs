using System.Collections.Immutable;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Runtime;

/// <summary>
/// What a node needs of its own log, whatever others need. Pure.
/// <list type="bullet">
/// <item>What is not committed, and what its MariaDB has not applied.</item>
/// <item>A witness has no MariaDB.</item>
/// <item>A MariaDB that is NEEDS_MIGRATION gets a copy of a member's data, and goes on from where that stands: nothing before what all members that could be copied have applied. The log is given up
/// only where the data are safe without it: with a majority of the voters, or with all others that have a database (the rule of <see cref="Membership.LogStartKeeper"/>). Otherwise what it holds from before
/// the first entry on may be the only other way to the data, and it is kept, however long it gets.</item>
/// </list>
/// </summary>
/// <param name="FirstLsn">The first LSN that it needs.</param>
/// <param name="KeptFor">Members that do not hold the data whole, for which alone it keeps what its own server cannot use; empty: it does not.</param>
internal readonly record struct OwnNeed(long FirstLsn, ImmutableArray<string> KeptFor)
{
    /// <summary>What it needs.</summary>
    /// <param name="self">This node.</param>
    /// <param name="local">How its MariaDB is.</param>
    /// <param name="witness">It has none.</param>
    /// <param name="commitLsn">Up to where its log is committed.</param>
    /// <param name="members">All of them; empty where it is none itself.</param>
    /// <param name="heard">What a member has said of itself lately (cluster.drop_after_s); null for one that is silent.</param>
    public static OwnNeed Of(NodeKey self, LocalState local, bool witness, long commitLsn, ImmutableArray<Member> members, Func<NodeKey, LocalState?> heard)
    {
        if (witness)
            return new OwnNeed(1 + commitLsn, []);
        if (local.Status != NodeStatus.NeedsMigration)
            return new OwnNeed(1 + Math.Min(commitLsn, local.AppliedLsn), []);
        var voters = members.Count(m => m.IsVoter);
        var others = members.Where(m => m.IsVoter && !m.Witness && m.Key != self).ToList();
        var whole = others.Where(m => heard(m.Key) is { AppliedLsn: > 0, Status: not NodeStatus.NeedsMigration }).ToList();
        if (whole.Count == 0 || (whole.Count < others.Count && whole.Count <= voters / 2))
            return new OwnNeed(1 + Math.Min(commitLsn, local.AppliedLsn), [.. others.Except(whole).Select(m => m.Key.Id)]);
        return new OwnNeed(1 + Math.Min(commitLsn, whole.Min(m => heard(m.Key)!.AppliedLsn)), []);
    }
}
