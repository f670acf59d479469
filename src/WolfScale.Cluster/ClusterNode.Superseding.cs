using System.Globalization;
using WolfScale.Cluster.Handshake;
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
    /// lead the lost majority in it. A node without a configuration is in no line yet, and may enter any; in mode "available" nobody is recovered, and the bits mean
    /// something else (<see cref="Epoch"/>).
    /// </summary>
    private bool IsOfLaterRecovery(long term) =>
        Configuration is { Mode: ClusterMode.Consistent } && RecoveryGeneration.Of(term) > RecoveryGeneration.Of(Math.Max(Role.Term, Wal.Last.Term));

    private bool IsOfEarlierRecovery(long term) =>
        Configuration is { Mode: ClusterMode.Consistent } && RecoveryGeneration.Of(term) < RecoveryGeneration.Of(Role.Term);

    private void Supersede(PeerIdentity peer, long term)
    {
        // One that was in no cluster yet when it connected may have entered another of this name since: what it says is not heeded before it names its
        // cluster, with its next connection.
        if (peer.ClusterId != _identity.ClusterId)
            return;
        var by = peer.Key;
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
