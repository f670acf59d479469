using System.Buffers.Binary;

namespace WolfScale.Cluster.Wire;

/// <summary>
/// How frames stand on a cluster connection: <c>length:u32 kind:u8 payload</c>, little-endian, the length counting kind and payload.
/// A dialer sends <see cref="Preamble"/> before its first frame, so that a stranger on the port is told apart from a broken peer.
/// The length is checked against the limit of the connection's stage <em>before</em> anything is allocated for it.
/// </summary>
internal static class FrameFormat
{
    public const int LengthBytes = 4;

    /// <summary>Longest frame before the peer has proved that it knows the secret, in bytes.</summary>
    public const int MaxUnauthenticatedBytes = 1024;

    /// <summary>Longest frame of any kind but AppendRequest, in bytes.</summary>
    public const int MaxControlBytes = 256 * 1024;

    /// <summary>"WSC1": what a dialer says first. No TLS record (first byte 0x16) and no HTTP method begins like this.</summary>
    public static ReadOnlySpan<byte> Preamble => "WSC1"u8;

    /// <summary>First byte of a TLS record of type handshake (RFC 8446, section 5.1).</summary>
    public const byte TlsHandshakeRecord = 0x16;

    /// <summary>Reads a frame's length and holds it against the limit.</summary>
    /// <exception cref="WireFormatException">The frame is empty or longer than <paramref name="maxBytes"/>.</exception>
    public static int Length(ReadOnlySpan<byte> header, int maxBytes)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(header);
        if (length == 0)
            throw new WireFormatException("a frame is empty");
        if (length > (uint)maxBytes)
            throw new WireFormatException($"a frame of {length} bytes is announced and at most {maxBytes} are allowed");
        return (int)length;
    }
}
