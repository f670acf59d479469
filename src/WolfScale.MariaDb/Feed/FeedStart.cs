using WolfScale.MariaDb.Log;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>
/// Where a replica's GTID position stands in the log. Exactly there or nowhere: the position must be the base itself, or the base with its one
/// domain at a group of the log. Anything else has groups the cluster never committed, or lacks some, and feeding it would make it differ silently.
/// </summary>
internal static class FeedStart
{
    /// <returns>The LSN after which to feed: 0 for the base, else the last LSN of the group the replica stands at.</returns>
    /// <exception cref="ReplicaRefusedException">The position is not one of the log.</exception>
    public static long Find(IReplicatedLog log, GtidPosition replica)
    {
        var basePosition = GtidPosition.Parse(log.BaseGtidPosition);
        if (replica.Equals(basePosition))
        {
            if (basePosition.IsEmpty && !log.BaseServerWasEmpty)
            {
                throw Refused(
                    ReplicaRefusalReason.NotTheBase,
                    replica,
                    "it reports no position, and the cluster began with a server that held data: the two cannot be told apart. Re-seed it from another node.");
            }

            if (log.FirstLsn > 1)
                throw Pruned(log, replica, 1);
            return 0;
        }

        var found = Match(log, basePosition, replica)
            ?? throw Refused(ReplicaRefusalReason.UnknownPosition, replica, "the cluster's log holds no such position. It has transactions of its own, or was copied from elsewhere.");
        if (found + 1 < log.FirstLsn)
            throw Pruned(log, replica, found + 1);
        return found;
    }

    private static long? Match(IReplicatedLog log, GtidPosition basePosition, GtidPosition replica)
    {
        foreach (var gtid in replica.Gtids)
        {
            if (log.FindGroup(gtid.ToKey()) is { } lsn && basePosition.With(gtid).Equals(replica))
                return lsn;
        }

        // The log may begin right behind the replica's group: pruning remembers that group.
        if (log.LastGroupAtOrBefore(log.FirstLsn - 1) is { } before && basePosition.With(before.Gtid.ToGtid()).Equals(replica))
            return log.FirstLsn - 1;
        return null;
    }

    private static ReplicaRefusedException Pruned(IReplicatedLog log, GtidPosition replica, long lsn) => Refused(
        ReplicaRefusalReason.Pruned, replica, $"it needs LSN {lsn}, and this node's log begins at {log.FirstLsn}. Re-seed it from another node.");

    internal static ReplicaRefusedException Refused(ReplicaRefusalReason reason, GtidPosition replica, string why) =>
        new(new ReplicaRefusal(reason, replica.ToString(), $"WolfScale does not feed a server that stands at '{replica}': {why}"));
}
