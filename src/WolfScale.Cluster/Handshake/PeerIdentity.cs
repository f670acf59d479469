using WolfScale.Consensus;

namespace WolfScale.Cluster.Handshake;

/// <summary>
/// What a node says about itself when a connection begins. Both sides' identities go into both proofs, so none can be exchanged on the way.
/// </summary>
/// <param name="Key">Node id and incarnation (rule C1).</param>
/// <param name="Instance">Random for every start of a process: tells a node that dialled itself from a second node with the same data.</param>
/// <param name="ClusterName">The configured name; both sides must have the same.</param>
/// <param name="ClusterId">The id of the cluster whose log the node holds, or all zeros before it has joined one.</param>
/// <param name="Address">Where the node says it can be reached, HOST:PORT.</param>
internal sealed record PeerIdentity(NodeKey Key, Guid Instance, string ClusterName, Guid ClusterId, string Address);
