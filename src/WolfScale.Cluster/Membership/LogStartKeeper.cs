using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Runtime;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Membership;

/// <summary>
/// The leader's care for members that need entries which its log no longer has: offers them its log's beginning, after which they receive entries again and their MariaDB can be
/// migrated.
/// <para>
/// A voter whose log begins anew acknowledges entries, and counts for the majority that has them on disk, while it holds nothing of what came before. If too many did so at once, the data would be
/// left with a minority's disks. So a voter is taken along only while the data are whole with a majority of the voters without it, or with all other voters that have a database; and a learner whose
/// MariaDB lacks what the log no longer has gets no vote (<see cref="HoldsTheData"/>).
/// </para>
/// </summary>
internal sealed class LogStartKeeper(WriteAheadLog wal, StatusBoard board, PeerDirectory peers, LogThrottle throttle, ILogger logger)
{
    /// <summary>To be called with every heartbeat.</summary>
    public void Tick(CoreStatus status, long nowMs)
    {
        if (status.Role != RaftRole.Leader || status.Configuration is not { } configuration || !status.Peers.Any(p => p.State == ReplicationState.BehindRetention))
            return;
        var start = wal.Start;
        if (start.Configuration is null)
            return;
        foreach (var peer in status.Peers.Where(p => p.State == ReplicationState.BehindRetention))
        {
            if (configuration.Find(peer.Key) is not { } member)
                continue;
            if (member.IsVoter && !MayGo(status, configuration, member, nowMs, out var holders))
            {
                if (throttle.Allow(member.Key.Id, out _))
                    RuntimeLog.LogStartHeldBack(logger, member.Key.Id, holders);
                continue;
            }
            peers.Send(peer.Key, new LogStartOffer(status.Term, configuration.ClusterId, start).Frame());
        }
    }

    /// <summary>Whether a member's MariaDB holds what this log no longer has. A witness has none to hold it with.</summary>
    public bool HoldsTheData(Member member, long nowMs)
    {
        var pruned = wal.Start.Before.Lsn;
        return pruned == 0 || member.Witness
            || (board.Find(member.Key, nowMs) is { } heard && heard.Report.Local.Status != NodeStatus.NeedsMigration && heard.Report.Local.AppliedLsn >= pruned);
    }

    /// <summary>
    /// Whether the cluster's data are safe without this voter's log. A member counts when its MariaDB has shown that it stands in the cluster's history, and its log goes on from
    /// there to the place that is offered.
    /// </summary>
    private bool MayGo(CoreStatus status, Configuration configuration, Member voter, long nowMs, out string holders)
    {
        var others = configuration.Members.Where(m => m.IsVoter && !m.Witness && m.Key != voter.Key).ToList();
        var whole = others.Where(m => m.Key == status.Self || IsWhole(status, m.Key, nowMs)).ToList();
        holders = whole.Count == 0 ? "none" : string.Join(", ", whole.Select(m => m.Key.Id));
        return whole.Count > configuration.VoterCount / 2 || whole.Count == others.Count;
    }

    private bool IsWhole(CoreStatus status, NodeKey key, long nowMs) =>
        status.Peers.FirstOrDefault(p => p.Key == key) is { } peer && peer.MatchLsn >= wal.Start.Before.Lsn
        && board.Find(key, nowMs) is { } heard && heard.Report.Local is { AppliedLsn: > 0, Status: not NodeStatus.NeedsMigration };
}
