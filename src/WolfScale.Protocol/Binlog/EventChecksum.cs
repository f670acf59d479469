using System.Buffers.Binary;
using System.IO.Hashing;

namespace WolfScale.Protocol.Binlog;

/// <summary>
/// The last four bytes of every event under <c>binlog_checksum=CRC32</c>: zlib's CRC-32 of everything before them.
/// </summary>
public static class EventChecksum
{
    public const int Size = 4;

    /// <summary>Whether a whole event's checksum is right.</summary>
    public static bool IsValid(ReadOnlySpan<byte> @event) =>
        @event.Length >= EventHeader.Size + Size
        && BinaryPrimitives.ReadUInt32LittleEndian(@event[^Size..]) == Crc32.HashToUInt32(@event[..^Size]);

    /// <summary>Computes a whole event's checksum and writes it into the event's last bytes.</summary>
    public static void Set(Span<byte> @event) =>
        BinaryPrimitives.WriteUInt32LittleEndian(@event[^Size..], Crc32.HashToUInt32(@event[..^Size]));
}
