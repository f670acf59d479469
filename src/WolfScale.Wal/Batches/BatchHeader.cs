using System.Buffers.Binary;

namespace WolfScale.Wal;

/// <summary>
/// The first <see cref="WalBatch.HeaderBytes"/> bytes of a batch, little-endian:
/// <code>
///   0  magic u32          4  total length u32     8  first LSN i64      16  term i64
///  24  entries u32       28  raw body length u32  32  version u8  33 compression u8  34 kind of first entry u8  35 group flags u8
///  36  CRC of body u32   40  lowest sequence u64  48  highest sequence u64
///  56  head end u32      60  last complete end u32
///  64  head GTID         80  last complete GTID   96  tail GTID (domain u32, server u32, sequence u64 each)
/// 112  zero (12 bytes)  124  CRC of bytes 0–123 u32
/// </code>
/// Only LSN, term and the header's CRC are unknown until the leader assigns the batch its place, so the body is compressed and
/// checksummed before that.
/// </summary>
internal struct BatchHeader
{
    public const uint Magic = 0x3142_5357; // "WSB1"
    private const byte CurrentVersion = 1;
    private const int CrcOffset = WalBatch.HeaderBytes - sizeof(uint);

    public int TotalBytes;
    public long FirstLsn;
    public long Term;
    public int Count;
    public int RawBytes;
    public bool Compressed;
    public EntryKind FirstKind;
    public uint BodyCrc;
    public GroupSummary Groups;

    public readonly long LastLsn => FirstLsn + Count - 1;

    public readonly int BodyBytes => TotalBytes - WalBatch.HeaderBytes;

    public readonly WalBatchInfo Info => new(FirstLsn, LastLsn, Term, TotalBytes, FirstKind);

    /// <summary>Writes all of it, checksum included.</summary>
    public readonly void Write(Span<byte> target)
    {
        target[..WalBatch.HeaderBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], TotalBytes);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], FirstLsn);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], Term);
        BinaryPrimitives.WriteInt32LittleEndian(target[24..], Count);
        BinaryPrimitives.WriteInt32LittleEndian(target[28..], RawBytes);
        target[32] = CurrentVersion;
        target[33] = Compressed ? (byte)1 : (byte)0;
        target[34] = (byte)FirstKind;
        target[35] = (byte)Groups.Flags;
        BinaryPrimitives.WriteUInt32LittleEndian(target[36..], BodyCrc);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], Groups.MinSequence);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], Groups.MaxSequence);
        BinaryPrimitives.WriteInt32LittleEndian(target[56..], Groups.HeadEnd);
        BinaryPrimitives.WriteInt32LittleEndian(target[60..], Groups.LastCompleteEnd);
        KeyBytes.Write(target[64..], Groups.Head);
        KeyBytes.Write(target[80..], Groups.LastComplete);
        KeyBytes.Write(target[96..], Groups.Tail);
        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcOffset..], Crc32C.Of(target[..CrcOffset]));
    }

    /// <summary>Reads and checks a header. <paramref name="problem"/> says what is wrong when it returns false.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out BatchHeader header, out string problem)
    {
        header = default;
        problem = "";
        if (source.Length < WalBatch.HeaderBytes)
            problem = "the batch header is cut short";
        else if (BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic)
            problem = "no batch begins here (magic number)";
        else if (BinaryPrimitives.ReadUInt32LittleEndian(source[CrcOffset..]) != Crc32C.Of(source[..CrcOffset]))
            problem = "the batch header's checksum is wrong";
        else if (source[32] != CurrentVersion)
            problem = OtherVersion(source[32]);
        if (problem.Length > 0)
            return false;

        header = Decode(source);
        if (!header.IsPossible(source[33]))
            problem = "the batch header's numbers are impossible";
        return problem.Length == 0;
    }

    /// <summary>
    /// Whether a batch of another version begins here. Its header is whole, so it is neither torn nor rotten: somebody who knows more has written it, and it must not be cut off.
    /// What a version fixes beside magic, version and checksum may all be different in it.
    /// </summary>
    public static bool IsOfOtherVersion(ReadOnlySpan<byte> source, out string problem)
    {
        problem = "";
        if (source.Length < WalBatch.HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic || source[32] == CurrentVersion
            || BinaryPrimitives.ReadUInt32LittleEndian(source[CrcOffset..]) != Crc32C.Of(source[..CrcOffset]))
            return false;
        problem = OtherVersion(source[32]);
        return true;
    }

    private static string OtherVersion(byte version) => $"the batch is of version {version}, and this program knows version {CurrentVersion}";

    private static BatchHeader Decode(ReadOnlySpan<byte> source) => new()
    {
        TotalBytes = BinaryPrimitives.ReadInt32LittleEndian(source[4..]),
        FirstLsn = BinaryPrimitives.ReadInt64LittleEndian(source[8..]),
        Term = BinaryPrimitives.ReadInt64LittleEndian(source[16..]),
        Count = BinaryPrimitives.ReadInt32LittleEndian(source[24..]),
        RawBytes = BinaryPrimitives.ReadInt32LittleEndian(source[28..]),
        Compressed = source[33] == 1,
        FirstKind = (EntryKind)source[34],
        BodyCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[36..]),
        Groups = new GroupSummary
        {
            Flags = (GroupFlags)source[35],
            MinSequence = BinaryPrimitives.ReadUInt64LittleEndian(source[40..]),
            MaxSequence = BinaryPrimitives.ReadUInt64LittleEndian(source[48..]),
            HeadEnd = BinaryPrimitives.ReadInt32LittleEndian(source[56..]),
            LastCompleteEnd = BinaryPrimitives.ReadInt32LittleEndian(source[60..]),
            Head = KeyBytes.Read(source[64..]),
            LastComplete = KeyBytes.Read(source[80..]),
            Tail = KeyBytes.Read(source[96..]),
        },
    };

    // A right checksum says that the bytes are those that were written, not that a peer wrote sense: nothing here may later overflow
    // or allocate without bound.
    private readonly bool IsPossible(byte compression) =>
        TotalBytes is > WalBatch.HeaderBytes and <= WalBatch.MaxTotalBytes
        && RawBytes is > 0 and <= WalBatch.MaxTotalBytes
        && (compression == 0 ? BodyBytes == RawBytes : compression == 1 && BodyBytes < RawBytes)
        && Count > 0 && Count <= RawBytes / EntryBytes.HeaderBytes
        && FirstLsn > 0 && FirstLsn <= long.MaxValue - Count && Term >= 0
        && FirstKind is >= EntryKind.NoOp and <= EntryKind.Group
        && (FirstKind != EntryKind.Configuration || Count == 1)
        && (Groups.Flags & ~GroupFlags.All) == 0
        && Groups.HeadEnd >= 0 && Groups.HeadEnd < Count && Groups.LastCompleteEnd >= 0 && Groups.LastCompleteEnd < Count;
}

/// <summary>A GTID in 16 bytes: domain u32, server u32, sequence u64.</summary>
internal static class KeyBytes
{
    public const int Length = 16;

    public static void Write(Span<byte> target, EntryKey key)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, key.Domain);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], key.ServerId);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], key.Sequence);
    }

    public static EntryKey Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(source),
        BinaryPrimitives.ReadUInt32LittleEndian(source[4..]),
        BinaryPrimitives.ReadUInt64LittleEndian(source[8..]));
}
