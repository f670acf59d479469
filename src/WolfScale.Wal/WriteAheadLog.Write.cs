using WolfScale.Wal.Segments;
using WolfScale.Wal.Writing;

namespace WolfScale.Wal;

/// <summary>
/// How orders reach the disk. One thread at a time, the writer's own or one that calls <see cref="FlushInline"/>:
/// <code>
///   1 take everything queued      2 where the segment is full: seal it, sync, begin the next
///   3 write the batches as one group      4 fdatasync      5 publish: readable from the files, durable, Synced
/// </code>
/// A cut is an order like any other, so what follows it is written only after it is durable.
/// </summary>
public sealed partial class WriteAheadLog
{
    private const long MaxGroupBytes = 16 << 20; // a longer queue goes in several syncs, so that the first of it is not kept waiting
    private const int Never = Timeout.Infinite;

    private readonly Thread _thread;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<WalBatch> _group = [];
    private List<Order> _work = []; // taken from the queue; done up to _workIndex
    private int _workIndex;
    private long _writerGeneration; // of the last cut that is done in the files
    private WalFailure? _failure;
    private bool _closing;
    private bool _wake; // the writer thread shall look at the queue
    private bool _isClosed;
    private long _syncDue = long.MaxValue; // Environment.TickCount64 at which an unsynced write must be synced
    private long _recordDue = long.MaxValue; // … at which the synced LSN must be recorded

    /// <summary>Why the log accepts nothing, or null when all is well.</summary>
    public WalFailure? Failure
    {
        get
        {
            lock (_gate)
                return _failure;
        }
    }

    /// <summary>
    /// Writes and syncs what is queued on the calling thread, unless another thread is at it (which then takes it along). Blocks for the
    /// disk. <see cref="Synced"/> is raised on this thread, before it returns true.
    /// </summary>
    /// <returns>False when another thread is writing, or this one already is (a call from within an event).</returns>
    public bool FlushInline()
    {
        if (_writing.IsHeldByCurrentThread || !_writing.TryEnter())
        {
            // The thread that is writing may just have looked at the queue for the last time: the writer thread looks again after it.
            lock (_gate)
                Wake();
            return false;
        }

        try
        {
            DrainOrStop();
            return true;
        }
        finally
        {
            _writing.Exit();
        }
    }

    /// <summary>
    /// After <see cref="WalFailureKind.DiskFull"/>: cuts off what was half-written and tries again to write what is queued. True when the log goes
    /// on; false, without another <see cref="Failed"/>, when there still is no space.
    /// </summary>
    public bool TryResume()
    {
        lock (_writing)
        {
            if (Failure is not { } failure)
                return true;
            if (!failure.CanResume)
                return false;
            try
            {
                _writer.DropHalfWritten();
                Drain();
            }
            catch (PosixException e) when (FailureOf(e).CanResume)
            {
                return false;
            }
            catch (Exception e)
            {
                Stop(FailureOf(e));
                return false;
            }

            lock (_gate)
            {
                _failure = null;
                Wake(); // it slept without looking at what is due
            }

            return true;
        }
    }

    /// <summary>
    /// Deletes the segments that hold only entries before <paramref name="keepFromLsn"/>, oldest first. The caller knows what members and the local server
    /// still need. The newest segment always stays. Waits for a sync that is going on.
    /// </summary>
    /// <returns>The first LSN still there.</returns>
    public long Prune(long keepFromLsn)
    {
        lock (_writing)
        {
            Segment[] segments = _table.Snapshot();
            for (int i = 0; i + 1 < segments.Length; i++)
            {
                LogState newStart = segments[i + 1].Header.Before;
                lock (_gate)
                {
                    // Nothing while a cut is queued: the segments on disk are not yet those of the log in memory.
                    if (_failure is not null || newStart.End.Lsn >= keepFromLsn || _writerGeneration != _generation)
                        break;
                    Forget(newStart);
                }

                _writer.DeleteOldest(segments[i]);
            }
        }

        return FirstLsn;
    }

    private void Forget(LogState newStart)
    {
        long lastGone = newStart.End.Lsn;
        _start = newStart;
        _terms.Prune(lastGone + 1);
        ConfigurationEntry[] kept = [.. _configurations.Where(entry => entry.Lsn > lastGone)];
        _configurations = newStart.Configuration is { } inherited ? [inherited, .. kept] : kept;
    }

    private void WriterThread()
    {
        CommitPathThread.Prefer();
        bool closing;
        do
        {
            lock (_gate)
            {
                int wait;
                while (!_closing && (wait = UntilDue()) != 0)
                    Monitor.Wait(_gate, wait);
                closing = _closing;
                _wake = false;
            }

            lock (_writing)
            {
                DrainOrStop();
                if (closing)
                    CloseFiles();
                else
                    MaintainOrStop();
            }
        }
        while (!closing);
    }

    private void Wake()
    {
        _wake = true;
        Monitor.Pulse(_gate);
    }

    // Milliseconds until the writer thread has something to do; 0: now. What others queue to write themselves does not concern it.
    private int UntilDue()
    {
        if (_failure is not null)
            return Never;
        if (_wake)
            return 0;
        long due = Math.Min(_syncDue, _recordDue);
        return due == long.MaxValue ? Never : (int)Math.Clamp(due - Environment.TickCount64, 0, int.MaxValue);
    }

