using System.Security.Cryptography;

namespace WolfScale.Cluster.Recovery;

/// <summary>
/// Which recovery by force a term comes after: the upper half of the term, 0 where there was none. Elections count up the lower half, which they never fill, so
/// every term of a recovered cluster is later than any that its lost majority can reach, and every message and every entry says of which line it is.
/// <code>
///   bits 62…48  how many recoveries     47…32  drawn at random     31…0  elections since
/// </code>
/// The random part is for two survivors that were both recovered, each without knowing of the other: one of the two lines is the later one, and wins when they
/// meet. Up to 31 recoveries a term is exact as a JSON number too.
/// </summary>
public static class RecoveryGeneration
{
    private const int ElectionBits = 32;
    private const int RandomBits = 16;

    public static long Of(long term) => term >> ElectionBits;

    /// <summary>The first term after one more recovery.</summary>
    public static long FirstTermAfter(long term)
    {
        var count = checked((Of(term) >> RandomBits) + 1);
        return checked(((count << RandomBits) | (long)RandomNumberGenerator.GetInt32(1 << RandomBits)) << ElectionBits);
    }
}
