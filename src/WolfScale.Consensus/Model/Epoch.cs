namespace WolfScale.Consensus;

/// <summary>
/// The terms of mode "available", where nobody votes and two nodes may take the lead at once: a counter in the high 32 bits, and in the low 32 bits
/// who took it. So a term names one node, two leaders can never bear one, and every rule that compares terms (Raft §5.1, §5.3 log matching)
/// compares the node as well.
/// </summary>
/// <remarks>
/// The owner is a digest of id and incarnation, and not a number that a configuration entry hands out: two sides of a partition could hand out the same
/// one. Two members of one configuration never have the same digest (<see cref="RaftCore.ProposeConfiguration"/> refuses the second); for two nodes that
/// were let in by the two sides of a partition the odds are one in four thousand million.
/// </remarks>
public static class Epoch
{
    private const int OwnerBits = 32;

    /// <summary>The first epoch of <paramref name="self"/> that is later than <paramref name="term"/>, whoever that belongs to.</summary>
    public static long Next(long term, NodeKey self) => (((term >> OwnerBits) + 1) << OwnerBits) | (Rules.EpochsNameTheirLeader ? OwnerOf(self) : 0u);

    /// <summary>How many times the lead was taken before it, on its line of history.</summary>
    public static long Counter(long term) => term >> OwnerBits;

    /// <summary>The same in every process and version: it stands in the log.</summary>
    public static uint OwnerOf(NodeKey key)
    {
        // FNV-1a over the UTF-16 units and the incarnation, with a last mix because ids differ in one character.
        ulong hash = 0xCBF29CE484222325;
        foreach (char c in key.Id)
            hash = (hash ^ c) * 0x100000001B3;
        hash = (hash ^ key.Incarnation) * 0x9E3779B97F4A7C15;
        hash = (hash ^ (hash >> 29)) * 0xBF58476D1CE4E5B9;
        return (uint)(hash >> 32);
    }
}
