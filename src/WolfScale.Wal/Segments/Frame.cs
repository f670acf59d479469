using System.Buffers.Binary;

namespace WolfScale.Wal.Segments;

/// <summary>
/// Stands before the batches of each write: it is this node's own, not part of any batch. It says how much of the log had been synced when
/// the write began, and so proves it: whoever reads a frame knows that everything up to <see cref="SyncedLsn"/> once was on the disk. That is
/// how recovery tells a torn tail (nothing after it was ever written on top of it) from damage (something was), rule C6.
/// Its checksum covers the segment's salt and its own offset, so a copy of log bytes inside a user's BLOB is never taken for one.
/// <code> 0 magic u32   4 zero u32   8 synced LSN i64   16 LSN before i64   24 zero u32   28 CRC u32 </code>
/// </summary>
internal readonly record struct Frame(long SyncedLsn, long PreviousLsn)
{
    public const uint Magic = 0x3146_5357; // "WSF1"
    public const int Bytes = 32;
    private const int CrcOffset = 28;

    public void Write(Span<byte> target, ulong salt, long offset)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], SyncedLsn);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], PreviousLsn);
        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcOffset..], Crc32C.Of(target[..CrcOffset], salt, offset));
    }

    public static bool TryRead(ReadOnlySpan<byte> source, ulong salt, long offset, out Frame frame)
    {
        frame = default;
        if (source.Length < Bytes
            || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[CrcOffset..]) != Crc32C.Of(source[..CrcOffset], salt, offset))
            return false;
        frame = new Frame(BinaryPrimitives.ReadInt64LittleEndian(source[8..]), BinaryPrimitives.ReadInt64LittleEndian(source[16..]));
        return true;
    }
}
