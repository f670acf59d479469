using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>What a node knows of one of its proxy's clients, or of one that comes to it through a proxy without a node.</summary>
/// <param name="ConnectionId">Of its connection on the leader's server, or 0 where it has none at this moment.</param>
/// <param name="Reads">A read of it runs on another server than the leader's.</param>
/// <param name="Through">That proxy without a node, or 0: the client is the node's own.</param>
public readonly record struct ClientState(uint ConnectionId, bool Reads, ulong Through = 0);

/// <summary>A client of another node's proxy.</summary>
/// <param name="Node">Whose.</param>
/// <param name="State">As it was when that node answered.</param>
public sealed record ClientElsewhere(NodeKey Node, ClientState State);

/// <summary>
/// The clients of this node's proxy, for the others': a driver cancels a statement over a connection of its own, which a balancer may have led to another node. Called on a peer's connection; must be short
/// and must not block.
/// </summary>
public interface IClientRegister
{
    /// <summary>Two are enough to know that an id is no one client's; a client of a proxy without a node may have a few connections to one node.</summary>
    const int MostFound = 16;

    /// <param name="clientId">The id that the client was greeted with.</param>
    /// <param name="user">Its account's user name.</param>
    /// <returns>Of several, each its own client's or part of one; of more than <see cref="MostFound"/> the first are told.</returns>
    IReadOnlyList<ClientState> Find(uint clientId, string user);

    /// <summary>What these clients have running on another server than the leader's ends; with <paramref name="session"/> the node's own client's session, too.</summary>
    void End(uint clientId, string user, bool session);
}
