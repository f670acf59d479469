using System.Text;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;

namespace WolfScale.Cluster.Handshake;

/// <summary>
/// The handshake's frames as bytes. Their payloads, exactly as sent, are what both proofs are computed over.
/// </summary>
internal static class HandshakeMessages
{
    public const int NonceBytes = 32;
    public const int ProofBytes = 32;
    public const int MaxIdBytes = 128;
    public const int MaxNameBytes = 128;
    public const int MaxAddressBytes = 255;
    public const int MaxTextBytes = 400;

    /// <summary>Oldest and newest protocol this build speaks.</summary>
    public const ushort MinVersion = 1;
    public const ushort MaxVersion = 1;

    internal readonly record struct Hello(ushort MinVersion, ushort MaxVersion, byte[] Nonce, PeerIdentity Identity);

    internal readonly record struct Challenge(ushort Version, byte[] Nonce, PeerIdentity Identity);

    internal readonly record struct Verdict(RefusalCode Code, string Text, byte[] Proof);

    public static void WriteHello(WireWriter writer, Hello hello)
    {
        writer.UInt16(hello.MinVersion);
        writer.UInt16(hello.MaxVersion);
        writer.Bytes(hello.Nonce);
        WriteIdentity(writer, hello.Identity);
    }

    /// <summary>Reads a Hello of any version: later versions may append fields, and are refused by number, not by shape.</summary>
    public static Hello ReadHello(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var min = reader.UInt16();
        var max = reader.UInt16();
        if (min > max)
            throw new WireFormatException($"protocol versions {min} to {max} are announced");
        return new Hello(min, max, reader.Take(NonceBytes).ToArray(), ReadIdentity(ref reader));
    }

    public static void WriteChallenge(WireWriter writer, Challenge challenge)
    {
        writer.UInt16(challenge.Version);
        writer.Bytes(challenge.Nonce);
        WriteIdentity(writer, challenge.Identity);
    }

    public static Challenge ReadChallenge(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        return new Challenge(reader.UInt16(), reader.Take(NonceBytes).ToArray(), ReadIdentity(ref reader));
    }

    public static byte[] ReadProof(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var proof = reader.Take(ProofBytes).ToArray();
        reader.End();
        return proof;
    }

    public static void WriteVerdict(WireWriter writer, Verdict verdict)
    {
        writer.Byte((byte)verdict.Code);
        writer.Text(verdict.Text, MaxTextBytes);
        writer.Bytes(verdict.Proof);
    }

    public static Verdict ReadVerdict(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var verdict = new Verdict((RefusalCode)reader.Byte(), reader.Text(MaxTextBytes), reader.Take(ProofBytes).ToArray());
        reader.End();
        return verdict;
    }

    public static void WriteRefusal(WireWriter writer, RefusalCode code, string text)
    {
        writer.Byte((byte)code);
        writer.Text(text, MaxTextBytes);
    }

    /// <summary>Reads a refusal. It comes from somebody unproven: the text is made printable and used for the log alone.</summary>
    public static HandshakeRefusal ReadRefusal(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var code = (RefusalCode)reader.Byte();
        var text = Printable(reader.Text(MaxTextBytes));
        return new HandshakeRefusal(code, text, Remote: true);
    }

    /// <summary>Replaces what could forge or garble a log line.</summary>
    public static string Printable(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
            result.Append(char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        return result.ToString();
    }

    private static void WriteIdentity(WireWriter writer, PeerIdentity identity)
    {
        writer.Text(identity.Key.Id, MaxIdBytes);
        writer.UInt64(identity.Key.Incarnation);
        writer.Guid(identity.Instance);
        writer.Text(identity.ClusterName, MaxNameBytes);
        writer.Guid(identity.ClusterId);
        writer.Text(identity.Address, MaxAddressBytes);
    }

    private static PeerIdentity ReadIdentity(ref WireReader reader)
    {
        var id = Printable(reader.Text(MaxIdBytes));
        if (id.Length == 0)
            throw new WireFormatException("the node id is empty");
        return new PeerIdentity(new NodeKey(id, reader.UInt64()), reader.Guid(), Printable(reader.Text(MaxNameBytes)),
            reader.Guid(), Printable(reader.Text(MaxAddressBytes)));
    }
}
