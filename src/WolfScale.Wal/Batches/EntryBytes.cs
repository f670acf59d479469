using System.Buffers.Binary;

namespace WolfScale.Wal;

/// <summary>
/// An entry in a batch's body: payload length u32, kind u8, flags u8, zero u16, on group entries the GTID (16 bytes), the payload. Its LSN is
/// its place.
/// </summary>
internal static class EntryBytes
{
    /// <summary>Length of what every entry has before its payload.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Length of an entry with that payload.</summary>
    public static int Total(EntryKind kind, int payload) => HeaderBytes + (kind == EntryKind.Group ? KeyBytes.Length : 0) + payload;

    /// <summary>Writes an entry at the start of <paramref name="target"/>.</summary>
    public static void Write(Span<byte> target, EntryKind kind, EntryFlags flags, EntryKey key, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, payload.Length);
        target[4] = (byte)kind;
        target[5] = (byte)flags;
        target[6] = 0;
        target[7] = 0;
        int offset = HeaderBytes;
        if (kind == EntryKind.Group)
        {
            KeyBytes.Write(target[offset..], key);
            offset += KeyBytes.Length;
        }

        payload.CopyTo(target[offset..]);
    }

    /// <summary>Reads the entry at the start of <paramref name="source"/> and moves <paramref name="source"/> past it.</summary>
    /// <exception cref="WalFormatException">There is no entry.</exception>
    public static WalEntry Read(ref ReadOnlyMemory<byte> source, long lsn)
    {
        ReadOnlySpan<byte> span = source.Span;
        if (span.Length < HeaderBytes)
            throw new WalFormatException($"Entry {lsn} is cut short.");
        int length = BinaryPrimitives.ReadInt32LittleEndian(span);
        var kind = (EntryKind)span[4];
        var flags = (EntryFlags)span[5];
        if (kind is < EntryKind.NoOp or > EntryKind.Group || length is < 0 or > WalBatch.MaxPayloadBytes || span.Length < Total(kind, length))
            throw new WalFormatException($"Entry {lsn} has an impossible kind or length.");
        EntryKey key = kind == EntryKind.Group ? KeyBytes.Read(span[HeaderBytes..]) : default;
        int total = Total(kind, length);
        var entry = new WalEntry(lsn, kind, flags, key, source[(total - length)..total]);
        source = source[total..];
        return entry;
    }
}
