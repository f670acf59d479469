using System.Buffers.Binary;
using WolfScale.Wal.Files;

namespace WolfScale.Wal.Segments;

/// <summary>
/// What a full segment has after its last batch, so that opening a long log need not read all of it: the state at its end, the index, the terms and the
/// configurations. <code> 0 magic u32   4 length u32   8 CRC u32   12 content   length−8 length u32   length−4 magic u32 </code>
/// A footer that cannot be read is no loss: the segment is read instead.
/// </summary>
internal static class SegmentFooter
{
    public const uint Magic = 0x3145_5357; // "WSE1"
    private const int StartBytes = 12;
    private const int TrailerBytes = 8;
    private const int Longest = 64 << 20;

    public static byte[] Encode(Segment segment)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(stackalloc byte[StartBytes]);
        writer.Write(segment.End);
        writer.Write(segment.After.End.Lsn);
        writer.Write(segment.After.End.Term);
        Write(writer, segment.After.Groups);
        writer.Write(segment.Blocks.Count);
        foreach (IndexBlock block in segment.Blocks)
        {
            writer.Write(block.FirstLsn);
            writer.Write(block.Offset);
            Write(writer, block.Before);
            writer.Write(block.HasGroups);
            writer.Write(block.MinSequence);
            writer.Write(block.MaxSequence);
        }

        writer.Write(segment.Terms.Count);
        foreach (TermStart term in segment.Terms)
        {
            writer.Write(term.FirstLsn);
            writer.Write(term.Term);
        }

        writer.Write(segment.Configurations.Count);
        foreach (ConfigurationEntry configuration in segment.Configurations)
        {
            writer.Write(configuration.Lsn);
            writer.Write(configuration.Payload.Length);
            writer.Write(configuration.Payload.Span);
        }

        int length = (int)stream.Length + TrailerBytes;
        writer.Write(length);
        writer.Write(Magic);
        byte[] bytes = stream.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Crc(bytes, segment));
        return bytes;
    }

    /// <summary>Whether a valid footer stands at that place and reaches to the end of the file.</summary>
    public static bool IsAt(IWalFile file, Segment segment, long offset) => TryLoad(file, segment, offset, file.Length - offset) is not null;

    /// <summary>Fills an empty <paramref name="segment"/> from its footer; false when there is none that can be believed.</summary>
    public static bool TryRestore(IWalFile file, Segment segment)
    {
        long fileLength = file.Length;
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        if (fileLength < segment.Header.Bytes + StartBytes + TrailerBytes
            || file.Read(trailer, fileLength - TrailerBytes) < TrailerBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != Magic)
            return false;
        long length = BinaryPrimitives.ReadInt32LittleEndian(trailer);
        if (TryLoad(file, segment, fileLength - length, length) is not { } bytes)
            return false;
        using var reader = new BinaryReader(new MemoryStream(bytes, StartBytes, bytes.Length - StartBytes));
        Decode(reader, segment);
        return true;
    }

    private static byte[]? TryLoad(IWalFile file, Segment segment, long offset, long length)
    {
        if (length is < StartBytes + TrailerBytes or > Longest || offset < segment.Header.Bytes)
            return null;
        byte[] bytes = new byte[length];
        return file.Read(bytes, offset) == length
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Magic
            && BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4)) == length
            && BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(StartBytes)) == offset
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8)) == Crc(bytes, segment)
            ? bytes
            : null;
    }

    // All but the checksum's own place, which is read as zero; the salt ties it to this very segment.
    private static uint Crc(byte[] bytes, Segment segment)
    {
        uint stored = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        bytes.AsSpan(8, sizeof(uint)).Clear();
        uint crc = Crc32C.Of(bytes, segment.Header.Salt, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), stored);
        return crc;
    }

    private static void Decode(BinaryReader reader, Segment segment)
    {
        long end = reader.ReadInt64();
        var last = new WalPosition(reader.ReadInt64(), reader.ReadInt64());
        GroupState groups = ReadGroups(reader);
        var blocks = new IndexBlock[reader.ReadInt32()];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = new IndexBlock
            {
                FirstLsn = reader.ReadInt64(),
                Offset = reader.ReadInt64(),
                Before = ReadGroups(reader),
                HasGroups = reader.ReadBoolean(),
                MinSequence = reader.ReadUInt64(),
                MaxSequence = reader.ReadUInt64(),
            };
        }

        var terms = new TermStart[reader.ReadInt32()];
        for (int i = 0; i < terms.Length; i++)
            terms[i] = new TermStart(reader.ReadInt64(), reader.ReadInt64());
        var configurations = new ConfigurationEntry[reader.ReadInt32()];
        for (int i = 0; i < configurations.Length; i++)
            configurations[i] = new ConfigurationEntry(reader.ReadInt64(), reader.ReadBytes(reader.ReadInt32()));
        ConfigurationEntry? newest = configurations.Length > 0 ? configurations[^1] : segment.Header.Before.Configuration;
        segment.Restore(new LogState(last, newest, groups), end, blocks, terms, configurations);
    }

    private static void Write(BinaryWriter writer, in GroupState groups)
    {
        Span<byte> keys = stackalloc byte[2 * KeyBytes.Length];
        KeyBytes.Write(keys, groups.Open);
        KeyBytes.Write(keys[KeyBytes.Length..], groups.Last.Key);
        writer.Write(groups.HasOpen);
        writer.Write(groups.HasLast);
        writer.Write(keys);
        writer.Write(groups.Last.LastLsn);
    }

    private static GroupState ReadGroups(BinaryReader reader)
    {
        bool hasOpen = reader.ReadBoolean();
        bool hasLast = reader.ReadBoolean();
        Span<byte> keys = stackalloc byte[2 * KeyBytes.Length];
        reader.ReadExactly(keys);
        return new GroupState(hasOpen, KeyBytes.Read(keys), hasLast, new GroupEnd(KeyBytes.Read(keys[KeyBytes.Length..]), reader.ReadInt64()));
    }
}
