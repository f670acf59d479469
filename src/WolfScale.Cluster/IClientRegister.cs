using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>What a node knows of one of its proxy's clients.</summary>
/// <param name="ConnectionId">Of its connection on the leader's server, or 0 where it has none at this moment.</param>
/// <param name="Reads">A read of it runs on another server than the leader's.</param>
public readonly record struct ClientState(uint ConnectionId, bool Reads);

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
    /// <param name="clientId">The id that the client was greeted with.</param>
    /// <param name="user">Its account's user name.</param>
    /// <returns>Null: there is no such client.</returns>
    ClientState? Find(uint clientId, string user);

    /// <summary>What the client has running on another server than the leader's ends; with <paramref name="session"/> the client's session, too.</summary>
    void End(uint clientId, string user, bool session);
}
