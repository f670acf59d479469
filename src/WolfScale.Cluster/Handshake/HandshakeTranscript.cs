using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace WolfScale.Cluster.Handshake;

/// <summary>
/// The conversation so far, and the proofs over it: HMAC-SHA256, keyed with the cluster secret, over a label that names the direction and
/// the role, the Hello and the Challenge exactly as sent (both nonces, both node keys, both cluster names and ids, both addresses, the
/// versions), and the certificates of both sides where TLS is on.
/// <para>
/// Why this is enough: the nonces are fresh on both sides, so a recorded proof is worthless (replay); each role has its own label, so a
/// proof cannot be sent back to its maker (reflection); identities and certificates are inside, so a man in the middle with another
/// certificate, or under another name, makes both proofs wrong. The secret itself never leaves the process.
/// </para>
/// </summary>
internal sealed class HandshakeTranscript(byte[] hello, byte[] challenge, byte[] channelBinding)
{
    private static readonly byte[] DialerLabel = "WolfScale cluster v1, the dialer knows the secret"u8.ToArray();
    private static readonly byte[] AcceptorLabel = "WolfScale cluster v1, the acceptor knows the secret and says"u8.ToArray();

    /// <summary>What the dialer proves itself with.</summary>
    public byte[] DialerProof(byte[] secret) => Compute(secret, DialerLabel, []);

    /// <summary>What the acceptor proves itself with; its verdict is inside, so nobody else can turn a yes into a no.</summary>
    public byte[] AcceptorProof(byte[] secret, RefusalCode code, string text) =>
        Compute(secret, AcceptorLabel, [(byte)code, .. Encoding.UTF8.GetBytes(text)]);

    /// <summary>Compares in a time that does not depend on where the first difference is.</summary>
    public static bool Matches(byte[] expected, byte[] received) => CryptographicOperations.FixedTimeEquals(expected, received);

    private byte[] Compute(byte[] secret, byte[] label, byte[] statement)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        Add(hmac, label);
        Add(hmac, hello);
        Add(hmac, challenge);
        Add(hmac, channelBinding);
        Add(hmac, statement);
        return hmac.GetHashAndReset();
    }

    /// <summary>Each part with its length before it: no two different conversations give the same bytes.</summary>
    private static void Add(IncrementalHash hmac, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, part.Length);
        hmac.AppendData(length);
        hmac.AppendData(part);
    }
}
