namespace WolfScale.Protocol;

/// <summary>
/// The four bytes before every packet: payload length (3 bytes) and sequence number (1 byte).
/// A payload of exactly <see cref="MaxPayload"/> bytes is continued in the next packet, which may be empty.
/// </summary>
/// <param name="PayloadLength">0 to <see cref="MaxPayload"/>.</param>
/// <param name="Sequence">Counts packets of one exchange from 0, modulo 256.</param>
public readonly record struct PacketHeader(int PayloadLength, byte Sequence)
{
    public const int Size = 4;

    /// <summary>16 MiB − 1: the longest payload of one packet.</summary>
    public const int MaxPayload = 0xFF_FFFF;

    /// <summary>Whether the payload goes on in the next packet.</summary>
    public bool IsContinued => PayloadLength == MaxPayload;

    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    public static PacketHeader Read(ReadOnlySpan<byte> bytes) => new(bytes[0] | (bytes[1] << 8) | (bytes[2] << 16), bytes[3]);

    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        destination[3] = Sequence;
        destination[2] = (byte)(PayloadLength >> 16);
        destination[1] = (byte)(PayloadLength >> 8);
        destination[0] = (byte)PayloadLength;
    }

    /// <summary>Bytes on the wire, headers included, of a payload of this length.</summary>
    public static long WireLength(long payloadLength) => payloadLength + (((payloadLength / MaxPayload) + 1) * Size);
}
