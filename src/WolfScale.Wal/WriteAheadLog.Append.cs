using WolfScale.Wal.Reading;
using WolfScale.Wal.Segments;
using WolfScale.Wal.Writing;

namespace WolfScale.Wal;

/// <summary>What is in memory and how it changes: appends, truncations, back-pressure.</summary>
public sealed partial class WriteAheadLog
{
    private readonly LogTail _tail;
    private readonly TermTable _terms = new();
    private List<Order> _queue = [];
    private LogState _start; // just before the first entry
    private LogState _end; // after the last one
    private ConfigurationEntry[] _configurations = []; // replaced, never changed
    private Guid _clusterId;
    private long _written; // up to here batches can be read from the files
    private long _durable;
    private long _generation;
    private long _pendingBytes;
    private TaskCompletionSource? _roomWaiters;

    /// <summary>The cluster this log belongs to; empty until it is known.</summary>
    public Guid ClusterId
    {
        get
        {
            lock (_gate)
                return _clusterId;
        }
    }

    /// <summary>What is known of the entries before <see cref="FirstLsn"/>.</summary>
    public LogStart Start
    {
        get
        {
            lock (_gate)
                return _start.ToStart();
        }
    }

    /// <summary>LSN of the first entry still here (of the next one, when the log is empty).</summary>
    public long FirstLsn
    {
        get
        {
            lock (_gate)
                return _start.End.Lsn + 1;
        }
    }

    /// <summary>The end of the log, durable or not.</summary>
    public WalPosition Last
    {
        get
        {
            lock (_gate)
                return _end.End;
        }
    }

    /// <summary>The end of what is durable. Goes back with a truncation, at once; LSN 0 while a reset is not durable yet.</summary>
    public WalPosition Durable
    {
        get
        {
            lock (_gate)
                return _durable < _start.End.Lsn ? default : new WalPosition(_durable, TermOf(_durable));
        }
    }

    /// <summary>How many times this log was truncated or reset since it was opened.</summary>
    public long Generation
    {
        get
        {
            lock (_gate)
                return _generation;
        }
    }

    /// <summary>Bytes appended and not yet synced.</summary>
    public long PendingBytes
    {
        get
        {
            lock (_gate)
                return _pendingBytes;
        }
    }

    /// <summary>All configuration entries still known, in LSN order: those in the log, before them the newest that pruning took.</summary>
    public IReadOnlyList<ConfigurationEntry> Configurations
    {
        get
        {
            lock (_gate)
                return _configurations;
        }
    }

