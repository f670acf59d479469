using System.Buffers.Binary;

namespace WolfScale.Protocol.Binlog;

/// <summary>
/// The 19 bytes that begin every binlog event.
/// </summary>
/// <param name="Timestamp">Seconds since 1970 when the statement began; 0 in artificial events.</param>
/// <param name="Type">What follows.</param>
/// <param name="ServerId">Server the event was first written on.</param>
/// <param name="EventLength">Bytes of the whole event: header, body and checksum.</param>
/// <param name="LogPosition">Offset of the event's end in its file, modulo 2³²: a file with a large transaction passes 4 GiB.</param>
/// <param name="Flags">See <see cref="EventHeaderFlags"/>.</param>
public readonly record struct EventHeader(uint Timestamp, EventType Type, uint ServerId, uint EventLength, uint LogPosition, EventHeaderFlags Flags)
{
    public const int Size = 19;

    /// <summary>Where <see cref="LogPosition"/> stands, for those who rewrite it.</summary>
    public const int LogPositionOffset = 13;

    /// <param name="bytes">An event, or at least its first <see cref="Size"/> bytes.</param>
    /// <exception cref="ProtocolException">Fewer bytes, or an event shorter than its header.</exception>
    public static EventHeader Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Size)
            ProtocolException.ThrowEnd(Size, 0, bytes.Length);
        var header = new EventHeader(
            BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            (EventType)bytes[4],
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[5..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[9..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[LogPositionOffset..]),
            (EventHeaderFlags)BinaryPrimitives.ReadUInt16LittleEndian(bytes[17..]));
        if (header.EventLength < Size)
            ProtocolException.Throw($"A binlog event of type {bytes[4]} says that it is {header.EventLength} bytes long: less than its header.");
        return header;
    }

    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(destination[17..], (ushort)Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Timestamp);
        destination[4] = (byte)Type;
        BinaryPrimitives.WriteUInt32LittleEndian(destination[5..], ServerId);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[9..], EventLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[LogPositionOffset..], LogPosition);
    }
}
