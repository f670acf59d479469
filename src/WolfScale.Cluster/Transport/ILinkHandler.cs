using System.Diagnostics.CodeAnalysis;
using WolfScale.Cluster.Handshake;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Transport;

/// <summary>What a link asks of its node.</summary>
internal interface ILinkHandler
{
    /// <summary>This node as it introduces itself now.</summary>
    PeerIdentity Identity { get; }

    /// <summary>A session is proven and about to be used. False: another link reaches the same node already, this one shall rest.</summary>
    bool LinkUp(PeerLink link, PeerIdentity remote);

    /// <summary>The session can be written to from now on.</summary>
    void LinkReady(PeerIdentity remote);

    /// <summary>The link's session is over.</summary>
    void LinkDown(PeerLink link);

    /// <summary>
    /// The bytes of a batch that a message names, from memory or disk, with a reference for the caller; false when the log holds something
    /// else there by now.
    /// </summary>
    bool TryGetBatch(BatchInfo info, [NotNullWhen(true)] out WalBatch? batch);
}