    /// <summary>Names the cluster of an empty log that was opened without one.</summary>
    /// <exception cref="WalRefusedException">The log already belongs to another cluster.</exception>
    public void AdoptCluster(Guid clusterId)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(clusterId, Guid.Empty);
        lock (_gate)
        {
            if (_clusterId != Guid.Empty && _clusterId != clusterId)
                throw new WalRefusedException($"The log in {_options.Directory} belongs to cluster {_clusterId} and cannot be given to cluster {clusterId}.");
            _clusterId = clusterId;
        }
    }

    /// <summary>
    /// Appends a batch: it is visible to readers when this returns and durable when <see cref="Synced"/> says so. Never blocks on the disk; takes
    /// its own reference. Ask <see cref="WaitForRoomAsync"/> first: nothing else bounds the backlog.
    /// </summary>
    /// <param name="batch">Begins at <c>Last.Lsn + 1</c>, with a term not below <c>Last.Term</c>.</param>
    /// <param name="wakeWriter">False when the caller calls <see cref="FlushInline"/> right after, which saves a change of thread; nothing else writes it then.</param>
    /// <exception cref="ArgumentException">It does not follow on the end of the log.</exception>
    /// <exception cref="InvalidOperationException">The log has no cluster yet.</exception>
    /// <exception cref="WalStoppedException">The log has stopped.</exception>
    public void Append(WalBatch batch, bool wakeWriter = true)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ConfigurationEntry? configuration = BatchReading.ConfigurationOf(batch);
        lock (_gate)
        {
            ThrowIfStopped();
            if (_clusterId == Guid.Empty)
                throw new InvalidOperationException("The log belongs to no cluster yet: call AdoptCluster before the first append.");
            if (batch.FirstLsn != _end.End.Lsn + 1 || batch.Term < _end.End.Term)
            {
                throw new ArgumentException(
                    $"Batch {batch.FirstLsn}–{batch.LastLsn} of term {batch.Term} does not follow on LSN {_end.End.Lsn} of term {_end.End.Term}.", nameof(batch));
            }

            _tail.Add(batch, _end.Groups);
            _queue.Add(new Order(batch.Retain(), null));
            _terms.Add(batch.FirstLsn, batch.Term);
            if (configuration is not null)
                _configurations = [.. _configurations, configuration];
            _end = _end.After(batch.Header, configuration);
            _pendingBytes += batch.Header.TotalBytes;
            if (wakeWriter)
                Wake();
        }
    }

    /// <summary>
    /// Cuts the log after <paramref name="lastKeptLsn"/>, a batch's last LSN. Readers see it at once; on disk it happens in order, and is durable
    /// before anything appended later is. Always counts in <see cref="Generation"/>, even when there is nothing to cut.
    /// </summary>
    /// <param name="lastKeptLsn">Where the log then ends.</param>
    /// <param name="wakeWriter">As for <see cref="Append"/>.</param>
    /// <exception cref="ArgumentException">It is inside a batch, after the end, or before the first entry.</exception>
    /// <exception cref="WalStoppedException">The log has stopped.</exception>
    /// <exception cref="WalDamagedException">The place cannot be read.</exception>
    public void TruncateAfter(long lastKeptLsn, bool wakeWriter = true)
    {
        bool done = false;
        while (!done)
        {
            long generation = CheckCut(lastKeptLsn);
            GroupState groups = GroupsAtBoundary(lastKeptLsn); // may read a file, so outside the lock
            lock (_gate)
            {
                ThrowIfStopped();
                if (_generation != generation)
                    continue;
                ConfigurationEntry? configuration = _configurations.LastOrDefault(entry => entry.Lsn <= lastKeptLsn);
                Cut(new LogState(new WalPosition(lastKeptLsn, TermOf(lastKeptLsn)), configuration, groups), isReset: false, wakeWriter);
                done = true;
            }
        }
    }

    /// <summary>
    /// Empties the log and lets it begin after <paramref name="start"/>: for a node that was filled by a copy of the database. A crash before
    /// it is durable leaves a log that is shorter than it was, or empty: the caller's plan does it again.
    /// </summary>
    /// <param name="start">What is known of the entries before the first one.</param>
    /// <param name="wakeWriter">As for <see cref="Append"/>.</param>
    /// <exception cref="WalStoppedException">The log has stopped.</exception>
    public void ResetTo(LogStart start, bool wakeWriter = true)
    {
        ArgumentNullException.ThrowIfNull(start);
        lock (_gate)
        {
            ThrowIfStopped();
            if (_clusterId == Guid.Empty)
                throw new InvalidOperationException("The log belongs to no cluster yet: call AdoptCluster first.");
            _start = LogState.At(start);
            Cut(_start, isReset: true, wakeWriter);
        }
    }

    /// <summary>Completes when no more than <see cref="WalOptions.MaxPendingBytes"/> wait to be synced.</summary>
    /// <exception cref="WalStoppedException">The log has stopped.</exception>
    public ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        Task? wait = RoomOrTask();
        return wait is null ? ValueTask.CompletedTask : new ValueTask(WaitForRoomSlowAsync(wait, cancellationToken));
    }

    private async Task WaitForRoomSlowAsync(Task? wait, CancellationToken cancellationToken)
    {
        while (wait is not null)
        {
            await wait.WaitAsync(cancellationToken);
            wait = RoomOrTask();
        }
    }

    private Task? RoomOrTask()
    {
        lock (_gate)
        {
            ThrowIfStopped();
            if (_pendingBytes <= _options.MaxPendingBytes)
                return null;
            _roomWaiters ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _roomWaiters.Task;
        }
    }

    private TaskCompletionSource? TakeRoomWaiters()
    {
        TaskCompletionSource? waiting = _roomWaiters;
        _roomWaiters = null;
        return waiting;
    }

    private long CheckCut(long lastKeptLsn)
    {
        lock (_gate)
        {
            ThrowIfStopped();
            if (lastKeptLsn > _end.End.Lsn || lastKeptLsn < _start.End.Lsn)
                throw new ArgumentException($"The log holds LSN {_start.End.Lsn + 1} to {_end.End.Lsn}: it cannot be cut after LSN {lastKeptLsn}.", nameof(lastKeptLsn));
            return _generation;
        }
    }

    private void Cut(LogState after, bool isReset, bool wakeWriter)
    {
        long lastKept = after.End.Lsn;
        _generation++;
        if (isReset)
        {
            _tail.Clear();
            _terms.Clear();
            _configurations = after.Configuration is null ? [] : [after.Configuration];
        }
        else
        {
            _tail.CutAfter(lastKept);
            _terms.CutAfter(lastKept);
            if (_configurations.Length > 0 && _configurations[^1].Lsn > lastKept)
                _configurations = [.. _configurations.Where(entry => entry.Lsn <= lastKept)];
        }

        _end = after;
        _written = isReset ? lastKept : Math.Min(_written, lastKept);
        _durable = isReset ? 0 : Math.Min(_durable, lastKept);
        _queue.Add(new Order(null, new Cut(after, _generation, isReset)));
        if (wakeWriter)
            Wake();
    }

    private long TermOf(long lsn) => lsn <= _start.End.Lsn ? _start.End.Term : _terms.At(lsn);

    private void ThrowIfStopped()
    {
        if (_failure is { } failure)
            throw new WalStoppedException(failure);
        if (_closing)
            throw new WalStoppedException(new WalFailure(WalFailureKind.Closed, _durable, "The write-ahead log is being closed.", null));
    }
}
