using System.Buffers.Binary;
using WolfScale.Wal.Files;

namespace WolfScale.Wal.Writing;

/// <summary>
/// The last synced LSN, recorded apart from the log (rule C6), in a small file with two slots that are written in turn: a crash tears at
/// most the slot being written, and the other one is then believed. It may lag behind the log, and never runs ahead of it: it is
/// raised after the log is synced and lowered before the log is cut.
/// <code> slot (at 0 and at 4096): 0 magic u32   4 CRC u32   8 sequence u64   16 LSN i64 </code>
/// </summary>
internal sealed class SyncedRecord : IDisposable
{
    private const string FileName = "synced";
    private const uint Magic = 0x3152_5357; // "WSR1"
    private const int SlotDistance = 4096;
    private const int SlotBytes = 24;

    private readonly IWalFile _file;
    private ulong _sequence;

    private SyncedRecord(IWalFile file, ulong sequence, long lsn)
    {
        _file = file;
        _sequence = sequence;
        Lsn = lsn;
    }

    /// <summary>What is recorded.</summary>
    public long Lsn { get; private set; }

    /// <summary>Makes a new record, or replaces one that cannot be read.</summary>
    public static SyncedRecord Create(IWalFiles files, string directory, long lsn)
    {
        byte[] content = new byte[SlotDistance + SlotBytes];
        Encode(content, 1, lsn);
        Encode(content.AsSpan(SlotDistance), 2, lsn);
        string path = Path.Combine(directory, FileName);
        Posix.ReplaceFile(files, path, content);
        return new SyncedRecord(files.Open(path, create: false), 2, lsn);
    }

    /// <summary>Opens the record; null when there is none or neither slot can be believed.</summary>
    public static SyncedRecord? TryOpen(IWalFiles files, string directory)
    {
        if (!files.List(directory).Contains(FileName))
            return null;
        IWalFile file = files.Open(Path.Combine(directory, FileName), create: false);
        SyncedRecord? newest = null;
        Span<byte> slot = stackalloc byte[SlotBytes];
        for (int i = 0; i < 2; i++)
        {
            slot.Clear();
            _ = file.Read(slot, i * SlotDistance);
            if (TryDecode(slot, out ulong sequence, out long lsn) && (newest is null || sequence > newest._sequence))
                newest = new SyncedRecord(file, sequence, lsn);
        }

        if (newest is null)
            file.Dispose();
        return newest;
    }

    /// <summary>Records an LSN, durably.</summary>
    public void Write(long lsn)
    {
        Span<byte> slot = stackalloc byte[SlotBytes];
        _sequence++;
        Encode(slot, _sequence, lsn);
        _file.Write(slot, _sequence % 2 == 1 ? 0 : SlotDistance);
        _file.SyncData();
        Lsn = lsn;
    }

    public void Dispose() => _file.Dispose();

    private static void Encode(Span<byte> slot, ulong sequence, long lsn)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(slot, Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[8..], sequence);
        BinaryPrimitives.WriteInt64LittleEndian(slot[16..], lsn);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[4..], Crc32C.Of(slot[8..SlotBytes]));
    }

    private static bool TryDecode(ReadOnlySpan<byte> slot, out ulong sequence, out long lsn)
    {
        sequence = BinaryPrimitives.ReadUInt64LittleEndian(slot[8..]);
        lsn = BinaryPrimitives.ReadInt64LittleEndian(slot[16..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(slot) == Magic
            && BinaryPrimitives.ReadUInt32LittleEndian(slot[4..]) == Crc32C.Of(slot[8..SlotBytes]);
    }
}
