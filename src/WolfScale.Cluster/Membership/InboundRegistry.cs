using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Transport;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Membership;

/// <summary>
/// The connections that other nodes have made to this one, and the rule that one id belongs to one living node. A node that was restarted, or
/// came back with an emptied disk, is told from a second node under the same id by this: its old connection is dead, or it has the same address.
/// </summary>
internal sealed class InboundRegistry(TimeSpan silence)
{
    /// <summary>Connections of one node at a time: it may know this one by several addresses.</summary>
    private const int MaxPerNode = 4;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<InboundConnection>> _byId = new(StringComparer.Ordinal);

    /// <summary>Admits a proven connection, or says why not.</summary>
    /// <param name="connection">With its proven <see cref="InboundConnection.Peer"/>.</param>
    /// <param name="isMember">Whether a key is in the configuration.</param>
    public HandshakeRefusal? Admit(InboundConnection connection, Func<NodeKey, bool> isMember)
    {
        var peer = connection.Peer!;
        List<(InboundConnection Connection, string Reason)> closing = [];
        lock (_lock)
        {
            if (!_byId.TryGetValue(peer.Key.Id, out var present))
                _byId[peer.Key.Id] = present = [];
            foreach (var other in present.ToArray())
            {
                if (other.Peer!.Instance == peer.Instance)
                    continue;
                var replaced = other.Peer.Address == peer.Address || other.SilentFor > silence
                    || (isMember(peer.Key) && !isMember(other.Peer.Key));
                if (!replaced)
                    return IdentityRules.DuplicateNode(peer.Key.Id, other.Peer.Address, peer.Address);
                present.Remove(other);
                closing.Add((other, other.Peer.Address == peer.Address
                    ? "the node was started anew"
                    : IdentityRules.DuplicateNode(peer.Key.Id, peer.Address, other.Peer.Address).Text));
            }
            if (present.Count >= MaxPerNode)
            {
                closing.Add((present[0], $"the node has made {MaxPerNode} newer connections"));
                present.RemoveAt(0);
            }
            present.Add(connection);
        }
        foreach (var (old, reason) in closing)
            old.Close(reason);
        return null;
    }

    /// <returns>Whether nothing connects exactly this incarnation of the node any more.</returns>
    public bool Remove(InboundConnection connection)
    {
        var key = connection.Peer!.Key;
        lock (_lock)
        {
            if (!_byId.TryGetValue(key.Id, out var present))
                return true;
            present.Remove(connection);
            if (present.Count == 0)
                _byId.Remove(key.Id);
            return !present.Exists(other => other.Peer!.Key == key);
        }
    }

    /// <summary>Whether a node in exactly this incarnation is connected and has been heard lately.</summary>
    public bool IsAlive(NodeKey key)
    {
        lock (_lock)
            return _byId.TryGetValue(key.Id, out var present) && present.Any(c => c.Peer!.Key == key && c.SilentFor <= silence);
    }
}
