using System.Buffers.Binary;
using WolfScale.Wal.Files;
using WolfScale.Wal.Reading;
using WolfScale.Wal.Segments;

namespace WolfScale.Wal.Recovery;

/// <summary>Why reading a segment ended.</summary>
internal enum ScanStop
{
    /// <summary>The file ends after a batch.</summary>
    EndOfFile,

    /// <summary>A valid footer follows.</summary>
    Footer,

    /// <summary>Zeros follow: space filled ahead, or sectors that never were written.</summary>
    Zeros,

    /// <summary>Something follows that is none of the log's.</summary>
    Bad,
}

/// <summary>Reads one segment from its beginning and takes note of every batch, until something is not a batch.</summary>
internal sealed class SegmentScanner(IWalFile file, Segment segment)
{
    private const int ChunkBytes = 1 << 20;
    private readonly FileWindow _window = new(file, (int)Math.Clamp(file.Length, WalBatch.HeaderBytes, ChunkBytes));

    /// <summary>Where it ended.</summary>
    public long Offset { get; private set; } = segment.Header.Bytes;

    /// <summary>What is wrong there, when it ended with <see cref="ScanStop.Bad"/>.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>Reads on until there is no more. <paramref name="deep"/>: also decodes every entry and compares it with what the header says.</summary>
    /// <exception cref="WalRefusedException">There is a batch of a version that this program does not know.</exception>
    public ScanStop Scan(bool deep)
    {
        long length = file.Length;
        while (Offset < length)
        {
            ReadOnlySpan<byte> here = _window.Read(Offset, WalBatch.HeaderBytes);
            uint magic = here.Length < sizeof(uint) ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(here);
            if (magic == 0)
                return ScanStop.Zeros;
            if (magic == SegmentFooter.Magic && SegmentFooter.IsAt(file, segment, Offset))
                return ScanStop.Footer;
            if (magic == Frame.Magic && Frame.TryRead(here, segment.Header.Salt, Offset, out _))
                Offset += Frame.Bytes;
            else if (!TryTakeBatch(here, deep))
                return ScanStop.Bad;
        }

        return ScanStop.EndOfFile;
    }

    /// <summary>
    /// Looks in what follows the end for frames of later writes: the highest LSN that they prove to have been synced, or 0. Frames are
    /// tied to their segment and offset, so nothing else can pass for one.
    /// </summary>
    public long ProofAfterEnd(out long lastUsedOffset)
    {
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, Frame.Magic);
        long length = file.Length;
        long proven = 0;
        lastUsedOffset = Offset;
        for (long offset = Offset; offset < length;)
        {
            ReadOnlySpan<byte> chunk = _window.Read(offset, ChunkBytes);
            if (chunk.IsEmpty)
                break; // cut off meanwhile, by the node whose log is only looked at (WalInspection)
            int used = chunk.LastIndexOfAnyExcept((byte)0);
            if (used >= 0)
                lastUsedOffset = offset + used + 1;
            int at = chunk.IndexOf(magic);
            if (at < 0)
            {
                // The magic number may lie across the chunk's end.
                offset += chunk.Length == ChunkBytes ? chunk.Length - sizeof(uint) + 1 : chunk.Length;
                continue;
            }

            if (Frame.TryRead(_window.Read(offset + at, Frame.Bytes), segment.Header.Salt, offset + at, out Frame frame))
                proven = Math.Max(proven, frame.SyncedLsn);
            offset += at + 1;
        }

        return proven;
    }

    private bool TryTakeBatch(ReadOnlySpan<byte> here, bool deep)
    {
        if (BatchHeader.IsOfOtherVersion(here, out string problem))
            throw new WalRefusedException($"{segment.Path}, at LSN {segment.After.End.Lsn + 1}: {problem}. Nothing was changed: run the program that wrote it, or a newer one.");
        if (!BatchHeader.TryRead(here, out BatchHeader header, out problem))
            return Stop(problem);
        WalPosition end = segment.After.End;
        if (header.FirstLsn != end.Lsn + 1 || header.Term < end.Term)
            return Stop($"the batch is of LSN {header.FirstLsn}, term {header.Term}, after LSN {end.Lsn}, term {end.Term}");
        ReadOnlySpan<byte> bytes = _window.Read(Offset, header.TotalBytes);
        if (!WalBatch.CheckBody(bytes, header, out problem))
            return Stop(problem);
        ConfigurationEntry? configuration = null;
        if (deep || header.FirstKind == EntryKind.Configuration)
        {
            WalBatch batch = WalBatch.Parse(bytes);
            try
            {
                configuration = BatchReading.ConfigurationOf(batch);
                if (deep && BatchReading.Fold(batch, segment.After.Groups, long.MaxValue) != segment.After.Groups.After(header))
                    return Stop("the batch header tells of other groups than its entries");
            }
            catch (WalFormatException e)
            {
                return Stop(e.Message);
            }
            finally
            {
                batch.Release();
            }
        }

        segment.Add(header, Offset, configuration);
        Offset += header.TotalBytes;
        return true;
    }

    private bool Stop(string problem)
    {
        Problem = problem;
        return false;
    }
}
