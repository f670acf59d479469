namespace WolfScale.Cluster.Discovery;

/// <summary>
/// What a node calls out on its network: who it is and where it is reached. Whoever hears it learns addresses and nothing more; that a node may take
/// part is decided by the handshake on its cluster port.
/// </summary>
/// <param name="Instance">Random for every start of a process.</param>
/// <param name="NodeId">node.id.</param>
/// <param name="ClusterId">The cluster that the node belongs to, or all zeros before it has joined one.</param>
/// <param name="ClusterAddress">Its cluster port, HOST:PORT.</param>
/// <param name="ApiAddress">Its HTTP API, HOST:PORT; empty where there is none.</param>
/// <param name="ApiTls">The API speaks HTTPS.</param>
/// <param name="Founding">It was started with <c>--bootstrap</c> and is about to found a cluster.</param>
public sealed record Beacon(Guid Instance, string NodeId, Guid ClusterId, string ClusterAddress, string ApiAddress, bool ApiTls, bool Founding)
{
    /// <summary>Whether it belongs to a cluster, and others can join through it.</summary>
    public bool IsMember => ClusterId != Guid.Empty;
}
