using WolfScale.Cluster;
using WolfScale.Consensus;
using WolfScale.MariaDb.Log;
using WolfScale.Wal;

namespace WolfScale.Server.Hosting;

/// <summary>The replicated log as the MariaDB side sees it: the node's WAL, and what the consensus core knows to be committed.</summary>
internal sealed class ReplicatedLog(ClusterNode node) : IReplicatedLog
{
    public long FirstLsn => node.Wal.FirstLsn;

    public long LastLsn => node.Wal.Last.Lsn;

    public long CommitLsn => node.CommitLsn;

    /// <summary>
    /// Another node leads the current term, and an entry of that very term is committed here. A leader's log holds everything committed
    /// before its term (leader completeness, Raft §5.4.3), and log matching gives this node the same entries before the committed one:
    /// so a group that is not here by now was never committed. The role is read before and after: one that changes in between says no.
    /// </summary>
    public bool IsSettled
    {
        get
        {
            var role = node.Role;
            return role.Leader is { } leader && leader != node.Self && node.Wal.TermAt(node.CommitLsn) == role.Term && node.Role == role;
        }
    }

    public bool IsOwnHistory
    {
        get
        {
            var role = node.Role;
            return node.Configuration is { Mode: ClusterMode.Available } && role.Role == RaftRole.Leader && node.Wal.TermAt(node.CommitLsn) == role.Term && node.Role == role;
        }
    }

    public long Rewinds => node.Discards;

    /// <summary>
    /// A node that takes no part any more (its disk has failed, say) hears of no leader, and will not lead again by itself: its server's clients must not
    /// be kept waiting for that.
    /// </summary>
    public bool AnotherNodeLeads => node.View.Stopped is not null || node.Role.Leader is { } leader && leader != node.Self;

    public string BaseGtidPosition => Base.GtidPosition;

    public bool BaseServerWasEmpty => Base.ServerWasEmpty;

    /// <summary>The base stands in the log's configuration (rule C2); the MariaDB side is started once the node has one.</summary>
    private LogBase Base => (node.Configuration ?? throw new InvalidOperationException("The log's base is not known before the node is a member.")).Base;

    public event Action<long>? CommitAdvanced
    {
        add => node.CommitAdvanced += value;
        remove => node.CommitAdvanced -= value;
    }

    public ValueTask WaitForCommitAsync(long lsn, CancellationToken cancellationToken) => node.WaitForCommitAsync(lsn, cancellationToken);

    public long? FindGroup(EntryKey gtid) => node.Wal.FindGroup(gtid);

    public (EntryKey Gtid, long LastLsn)? LastGroupAtOrBefore(long lsn) =>
        node.Wal.LastGroupAtOrBefore(lsn, out var last) is { } gtid ? (gtid, last) : null;

    public WalCursor OpenCursor(long firstLsn) => node.Wal.OpenCursor(firstLsn);
}
