using System.Diagnostics;
using WolfScale.Wal.Files;
using WolfScale.Wal.Reading;
using WolfScale.Wal.Recovery;
using WolfScale.Wal.Segments;
using WolfScale.Wal.Writing;

namespace WolfScale.Wal;

/// <summary>
/// The replicated log of one node, on disk. All members may be called from any thread. Appends and truncations come from one caller in
/// order (the host executes the consensus core's effects in order); readers see them at once, the disk gets them in the same order.
/// <code>
///   Append ──▶ tail in memory ──▶ readers, senders, feed
///      └─────▶ queue ──▶ one writer at a time: write a group, fdatasync, publish ──▶ Synced
/// </code>
/// Two locks: <c>_gate</c> guards what is in memory and is never held for input or output; <c>_writing</c> lets one thread at a time
/// change files. Whoever holds <c>_writing</c> may take <c>_gate</c>, never the other way round.
/// </summary>
public sealed partial class WriteAheadLog : IAsyncDisposable
{
    private const string LockFileName = "LOCK";
    private const long SmallestSegmentBytes = 8 << 10; // a header and something behind it

    private readonly Lock _writing = new();
    private readonly object _gate = new(); // a monitor: the writer thread waits on it
    private readonly WalOptions _options;
    private readonly IDisposable _directoryLock;
    private readonly SegmentTable _table = new();
    private readonly SegmentFiles _files;
    private readonly LogReader _reader;
    private readonly LogWriter _writer;

    private WriteAheadLog(WalOptions options, IWalFiles files, IDisposable directoryLock, LogImage image, SyncedRecord record, RecoveryReport report)
    {
        _options = options;
        _directoryLock = directoryLock;
        Recovery = report;
        _tail = new LogTail(options.TailCacheBytes);
        _files = new SegmentFiles(files);
        _reader = new LogReader(_table, _files);
        _writer = new LogWriter(options, files, _table, _files, record);
        _clusterId = image.ClusterId == Guid.Empty ? options.ClusterId : image.ClusterId;
        foreach (Segment segment in image.Segments)
            TakeUp(segment);
        _start = image.Segments.Count > 0 ? image.Segments[0].Header.Before : LogState.At(LogStart.Empty);
        if (_start.Configuration is { } inherited)
            _configurations = [inherited, .. _configurations];
        _end = image.Segments.Count > 0 ? image.End : _start;
        _written = _end.End.Lsn;
        _durable = _end.End.Lsn;
        _writer.Resume(_end);
        _thread = new Thread(WriterThread) { IsBackground = true, Name = "wal-writer" };
        _thread.Start();
    }

    /// <summary>
    /// Everything up to this LSN is durable; second argument: the generation it belongs to. A report of an older generation says nothing
    /// about entries appended after the truncation. Raised on the thread that synced, in order; must be short and must not throw.
    /// </summary>
    public event Action<long, long>? Synced;

    /// <summary>The log has stopped. Raised once per failure, on the thread that met it.</summary>
    public event Action<WalFailure>? Failed;

    /// <summary>How long the disk took for each sync since the log was opened.</summary>
    public LatencyHistogram SyncTimes => _writer.SyncTimes;

    /// <summary>What was found on opening.</summary>
    public RecoveryReport Recovery { get; }

    /// <summary>Opens or creates the log, checks it, and cuts off a torn tail. Everything left is durable when this returns.</summary>
    /// <exception cref="WalDamagedException">Something synced is lost (rule C6): see <see cref="DiscardFrom"/>.</exception>
    /// <exception cref="WalRefusedException">Another process has it open, or it is another cluster's.</exception>
    /// <exception cref="PosixException">A file operation failed.</exception>
    public static WriteAheadLog Open(WalOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.SegmentBytes, SmallestSegmentBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(options.ZeroAheadBytes);
        IWalFiles files = options.Files ?? new PosixFiles();
        IDisposable directoryLock = Lock(options, files);
        try
        {
            long begun = Stopwatch.GetTimestamp();
            LogImage image = LogScanner.Scan(options, files, options.CheckOnOpenBytes, deep: false);
            try
            {
                RecoveryReport report = image.Report(Stopwatch.GetElapsedTime(begun));
                if (image.Damage is { } damage)
                    throw new WalDamagedException(damage, report);
                SyncedRecord record = LogRepair.Settle(options, files, image);
                return new WriteAheadLog(options, files, directoryLock, image, record, report);
            }
            catch
            {
                image.Dispose();
                throw;
            }
        }
        catch
        {
            directoryLock.Dispose();
            throw;
        }
    }

    /// <summary>Checks a whole log, every entry of it, without changing anything. The log must not be open.</summary>
    /// <exception cref="WalRefusedException">Another process has it open, or it is another cluster's.</exception>
    public static RecoveryReport Verify(WalOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        IWalFiles files = options.Files ?? new PosixFiles();
        using IDisposable directoryLock = Lock(options, files);
        long begun = Stopwatch.GetTimestamp();
        using LogImage image = LogScanner.Scan(options, files, long.MaxValue, deep: true);
        return image.Report(Stopwatch.GetElapsedTime(begun));
    }

    /// <summary>
    /// Cuts a damaged log off at <paramref name="lsn"/>, which and everything after it is lost; what was promised for those entries no longer
    /// holds, so the caller must have made this node a non-voter first (rule C6). The log must not be open. The cut is at the batch
    /// boundary at or before <paramref name="lsn"/>, and never after the damage.
    /// </summary>
    /// <returns>The last LSN that is left.</returns>
    public static long DiscardFrom(WalOptions options, long lsn)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(lsn, 1);
        IWalFiles files = options.Files ?? new PosixFiles();
        using IDisposable directoryLock = Lock(options, files);
        using LogImage image = LogScanner.Scan(options, files, long.MaxValue, deep: false);
        return LogRepair.Discard(options, files, image, lsn);
    }

    /// <summary>Writes and syncs what is queued, and closes the files. The last references to batches are given back.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.PulseAll(_gate);
        }

        await _closed.Task;
    }

    private static IDisposable Lock(WalOptions options, IWalFiles files)
    {
        files.CreateDirectory(options.Directory);
        return files.TryLock(Path.Combine(options.Directory, LockFileName))
            ?? throw new WalRefusedException($"The log in {options.Directory} is open in another process: is a second node running on this data directory?", inUse: true);
    }

    private void TakeUp(Segment segment)
    {
        _table.Add(segment);
        foreach (TermStart term in segment.Terms)
            _terms.Add(term.FirstLsn, term.Term);
        _configurations = [.. _configurations, .. segment.Configurations];
    }

    private void CloseFiles()
    {
        WalFailure? failure = Failure;
        try
        {
            if (failure is null)
                _writer.Close();
        }
        catch (Exception e)
        {
            failure = FailureOf(e);
        }
        finally
        {
            _writer.Dispose();
            _files.Dispose();
            _directoryLock.Dispose();
        }

        TaskCompletionSource? waiting;
        lock (_gate)
        {
            _failure = failure ?? new WalFailure(WalFailureKind.Closed, _durable, "The write-ahead log is closed.", null);
            _isClosed = true;
            _tail.Clear();
            waiting = TakeRoomWaiters();
        }

        ReleaseOrders();
        waiting?.TrySetResult();
        _closed.SetResult();
    }
}
