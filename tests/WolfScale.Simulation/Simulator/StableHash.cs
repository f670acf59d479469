using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>Hashes that are the same in every process, unlike those of the runtime.</summary>
internal static class StableHash
{
    public static long GetStableHash(this NodeKey key)
    {
        long hash = unchecked((long)key.Incarnation * 31);
        foreach (char c in key.Id)
            hash = unchecked((hash * 131) + c);
        return hash;
    }
}
