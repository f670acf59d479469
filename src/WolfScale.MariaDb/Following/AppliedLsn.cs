using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Positions;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Following;

/// <summary>Which LSN a server's position amounts to. Pure.</summary>
internal static class AppliedLsn
{
    /// <summary>
    /// Every entry up to the result is visible in a server that stands at <paramref name="slavePosition"/>. Entries without a group (no-ops,
    /// configurations) count as applied with the group before them.
    /// </summary>
    /// <returns>The LSN, and how many committed entries it lies behind.</returns>
    public static (long Applied, long Lag) Of(IReplicatedLog log, GtidPosition slavePosition, uint domain)
    {
        var view = new LogView(log, domain);
        var own = slavePosition.Find(domain);
        var last = log.LastGroupAtOrBefore(view.CommitLsn);
        if (last is { } group ? group.Gtid.ToGtid() == own : own == view.Floor)
            return (view.CommitLsn, 0);
        var applied = Math.Min(view.Find(own) ?? 0, view.CommitLsn);
        return (applied, view.CommitLsn - applied);
    }

    /// <summary>
    /// A group of the server that the cluster's log does not know, or null. <paramref name="binlogState"/> still shows a write of the
    /// server's own after others have followed it.
    /// </summary>
    public static Gtid? Errant(IReplicatedLog log, GtidPosition binlogPosition, IEnumerable<Gtid> binlogState, uint serverId, uint domain)
    {
        var view = new LogView(log, domain);
        foreach (var gtid in binlogPosition.Gtids.Concat(binlogState.Where(g => g.ServerId == serverId)))
        {
            if (!view.Knows(gtid))
                return gtid;
        }

        return null;
    }
}
