namespace WolfScale.Cluster.Handshake;

/// <summary>What two proven identities must agree on before a single message passes between them. Symmetric: both sides ask it.</summary>
internal static class IdentityRules
{
    public static HandshakeRefusal? Compare(PeerIdentity self, PeerIdentity remote)
    {
        if (self.Instance == remote.Instance)
            return new(RefusalCode.Self, "the address is this node's own");
        if (self.ClusterName != remote.ClusterName)
        {
            return new(RefusalCode.ClusterName,
                $"node {self.Key.Id} at {self.Address} belongs to the cluster named '{self.ClusterName}', node {remote.Key.Id} at "
                + $"{remote.Address} to '{remote.ClusterName}': set the same cluster.cluster_name on both, or take the address out of peers");
        }
        if (self.ClusterId != Guid.Empty && remote.ClusterId != Guid.Empty && self.ClusterId != remote.ClusterId)
        {
            return new(RefusalCode.ClusterId,
                $"node {self.Key.Id} at {self.Address} holds data of cluster {self.ClusterId}, node {remote.Key.Id} at {remote.Address} of "
                + $"cluster {remote.ClusterId}: they cannot be joined; empty the data directory of the one that shall join the other");
        }
        return self.Key.Id == remote.Key.Id ? DuplicateNode(self.Key.Id, self.Address, remote.Address) : null;
    }

    /// <summary>Two living nodes with one id: the quorum could count them as one, or one of them twice.</summary>
    public static HandshakeRefusal DuplicateNode(string id, string first, string second) => new(RefusalCode.DuplicateNode,
        $"two nodes run with node.id = '{id}', at {first} and at {second}: stop one of them, or give it another node.id (if the data directory "
        + "was copied from the other, it keeps its log and gets a new identity)");
}
