using System.Globalization;
using WolfScale.Cluster.History;
using WolfScale.Cluster.Recovery;
using WolfScale.Cluster.Runtime;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>What becomes of a node whose cluster was recovered by force without it.</summary>
public sealed partial class ClusterNode
{
    private int _superseded;

    /// <summary>See <see cref="Superseded"/>.</summary>
    public bool IsSuperseded => Volatile.Read(ref _superseded) != 0;

    /// <summary>
    /// The cluster was recovered without this node while it was lost: it takes no part any more, and its incarnation ends with the next start, which the host
    /// should see to at once. It comes back as a learner.
    /// </summary>
    public event Action? Superseded;

    /// <summary>
    /// Whether a term is of a later recovery than anything this node is part of. Asked before the core sees a message: a node that took the term over could
    /// lead the lost majority in it. A node without a configuration is in no line yet, and may enter any.
    /// </summary>
    private bool IsOfLaterRecovery(long term) =>
        Configuration is not null && RecoveryGeneration.Of(term) > RecoveryGeneration.Of(Math.Max(Role.Term, Wal.Last.Term));

    private void Supersede(NodeKey by, long term)
    {
        if (Interlocked.Exchange(ref _superseded, 1) != 0)
            return;
        // Durable before anything else: from here on this data directory starts as somebody else, whatever happens to the process.
        _identity.Supersede(term);
        var reason = $"the cluster was recovered by force while this node was lost (told by {by.Id}): it gives up its vote and comes back as a learner when it is restarted";
        History.Record(EventKinds.Superseded, reason, ("by", by.Id), ("term", term.ToString(CultureInfo.InvariantCulture)));
        RuntimeLog.Superseded(_logger, by.Id, term);
        _host.Stop(reason);
        CallOut();
        Superseded?.Invoke();
    }
}
