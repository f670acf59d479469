using System.Security.Cryptography;
using System.Text;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;

namespace WolfScale.Cluster.Discovery;

/// <summary>
/// Beacons as bytes, signed. Pure: no clock, no socket. Integers are little-endian, text is a u16 length and UTF-8.
/// <code>
/// magic "WSBC" · version u8 · flags u8 (1 founding, 2 API speaks HTTPS) · sent i64 (Unix time, milliseconds)
/// instance 16 · cluster id 16 · node id text · cluster address text · API address text · answered u8, so many instances 16 each · (what later versions append) · HMAC-SHA256 32
/// </code>
/// <i>Answered</i> are the founders that a founder has heard: an instance is random for every start, so who finds its own there was heard by a process that lives now. What was recorded cannot say that.
/// The key is derived (HKDF, RFC 5869) from the cluster's secret and its name: packets of a cluster with another name look like forged ones, and a
/// key that leaks from here opens nothing else. Nothing of a packet is read before its signature is right.
/// </summary>
internal sealed class BeaconSeal
{
    /// <summary>Below the smallest IPv6 MTU, so that a beacon never travels in pieces.</summary>
    public const int MaxBytes = 1024;

    private const int MacBytes = 32;
    private const int HeaderBytes = 4 + 1 + 1 + 8 + 16 + 16;
    private const int MinBytes = HeaderBytes + (3 * 2) + MacBytes;
    private const byte Version = 1;

    /// <summary>More than ever found at once, and they fit beside the longest of everything else.</summary>
    private const int MaxAnswered = 8;

    private const byte FoundingFlag = 1;
    private const byte TlsFlag = 2;

    private readonly byte[] _key;

    /// <param name="secret"><c>cluster.secret</c>, not empty.</param>
    /// <param name="clusterName"><c>cluster.cluster_name</c>.</param>
    public BeaconSeal(string secret, string clusterName)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        _key = HKDF.DeriveKey(
            HashAlgorithmName.SHA256, TransportOptions.SecretBytes(secret), MacBytes, Encoding.UTF8.GetBytes(clusterName), "wolfscale discovery beacon 1"u8.ToArray());
    }

    private static ReadOnlySpan<byte> Magic => "WSBC"u8;

    /// <summary>The packet to send.</summary>
    /// <param name="beacon">What it says.</param>
    /// <param name="sentMs">Unix time in milliseconds; larger than in every packet that this process has sent before.</param>
    /// <param name="answered">The founders that it answers; those that are too many are left out.</param>
    public byte[] Seal(Beacon beacon, long sentMs, params ReadOnlySpan<Guid> answered)
    {
        var writer = new WireWriter();
        writer.Bytes(Magic);
        writer.Byte(Version);
        writer.Byte((byte)((beacon.Founding ? FoundingFlag : 0) | (beacon.ApiTls ? TlsFlag : 0)));
        writer.Position(sentMs);
        writer.Guid(beacon.Instance);
        writer.Guid(beacon.ClusterId);
        writer.Text(beacon.NodeId, HandshakeMessages.MaxIdBytes);
        writer.Text(beacon.ClusterAddress, HandshakeMessages.MaxAddressBytes);
        writer.Text(beacon.ApiAddress, HandshakeMessages.MaxAddressBytes);
        answered = answered[..Math.Min(answered.Length, MaxAnswered)];
        writer.Byte((byte)answered.Length);
        foreach (var founder in answered)
            writer.Guid(founder);
        return [.. writer.Written, .. HMACSHA256.HashData(_key, writer.Written)];
    }

    /// <summary>Reads a packet that anybody may have sent.</summary>
    /// <returns><see cref="BeaconRefusal.None"/> when it is genuine; whether it is fresh is another question (<see cref="BeaconTable"/>).</returns>
    public BeaconRefusal Open(ReadOnlySpan<byte> packet, out Beacon beacon, out long sentMs) => Open(packet, Guid.Empty, out beacon, out sentMs, out _);

    /// <summary>The same, and whether it answers the process of this instance.</summary>
    public BeaconRefusal Open(ReadOnlySpan<byte> packet, Guid self, out Beacon beacon, out long sentMs, out bool answers)
    {
        (beacon, sentMs, answers) = (null!, 0, false);
        if (packet.Length is < MinBytes or > MaxBytes)
            return BeaconRefusal.Size;
        if (!packet.StartsWith(Magic) || packet[Magic.Length] != Version)
            return BeaconRefusal.Format;
        Span<byte> expected = stackalloc byte[MacBytes];
        HMACSHA256.HashData(_key, packet[..^MacBytes], expected);
        if (!CryptographicOperations.FixedTimeEquals(expected, packet[^MacBytes..]))
            return BeaconRefusal.Signature;
        try
        {
            var reader = new WireReader(packet[(Magic.Length + 1)..^MacBytes]);
            var flags = reader.Byte();
            sentMs = reader.Position();
            var (instance, clusterId) = (reader.Guid(), reader.Guid());
            beacon = new Beacon(
                instance, ClusterId: clusterId, NodeId: HandshakeMessages.Printable(reader.Text(HandshakeMessages.MaxIdBytes)),
                ClusterAddress: reader.Text(HandshakeMessages.MaxAddressBytes), ApiAddress: reader.Text(HandshakeMessages.MaxAddressBytes),
                ApiTls: (flags & TlsFlag) != 0, Founding: (flags & FoundingFlag) != 0);
            for (var left = reader.Remaining > 0 ? reader.Byte() : 0; left > 0; left--)
                answers |= reader.Guid() == self && self != Guid.Empty;
        }
        catch (WireFormatException)
        {
            return BeaconRefusal.Format;
        }
        return beacon.NodeId.Length > 0 && IsAddress(beacon.ClusterAddress) && (beacon.ApiAddress.Length == 0 || IsAddress(beacon.ApiAddress))
            ? BeaconRefusal.None
            : BeaconRefusal.Format;
    }

    private static bool IsAddress(string text) => HostPort.TryParse(text, out var address) && address.Port > 0 && HandshakeMessages.Printable(text) == text;
}
