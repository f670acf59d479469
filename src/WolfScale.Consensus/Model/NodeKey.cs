namespace WolfScale.Consensus;

/// <summary>
/// A node in one life of its data directory (rule C1). Votes and acknowledgements count per key, never per <see cref="Id"/> alone:
/// a node whose disk was emptied comes back under the same id with another incarnation and is somebody else to the quorum.
/// </summary>
/// <param name="Id">The configured <c>node.id</c>. Ordered ordinally; the lowest is preferred as leader.</param>
/// <param name="Incarnation">Drawn at random when the data directory was created.</param>
public readonly record struct NodeKey(string Id, ulong Incarnation) : IComparable<NodeKey>
{
    /// <summary>By <see cref="Id"/> (ordinal), then by <see cref="Incarnation"/>.</summary>
    public int CompareTo(NodeKey other)
    {
        int byId = string.CompareOrdinal(Id, other.Id);
        return byId != 0 ? byId : Incarnation.CompareTo(other.Incarnation);
    }

    public static bool operator <(NodeKey left, NodeKey right) => left.CompareTo(right) < 0;

    public static bool operator >(NodeKey left, NodeKey right) => left.CompareTo(right) > 0;

    public static bool operator <=(NodeKey left, NodeKey right) => left.CompareTo(right) <= 0;

    public static bool operator >=(NodeKey left, NodeKey right) => left.CompareTo(right) >= 0;

    /// <summary><c>node-1#2a</c>: id and incarnation in hexadecimal.</summary>
    public override string ToString() => $"{Id}#{Incarnation:x}";
}
