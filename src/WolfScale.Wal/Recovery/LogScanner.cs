using System.Diagnostics.CodeAnalysis;
using WolfScale.Wal.Files;
using WolfScale.Wal.Segments;
using WolfScale.Wal.Writing;

namespace WolfScale.Wal.Recovery;

/// <summary>
/// Reads a log's folder and tells a torn tail from damage (rule C6). What was synced is proven by three witnesses: the record apart from
/// the log, the frames of later writes, and the mere existence of a later segment (it is made only after its predecessor was synced).
/// The log ends at the first thing that is not its continuation: at or after all that is proven, that is the torn tail of a write that
/// nobody was told of; before it, it is damage.
/// </summary>
internal sealed class LogScanner
{
    private readonly WalOptions _options;
    private readonly IWalFiles _files;
    private readonly LogImage _image;

    private LogScanner(WalOptions options, IWalFiles files, LogImage image)
    {
        _options = options;
        _files = files;
        _image = image;
    }

    /// <param name="options">The log.</param>
    /// <param name="files">Its file layer.</param>
    /// <param name="readBytes">How much of the log's end is read in full; older segments with a good footer are taken at its word.</param>
    /// <param name="deep">Decode every entry that is read.</param>
    public static LogImage Scan(WalOptions options, IWalFiles files, long readBytes, bool deep)
    {
        var image = new LogImage();
        try
        {
            new LogScanner(options, files, image).Scan(readBytes, deep);
            return image;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    private void Scan(long readBytes, bool deep)
    {
        List<long> firstLsns = ListFiles();
        _image.Record = SyncedRecord.TryOpen(_files, _options.Directory);
        int readFrom = FirstToRead(firstLsns, readBytes);
        for (int i = 0; i < firstLsns.Count && _image.Damage is null; i++)
            ScanSegment(firstLsns, i, i >= readFrom, deep);
        _image.Damage ??= CompareWithRecord(firstLsns.Count > 0);
    }

    private List<long> ListFiles()
    {
        List<long> firstLsns = [];
        foreach (string name in _files.List(_options.Directory))
        {
            if (LogWriter.FirstLsnOf(name) is { } lsn)
                firstLsns.Add(lsn);
            else if (name.EndsWith(".tmp", StringComparison.Ordinal))
                _image.TemporaryFiles.Add(Path.Combine(_options.Directory, name));
        }

        firstLsns.Sort();
        return firstLsns;
    }

    private int FirstToRead(List<long> firstLsns, long readBytes)
    {
        int first = firstLsns.Count;
        for (long total = 0; first > 0 && (total < readBytes || first >= firstLsns.Count - 1); first--)
        {
            using IWalFile file = _files.Open(PathOf(firstLsns[first - 1]), create: false);
            total += file.Length;
        }

        return first;
    }

    private void ScanSegment(List<long> firstLsns, int index, bool read, bool deep)
    {
        bool isLast = index == firstLsns.Count - 1;
        string path = PathOf(firstLsns[index]);
        using IWalFile file = _files.Open(path, create: false);
        if (!TryBegin(file, firstLsns[index], isFirst: index == 0, out Segment? segment, out WalDamageKind kind, out string problem))
        {
            for (int i = index; i < firstLsns.Count; i++)
                _image.OtherSegmentFiles.Add(PathOf(firstLsns[i]));
            long lost = index == 0 ? firstLsns[0] : _image.End.End.Lsn + 1;
            _image.Damage = new WalDamage(kind, lost, Proven(firstLsns[^1] - 1), path, 0, problem);
            return;
        }

        _image.Segments.Add(segment);
        if (!read && SegmentFooter.TryRestore(file, segment))
            return;
        var scanner = new SegmentScanner(file, segment);
        ScanStop stop = scanner.Scan(deep);
        _image.BytesChecked += scanner.Offset;
        if (stop is ScanStop.EndOfFile or ScanStop.Footer)
        {
            _image.TornBytes = scanner.Offset - segment.End; // at most a frame without its batches
            return;
        }

        long frames = scanner.ProofAfterEnd(out long used);
        long proven = Proven(isLast ? frames : firstLsns[^1] - 1);
        long lastLsn = segment.After.End.Lsn;
        if (isLast && lastLsn >= proven)
        {
            _image.TornBytes = used - segment.End;
            return;
        }

        if (!isLast && firstLsns[index + 1] == lastLsn + 1)
        {
            // All entries are here; only the footer after them cannot be read, and nothing needs it.
            return;
        }

        for (int i = index + 1; i < firstLsns.Count; i++)
            _image.OtherSegmentFiles.Add(PathOf(firstLsns[i]));
        _image.Damage = new WalDamage(
            stop == ScanStop.Zeros ? WalDamageKind.CutShort : WalDamageKind.Rotten,
            lastLsn + 1,
            proven,
            path,
            scanner.Offset,
            stop == ScanStop.Zeros ? "only zeros where the next batch should be" : scanner.Problem);
    }

    private bool TryBegin(
        IWalFile file, long firstLsn, bool isFirst, [NotNullWhen(true)] out Segment? segment, out WalDamageKind kind, out string problem)
    {
        segment = null;
        kind = WalDamageKind.Rotten;
        if (!SegmentHeader.TryRead(file, out SegmentHeader? header, out problem))
            return false;
        if (_options.ClusterId != Guid.Empty && header.ClusterId != _options.ClusterId)
        {
            throw new WalRefusedException(
                $"The log in {_options.Directory} belongs to cluster {header.ClusterId}, and this node to cluster {_options.ClusterId}. "
                + "Give the node its own data directory, or move this one away.");
        }

        WalPosition end = _image.End.End;
        if (header.FirstLsn != firstLsn)
            problem = $"the file is named after LSN {firstLsn} and its header says {header.FirstLsn}";
        else if (!isFirst && header.FirstLsn > end.Lsn + 1)
            (kind, problem) = (WalDamageKind.SegmentMissing, $"the segment before it ends with LSN {end.Lsn}");
        else if (!isFirst && header.Before.End != end)
            problem = $"it begins after LSN {header.Before.End.Lsn}, term {header.Before.End.Term}, and the segment before it ends with LSN {end.Lsn}, term {end.Term}";
        if (problem.Length > 0)
            return false;
        segment = new Segment(file.Path, header);
        return true;
    }

    private WalDamage? CompareWithRecord(bool anySegment)
    {
        long lastLsn = _image.End.End.Lsn;
        string path = _image.Segments.Count > 0 ? _image.Segments[^1].Path : _options.Directory;
        long offset = _image.Segments.Count > 0 ? _image.Segments[^1].End : 0;
        if (_image.Record is null)
        {
            return anySegment
                ? new WalDamage(WalDamageKind.SyncedRecordLost, lastLsn + 1, lastLsn, path, offset, "the file 'synced' is missing or unreadable, so the log may once have been longer")
                : null;
        }

        return _image.Record.Lsn > lastLsn
            ? new WalDamage(anySegment ? WalDamageKind.CutShort : WalDamageKind.SegmentMissing, lastLsn + 1, _image.Record.Lsn, path, offset, "the log ends here")
            : null;
    }

    private long Proven(long other) => Math.Max(_image.Record?.Lsn ?? 0, other);

    private string PathOf(long firstLsn) => Path.Combine(_options.Directory, LogWriter.NameOf(firstLsn));
}
