using WolfScale.Wal.Files;
using WolfScale.Wal.Reading;
using WolfScale.Wal.Segments;
using WolfScale.Wal.Writing;

namespace WolfScale.Wal.Recovery;

/// <summary>The changes that opening or repairing makes on disk, each in the order that a crash in between cannot turn against us.</summary>
internal static class LogRepair
{
    private const int RewriteChunk = 1 << 20;

    /// <summary>Makes an undamaged log clean and durable: half-made files gone, torn tail gone, the end truly on the disk, the record exact.</summary>
    public static SyncedRecord Settle(WalOptions options, IWalFiles files, LogImage image)
    {
        foreach (string path in image.TemporaryFiles)
            files.Delete(path);
        SyncedRecord record = image.Record ?? SyncedRecord.Create(files, options.Directory, 0);
        image.Record = record;
        if (image.Segments.Count > 0)
            SettleTail(files, image.Segments[^1], record.Lsn);
        files.SyncDirectory(options.Directory);
        if (record.Lsn != image.End.End.Lsn)
            record.Write(image.End.End.Lsn);
        return record;
    }

    /// <summary>
    /// Cuts a log off before <paramref name="lsn"/> or before its damage, whichever comes first. C6: the record is lowered first.
    /// </summary>
    public static long Discard(WalOptions options, IWalFiles files, LogImage image, long lsn)
    {
        if (image.Damage is { } damage)
            lsn = Math.Min(lsn, damage.Lsn);
        foreach (string path in image.TemporaryFiles)
            files.Delete(path);
        image.Record ??= SyncedRecord.Create(files, options.Directory, 0);
        long left = BatchEndAtOrBefore(files, image, Math.Min(lsn - 1, image.End.End.Lsn), out Segment? last, out long end);
        image.Record.Write(Math.Min(image.Record.Lsn, left));

        // Newest first, each deletion durable before the next: a crash in between leaves a log that ends earlier, never one with a gap.
        IEnumerable<string> readable = image.Segments.Where(segment => last is null || segment.FirstLsn > last.FirstLsn).Select(segment => segment.Path);
        foreach (string path in readable.Concat(image.OtherSegmentFiles).OrderDescending(StringComparer.Ordinal))
        {
            files.Delete(path);
            files.SyncDirectory(options.Directory);
        }

        if (last is null)
            return 0;
        using IWalFile file = files.Open(last.Path, create: false);
        file.SetLength(end);
        file.Sync();
        return left;
    }

    // Everything from the recorded LSN on is written once more, with the same bytes, before it is synced: after a failed fsync the kernel
    // may hold pages that look clean and never reached the disk, and syncing those would prove nothing (fsync(2), "fsyncgate").
    private static void SettleTail(IWalFiles files, Segment last, long recordedLsn)
    {
        using IWalFile file = files.Open(last.Path, create: false);
        if (file.Length != last.End)
            file.SetLength(last.End);
        long from = last.IsEmpty || recordedLsn >= last.After.End.Lsn ? last.End
            : recordedLsn < last.FirstLsn ? last.Header.Bytes
            : last.Blocks[last.BlockOf(recordedLsn + 1)].Offset;
        byte[] buffer = new byte[Math.Min(RewriteChunk, last.End - from)];
        while (from < last.End)
        {
            int count = file.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, last.End - from)), from);
            file.Write(buffer.AsSpan(0, count), from);
            from += count;
        }

        file.Sync();
    }

    private static long BatchEndAtOrBefore(IWalFiles files, LogImage image, long lsn, out Segment? segment, out long offset)
    {
        offset = 0;
        segment = image.Segments.LastOrDefault(candidate => candidate.Header.Before.End.Lsn <= lsn);
        if (segment is null)
            return 0;
        if (lsn >= segment.After.End.Lsn)
        {
            offset = segment.End;
            return segment.After.End.Lsn;
        }

        if (lsn < segment.FirstLsn)
        {
            offset = segment.Header.Bytes;
            return segment.FirstLsn - 1;
        }

        var table = new SegmentTable();
        table.Add(segment);
        using var readers = new SegmentFiles(files);
        _ = new LogReader(table, readers).TryLocate(lsn, out _, out StoredBatch batch);
        bool isEnd = batch.Header.LastLsn == lsn;
        offset = isEnd ? batch.Offset + batch.Header.TotalBytes : batch.Offset;
        return isEnd ? lsn : batch.Header.FirstLsn - 1;
    }
}
