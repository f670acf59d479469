using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace WolfScale.Wal.Segments;

/// <summary>
/// The beginning of a segment file, little-endian, padded with zeros to a multiple of 4096 bytes so that no append ever rewrites it:
/// <code>
///   0  magic u64        8  version u32     12  header length u32   16  cluster id (16)
///  32  first LSN i64   40  term before i64 48  salt u64
///  56  LSN of the configuration i64  64  its length u32  68  flags u32 (1 configuration, 2 last group, 4 open group)
///  72  last group GTID (16)  88  its last LSN i64  96  open group GTID (16)  112  CRC of the whole header u32  256  configuration
/// </code>
/// Everything after "first LSN" is about the entries before it, which pruning may have deleted.
/// </summary>
internal sealed record SegmentHeader(Guid ClusterId, ulong Salt, LogState Before)
{
    private const ulong Magic = 0x4745_534C_4157_5357; // "WSWALSEG"
    private const int CurrentVersion = 1;
    private const int FixedBytes = 256;
    private const int CrcOffset = 112;
    private const int Alignment = 4096;
    private const int LongestHeader = WalBatch.MaxTotalBytes;

    [Flags]
    private enum Has
    {
        Configuration = 1,
        LastGroup = 2,
        OpenGroup = 4,
    }

    public long FirstLsn => Before.End.Lsn + 1;

    /// <summary>Where the first batch begins.</summary>
    public int Bytes => (FixedBytes + (Before.Configuration?.Payload.Length ?? 0) + Alignment - 1) / Alignment * Alignment;

    public byte[] Encode()
    {
        byte[] bytes = new byte[Bytes];
        Span<byte> target = bytes;
        BinaryPrimitives.WriteUInt64LittleEndian(target, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], CurrentVersion);
        BinaryPrimitives.WriteInt32LittleEndian(target[12..], bytes.Length);
        ClusterId.TryWriteBytes(target[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], FirstLsn);
        BinaryPrimitives.WriteInt64LittleEndian(target[40..], Before.End.Term);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], Salt);
        Has has = 0;
        if (Before.Configuration is { } configuration)
        {
            has |= Has.Configuration;
            BinaryPrimitives.WriteInt64LittleEndian(target[56..], configuration.Lsn);
            BinaryPrimitives.WriteInt32LittleEndian(target[64..], configuration.Payload.Length);
            configuration.Payload.Span.CopyTo(target[FixedBytes..]);
        }

        GroupState groups = Before.Groups;
        has |= (groups.HasLast ? Has.LastGroup : 0) | (groups.HasOpen ? Has.OpenGroup : 0);
        KeyBytes.Write(target[72..], groups.Last.Key);
        BinaryPrimitives.WriteInt64LittleEndian(target[88..], groups.Last.LastLsn);
        KeyBytes.Write(target[96..], groups.Open);
        BinaryPrimitives.WriteInt32LittleEndian(target[68..], (int)has);
        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcOffset..], Crc32C.Of(bytes)); // with zero in the checksum's own place
        return bytes;
    }

    /// <summary>Reads and checks the header of a segment file; false, with the reason, when it is not one.</summary>
    public static bool TryRead(Files.IWalFile file, [NotNullWhen(true)] out SegmentHeader? header, out string problem)
    {
        header = null;
        Span<byte> start = stackalloc byte[FixedBytes];
        problem = file.Read(start, 0) < FixedBytes ? "the segment header is cut short"
            : BinaryPrimitives.ReadUInt64LittleEndian(start) != Magic ? "the segment header has no magic number"
            : "";
        int length = BinaryPrimitives.ReadInt32LittleEndian(start[12..]);
        if (problem.Length == 0 && (length is < Alignment or > LongestHeader || length % Alignment != 0))
            problem = "the segment header's length is impossible";
        if (problem.Length > 0)
            return false;

        byte[] bytes = new byte[length];
        if (file.Read(bytes, 0) < length)
            problem = "the segment header is cut short";
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(CrcOffset));
        bytes.AsSpan(CrcOffset, sizeof(uint)).Clear();
        if (problem.Length == 0 && crc != Crc32C.Of(bytes))
            problem = "the segment header's checksum is wrong";
        if (problem.Length == 0 && BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8)) is var version && version != CurrentVersion)
            throw new WalRefusedException($"{file.Path} is of log version {version}, and this program knows version {CurrentVersion}: run the program that wrote it.");
        if (problem.Length == 0)
            header = Decode(bytes);
        return header is not null;
    }

    private static SegmentHeader Decode(ReadOnlySpan<byte> bytes)
    {
        var has = (Has)BinaryPrimitives.ReadInt32LittleEndian(bytes[68..]);
        var configuration = (has & Has.Configuration) == 0 ? null : new ConfigurationEntry(
            BinaryPrimitives.ReadInt64LittleEndian(bytes[56..]),
            bytes.Slice(FixedBytes, BinaryPrimitives.ReadInt32LittleEndian(bytes[64..])).ToArray());
        var groups = new GroupState(
            (has & Has.OpenGroup) != 0,
            KeyBytes.Read(bytes[96..]),
            (has & Has.LastGroup) != 0,
            new GroupEnd(KeyBytes.Read(bytes[72..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[88..])));
        var before = new WalPosition(BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]) - 1, BinaryPrimitives.ReadInt64LittleEndian(bytes[40..]));
        return new SegmentHeader(new Guid(bytes.Slice(16, 16)), BinaryPrimitives.ReadUInt64LittleEndian(bytes[48..]), new LogState(before, configuration, groups));
    }
}
