using WolfScale.MariaDb.Log;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Positions;

/// <summary>
/// The log as the comparison sees it: which groups it knows, and from where on. Read once, so that one comparison works on one
/// state even while the log grows.
/// </summary>
internal sealed class LogView
{
    private readonly IReplicatedLog _log;
    private readonly uint _domain;

    public LogView(IReplicatedLog log, uint domain)
    {
        _log = log;
        _domain = domain;
        CommitLsn = log.CommitLsn;
        Base = GtidPosition.Parse(log.BaseGtidPosition);
        var pruned = log.LastGroupAtOrBefore(log.FirstLsn - 1);
        Floor = pruned is { } p ? p.Gtid.ToGtid() : Base.Find(domain);
        FloorLsn = pruned?.LastLsn ?? 0;
        var last = log.LastGroupAtOrBefore(log.LastLsn);
        Last = last is { } l ? l.Gtid.ToGtid() : Floor;
        LastLsn = last?.LastLsn ?? FloorLsn;
    }

    public long CommitLsn { get; }

    /// <summary>The cluster's position before LSN 1 (rule C2).</summary>
    public GtidPosition Base { get; }

    /// <summary>The last group before the first retained entry: the last one pruned, or the base's. Null: the cluster began with nothing.</summary>
    public Gtid? Floor { get; }

    public long FloorLsn { get; }

    /// <summary>The log's last complete group, committed or not; the floor where it holds none.</summary>
    public Gtid? Last { get; }

    public long LastLsn { get; }

    /// <summary>The LSN at which a server stands whose last group in the cluster's domain is this one; null when the log does not know it.</summary>
    public long? Find(Gtid? gtid) =>
        gtid == Floor ? FloorLsn : gtid is { } group ? _log.FindGroup(group.ToKey()) : null;

    /// <summary>
    /// Whether the group belongs to the cluster's history. What is older than the floor can no longer be looked up; the server applied it when it could
    /// be, and under <c>gtid_strict_mode</c> nothing can have come before it since.
    /// </summary>
    public bool Knows(Gtid gtid)
    {
        if (gtid.Domain != _domain)
            return Base.Find(gtid.Domain) is { } foreign && (gtid == foreign || gtid.Sequence < foreign.Sequence);
        return (Floor is { } floor && (gtid == floor || gtid.Sequence < floor.Sequence)) || _log.FindGroup(gtid.ToKey()) is not null;
    }

    /// <summary>
    /// Whether everything up to this position is the cluster's history. Domains that are not the cluster's must stand where they stood at
    /// the base: nothing is written to them any more.
    /// </summary>
    public bool IsClean(GtidPosition position) =>
        position.Gtids.All(Knows) && Base.Without(_domain).Gtids.All(g => position.Find(g.Domain) is not null);
}