    private void DrainOrStop()
    {
        if (Failure is not null)
            return;
        try
        {
            Drain();
        }
        catch (Exception e)
        {
            Stop(FailureOf(e));
        }
    }

    private void Drain()
    {
        while (TakeWork())
        {
            if (_work[_workIndex].Cut is { } cut)
                Execute(cut);
            else
                WriteGroup();
        }
    }

    private bool TakeWork()
    {
        if (_workIndex < _work.Count)
            return true;
        _work.Clear();
        _workIndex = 0;
        lock (_gate)
            (_work, _queue) = (_queue, _work);
        return _work.Count > 0;
    }

    private void Execute(Cut cut)
    {
        if (cut.IsReset)
            _writer.Reset(cut.After, ClusterId);
        else
            _writer.CutAfter(cut.After, _reader);
        lock (_gate)
            _writerGeneration = cut.Generation;
        _workIndex++;
        Publish(0);
    }

    private void WriteGroup()
    {
        _group.Clear();
        long bytes = 0;
        for (int i = _workIndex; i < _work.Count && _work[i].Batch is { } batch; i++)
        {
            long more = bytes + batch.Header.TotalBytes;
            bool isFirst = _group.Count == 0;
            bool fits = _writer.Fits(more, isFirst);
            if (!isFirst && (more > MaxGroupBytes || !fits))
                break;
            if (!fits)
                _writer.Roll(ClusterId);
            _group.Add(batch);
            bytes = more;
        }

        _writer.WriteGroup(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_group), _options.Fsync);
        _workIndex += _group.Count;
        foreach (WalBatch batch in _group)
            batch.Release();
        Publish(bytes);
    }

    private void Publish(long bytes)
    {
        long durable = _options.Fsync ? _writer.SyncedLsn : _writer.End.End.Lsn;
        TaskCompletionSource? waiting = null;
        lock (_gate)
        {
            _pendingBytes -= bytes;
            // After a cut that is still queued, what was written may be cut off again: it says nothing about the LSNs of today.
            if (_writerGeneration == _generation)
            {
                _written = _writer.End.End.Lsn;
                _durable = durable;
                _tail.Evict(_written);
            }

            if (_pendingBytes <= _options.MaxPendingBytes)
                waiting = TakeRoomWaiters();
            Schedule();
        }

        waiting?.TrySetResult();
        Synced?.Invoke(durable, _writerGeneration);
    }

    private void Schedule()
    {
        long now = Environment.TickCount64;
        if (_syncDue == long.MaxValue && _writer.SyncedLsn < _writer.End.End.Lsn)
            _syncDue = now + (long)_options.FlushInterval.TotalMilliseconds;
        else if (_recordDue == long.MaxValue && _writer.RecordedLsn < _writer.SyncedLsn)
            _recordDue = now + (long)_options.SyncedRecordInterval.TotalMilliseconds;
        else
            return;
        Monitor.Pulse(_gate); // another thread than the writer's may be writing: the writer's must learn when to wake up
    }

    private void MaintainOrStop()
    {
        bool sync;
        bool write;
        lock (_gate)
        {
            long now = Environment.TickCount64;
            sync = now >= _syncDue;
            write = now >= _recordDue;
            _syncDue = sync ? long.MaxValue : _syncDue;
            _recordDue = write ? long.MaxValue : _recordDue;
        }

        if (Failure is not null)
            return;
        try
        {
            if (sync && _writer.SyncedLsn < _writer.End.End.Lsn)
                _writer.Sync();
            if (write && _writer.RecordedLsn < _writer.SyncedLsn)
                _writer.Record();
            lock (_gate)
                Schedule();
        }
        catch (Exception e)
        {
            Stop(FailureOf(e));
        }
    }

    private void Stop(WalFailure failure)
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            _failure = failure;
            waiting = TakeRoomWaiters(); // they find the failure
        }

        waiting?.TrySetResult();
        Failed?.Invoke(failure);
    }

    private WalFailure FailureOf(Exception e)
    {
        long durable = _writer.SyncedLsn;
        return e switch
        {
            PosixException { Call: "fsync" or "fdatasync" } sync => new WalFailure(
                WalFailureKind.SyncFailed,
                durable,
                $"The write-ahead log cannot be synced: {sync.Message}. Nothing after LSN {durable} is safe on this disk, and a second sync would prove nothing. "
                + "Check the disk, then restart the node: it checks its log on start.",
                e),
            PosixException { IsDiskFull: true } full => new WalFailure(
                WalFailureKind.DiskFull,
                durable,
                $"No space for the write-ahead log: {full.Message}. Nothing after LSN {durable} is durable and the node takes no writes. Make room; it then goes on by itself.",
                e),
            _ => new WalFailure(
                WalFailureKind.WriteFailed,
                durable,
                $"The write-ahead log cannot be written: {e.Message} Nothing after LSN {durable} is durable. Check the disk, then restart the node: it checks its log on start.",
                e),
        };
    }

    private void ReleaseOrders()
    {
        for (int i = _workIndex; i < _work.Count; i++)
            _work[i].Batch?.Release();
        _work.Clear();
        _workIndex = 0;
        lock (_gate)
        {
            foreach (Order order in _queue)
                order.Batch?.Release();
            _queue.Clear();
        }
    }
}
