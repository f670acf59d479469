namespace WolfScale.Protocol.SemiSync;

/// <summary>
/// Stands between the packet's 0x00 and the event on a semi-sync connection: 0xEF · 1 where the server waits for an ACK of this event.
/// It is on the first packet of an event only, when the event goes over several.
/// </summary>
public readonly record struct SemiSyncHeader(bool NeedsAck)
{
    public const int Size = 2;

    public const byte Magic = 0xEF;

    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    /// <exception cref="ProtocolException">No semi-sync header: the server does not count this connection as a semi-sync replica.</exception>
    public static SemiSyncHeader Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Size)
            ProtocolException.ThrowEnd(Size, 0, bytes.Length);
        if (bytes[0] != Magic)
            ProtocolException.Throw($"The event has no semi-sync header (0x{bytes[0]:X2} instead of 0x{Magic:X2}).");
        return new SemiSyncHeader((bytes[1] & 1) != 0);
    }

    public void Write(Span<byte> destination)
    {
        destination[1] = NeedsAck ? (byte)1 : (byte)0;
        destination[0] = Magic;
    }
}
