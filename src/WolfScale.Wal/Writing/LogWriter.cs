using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using WolfScale.Wal.Files;
using WolfScale.Wal.Reading;
using WolfScale.Wal.Segments;

namespace WolfScale.Wal.Writing;

/// <summary>
/// The disk side of the log: the only one that changes files. Not thread-safe; its caller lets one thread in at a time. Every method either does
/// all it says or throws; after disk-full, <see cref="DropHalfWritten"/> makes it fit to go on, after anything else it is not used again.
/// </summary>
internal sealed class LogWriter(WalOptions options, IWalFiles files, SegmentTable table, SegmentFiles readers, SyncedRecord record) : IDisposable
{
    private const string Extension = ".wal";
    private readonly byte[] _gather = GC.AllocateUninitializedArray<byte>(SegmentWriter.GatherBytes);
    private readonly List<PlacedBatch> _placed = [];
    private SegmentWriter? _active;

    /// <summary>The state at the end of what is written.</summary>
    public LogState End { get; private set; }

    /// <summary>The last LSN that is synced for certain.</summary>
    public long SyncedLsn { get; private set; }

    /// <summary>How long the disk took for each sync.</summary>
    public LatencyHistogram SyncTimes { get; } = new();

    /// <summary>The last LSN recorded as synced, apart from the log.</summary>
    public long RecordedLsn => record.Lsn;

    /// <summary>The file name of the segment that begins with that LSN; names sort as LSNs do.</summary>
    public static string NameOf(long firstLsn) => firstLsn.ToString("D20", System.Globalization.CultureInfo.InvariantCulture) + Extension;

    /// <summary>The LSN in a segment's file name, or null when it is another file.</summary>
    public static long? FirstLsnOf(string name) =>
        name.Length == 20 + Extension.Length && name.EndsWith(Extension, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(0, 20), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long lsn)
            ? lsn
            : null;

    /// <summary>Takes up a checked and synced log.</summary>
    public void Resume(LogState end)
    {
        End = end;
        SyncedLsn = end.End.Lsn;
        if (table.Last is { } last)
            _active = OpenForWriting(last);
    }

    /// <summary>Whether a group of that length goes into the present segment. A segment takes at least one batch, however long.</summary>
    public bool Fits(long bytes, bool isOneBatch) =>
        _active is not null && ((isOneBatch && _active.Segment.IsEmpty) || _active.End + Frame.Bytes + bytes <= options.SegmentBytes);

    /// <summary>Seals the present segment, if there is one, and begins the next.</summary>
    public void Roll(Guid clusterId)
    {
        if (_active is not null)
        {
            // The next segment's existence proves that this one was synced (recovery relies on it), so: first the sync, then the next.
            _active.Seal();
            SyncedLsn = End.End.Lsn;
            record.Write(SyncedLsn);
        }

        Segment next = Create(clusterId, End);
        _active?.Dispose();
        _active = OpenForWriting(next);
    }

    /// <summary>Writes batches behind the end, as one write where they are small, and syncs them if asked to.</summary>
    public void WriteGroup(ReadOnlySpan<WalBatch> batches, bool sync)
    {
        SegmentWriter active = _active!;
        LogState end = End;
        _placed.Clear();
        active.Begin(new Frame(SyncedLsn, end.End.Lsn));
        foreach (WalBatch batch in batches)
        {
            ConfigurationEntry? configuration = BatchReading.ConfigurationOf(batch);
            _placed.Add(new PlacedBatch(batch, active.Append(batch.Bytes.Span), configuration));
            end = end.After(batch.Header, configuration);
        }

        active.Finish();
        if (sync)
            SyncData(active);
        active.Commit();
        table.Publish(active.Segment, CollectionsMarshal.AsSpan(_placed));
        End = end;
        if (sync)
            SyncedLsn = end.End.Lsn;
    }

    /// <summary>Syncs what was written without.</summary>
    public void Sync()
    {
        if (_active is { } active)
            SyncData(active);
        SyncedLsn = End.End.Lsn;
    }

    private void SyncData(SegmentWriter active)
    {
        long begun = Stopwatch.GetTimestamp();
        active.SyncData();
        SyncTimes.Record(Stopwatch.GetElapsedTime(begun));
    }

    /// <summary>Records the synced LSN apart from the log (rule C6).</summary>
    public void Record() => record.Write(SyncedLsn);

    /// <summary>
    /// Cuts the log after <paramref name="after"/>, durably: nothing of what is cut off can come back, and nothing new is written before
    /// that holds. C6: the record is lowered first, else a crash in between would look like damage.
    /// </summary>
    public void CutAfter(LogState after, LogReader reader)
    {
        long lastKept = after.End.Lsn;
        if (lastKept >= End.End.Lsn)
            return;
        if (record.Lsn > lastKept)
            record.Write(lastKept);
        Segment[] segments = table.Snapshot();
        for (int i = segments.Length - 1; i > 0 && segments[i].FirstLsn > lastKept; i--)
            Delete(segments[i]);
        Segment last = table.Last!;
        long end = lastKept < last.FirstLsn ? last.Header.Bytes : lastKept == last.After.End.Lsn ? last.End : reader.EndOffsetOf(lastKept);
        table.Cut(last, end, after);
        _active?.Dispose();
        _active = OpenForWriting(last);
        _active.CutToEnd();
        End = after;
        SyncedLsn = lastKept;
    }

    /// <summary>Empties the log and begins it anew after <paramref name="start"/>.</summary>
    public void Reset(LogState start, Guid clusterId)
    {
        record.Write(0);
        Segment[] segments = table.Snapshot();
        for (int i = segments.Length - 1; i >= 0; i--)
            Delete(segments[i]);
        Segment first = Create(clusterId, start);
        _active?.Dispose();
        _active = OpenForWriting(first);
        End = start;
        SyncedLsn = start.End.Lsn;
        record.Write(SyncedLsn);
    }

    /// <summary>Deletes the oldest segment.</summary>
    public void DeleteOldest(Segment segment) => Delete(segment);

    /// <summary>After disk-full: cuts off what the failed write left, so that nothing half-written is ever believed.</summary>
    public void DropHalfWritten() => _active?.CutToEnd();

    /// <summary>Leaves the files as small as they can be, synced, and the record exact.</summary>
    public void Close()
    {
        _active?.CutToEnd();
        SyncedLsn = End.End.Lsn;
        record.Write(SyncedLsn);
        record.Write(SyncedLsn); // both slots, so that one rotten slot cannot hide a missing end
    }

    public void Dispose()
    {
        _active?.Dispose();
        record.Dispose();
    }

    private SegmentWriter OpenForWriting(Segment segment) => new(segment, files.Open(segment.Path, create: false), _gather, options);

    private Segment Create(Guid clusterId, in LogState before)
    {
        var header = new SegmentHeader(clusterId, BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))), before);
        string path = Path.Combine(options.Directory, NameOf(header.FirstLsn));
        // Under a temporary name until it is synced: a segment file whose header cannot be read is damage, never a crash.
        Posix.ReplaceFile(files, path, header.Encode());
        var segment = new Segment(path, header);
        table.Add(segment);
        return segment;
    }

    private void Delete(Segment segment)
    {
        table.Remove(segment);
        files.Delete(segment.Path);
        files.SyncDirectory(options.Directory); // one by one, newest first: a crash in between leaves a log without a gap
        readers.Forget(segment.Path);
    }
}
