namespace WolfScale.Consensus;

/// <summary>
/// The arithmetic of majorities. Everything the leader counts (acknowledged LSNs, read rounds, times last heard) is one question: what has
/// a majority reached?
/// </summary>
public static class QuorumArithmetic
{
    /// <summary>Votes needed out of <paramref name="voters"/>: more than half.</summary>
    public static int Majority(int voters) => (voters / 2) + 1;

    /// <summary>How many of <paramref name="voters"/> may be lost while the others still have a majority: ⌊(n−1)/2⌋.</summary>
    public static int ToleratedFailures(int voters) => voters == 0 ? 0 : (voters - 1) / 2;

    /// <summary>The largest value that a majority has reached or passed.</summary>
    /// <param name="reached">One value per voter, at least one; sorted in place.</param>
    public static long MajorityValue(Span<long> reached)
    {
        // Ascending insertion sort: a handful of voters, no allocation.
        for (int i = 1; i < reached.Length; i++)
        {
            long value = reached[i];
            int j = i - 1;
            for (; j >= 0 && reached[j] > value; j--)
                reached[j + 1] = reached[j];
            reached[j + 1] = value;
        }

        // The values at this index and above are Majority(n) many, and all at least as large.
        return reached[reached.Length - Majority(reached.Length)];
    }
}
