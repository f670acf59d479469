using System.Buffers.Binary;
using WolfScale.Wal.Files;
using WolfScale.Wal.Segments;
using WolfScale.Wal.Writing;

namespace WolfScale.Wal.Reading;

/// <summary>Walks over the batches in a log's files without the log being open. Everything it gives out has been checked against its checksums.</summary>
internal sealed class LogFilesReader(IWalFiles files, string directory)
{
    private const int ChunkBytes = 1 << 20;

    public IEnumerable<WalBatch> Read(long fromLsn)
    {
        List<long> segments = [.. files.List(directory).Select(LogWriter.FirstLsnOf).OfType<long>().Order()];
        if (segments.Count > 0 && fromLsn > 0 && fromLsn < segments[0])
            throw new WalPrunedException(fromLsn, segments[0]);
        int first = Math.Max(0, segments.FindLastIndex(lsn => lsn <= fromLsn));
        long next = segments.Count > 0 ? segments[first] : 0;
        for (int i = first; i < segments.Count; i++)
        {
            string path = Path.Combine(directory, LogWriter.NameOf(segments[i]));
            using IWalFile file = files.Open(path, create: false);
            if (!SegmentHeader.TryRead(file, out SegmentHeader? header, out string problem) || segments[i] != next)
                throw Damaged(path, 0, next, problem.Length > 0 ? problem : $"the segment with LSN {next} is missing");
            var window = new FileWindow(file, (int)Math.Clamp(file.Length, WalBatch.HeaderBytes, ChunkBytes));
            long offset = header.Bytes;
            while (TryNext(window, header, ref offset, next, out WalBatch? batch, out problem))
            {
                next = batch!.LastLsn + 1;
                if (batch.LastLsn >= fromLsn)
                    yield return batch;
                else
                    batch.Release();
            }

            // Whatever follows the last batch of an old segment needs no reading, as long as the next segment goes on where this one ends.
            if (i + 1 < segments.Count && segments[i + 1] != next)
                throw Damaged(path, offset, next, problem.Length > 0 ? problem : "the segment ends before the next one begins");
        }
    }

    private static bool TryNext(FileWindow window, SegmentHeader header, ref long offset, long expectedLsn, out WalBatch? batch, out string problem)
    {
        batch = null;
        problem = "";
        while (true)
        {
            ReadOnlySpan<byte> here = window.Read(offset, WalBatch.HeaderBytes);
            if (Frame.TryRead(here, header.Salt, offset, out _))
            {
                offset += Frame.Bytes;
                continue;
            }

            uint magic = here.Length < sizeof(uint) ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(here);
            if (magic is 0 or SegmentFooter.Magic || !BatchHeader.TryRead(here, out BatchHeader found, out problem))
                return false;
            if (found.FirstLsn != expectedLsn)
            {
                problem = $"LSN {found.FirstLsn} stands where LSN {expectedLsn} should";
                return false;
            }

            ReadOnlySpan<byte> bytes = window.Read(offset, found.TotalBytes);
            if (!WalBatch.CheckBody(bytes, found, out problem))
                return false;
            batch = WalBatch.Parse(bytes);
            offset += found.TotalBytes;
            return true;
        }
    }

    private static WalDamagedException Damaged(string path, long offset, long lsn, string problem) =>
        new(new WalDamage(WalDamageKind.Rotten, lsn, lsn - 1, path, offset, problem));
}
