using WolfScale.MariaDb.Log;

namespace WolfScale.MariaDb;

/// <summary>
/// How the feed's thread waits: for a commit, for a change of its limit, for its end, at most for a given time. The wait blocks the thread, which
/// is the feed's own, and the committing thread wakes it directly: by way of tasks and timers each commit would wake two pool threads more.
/// </summary>
internal sealed class FeedWaiter : IDisposable
{
    private const long Nothing = long.MaxValue;

    private readonly IReplicatedLog _log;
    private readonly TimeProvider _time;
    private readonly CancellationToken _stop;
    private readonly CancellationTokenRegistration _stopping;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Lock _gate = new();
    private long _awaitedLsn = Nothing; // whoever commits this LSN takes it back to Nothing and wakes the thread
    private bool _nudged;
    private bool _disposed;

    public FeedWaiter(IReplicatedLog log, TimeProvider time, CancellationToken stop)
    {
        (_log, _time, _stop) = (log, time, stop);
        _log.CommitAdvanced += OnCommit;
        _stopping = stop.Register(static waiter => ((FeedWaiter)waiter!).Nudge(), this);
    }

    /// <summary>Ends the present wait, or the next one.</summary>
    public void Nudge()
    {
        Volatile.Write(ref _nudged, true);
        Wake();
    }

    /// <summary>Waits until the log's commit LSN is at least <paramref name="lsn"/>, for <paramref name="time"/> at most.</summary>
    /// <exception cref="OperationCanceledException">The feed ends.</exception>
    public void ForCommit(long lsn, TimeSpan time) => Wait(lsn, time);

    /// <summary>Waits for a nudge, for <paramref name="time"/> at most.</summary>
    /// <exception cref="OperationCanceledException">The feed ends.</exception>
    public void ForNudge(TimeSpan time) => Wait(Nothing, time);

    public void Dispose()
    {
        _log.CommitAdvanced -= OnCommit;
        _stopping.Dispose();
        lock (_gate)
        {
            _disposed = true;
            _wake.Dispose();
        }
    }

    private void Wait(long lsn, TimeSpan time)
    {
        var began = _time.GetTimestamp();
        try
        {
            while (true)
            {
                _stop.ThrowIfCancellationRequested();

                // First the wish (a full fence), then the look: a commit in between finds the wish, one before it is seen.
                _ = Interlocked.Exchange(ref _awaitedLsn, lsn);
                var remaining = time - _time.GetElapsedTime(began);
                if (Interlocked.Exchange(ref _nudged, false) || _log.CommitLsn >= lsn || remaining <= TimeSpan.Zero)
                    return;
                _ = _wake.WaitOne((int)Math.Clamp(Math.Ceiling(remaining.TotalMilliseconds), 1, int.MaxValue));
            }
        }
        finally
        {
            Volatile.Write(ref _awaitedLsn, Nothing);
        }
    }

    private void OnCommit(long lsn)
    {
        Interlocked.MemoryBarrier(); // the commit LSN was written before, the wish is read after
        var awaited = Volatile.Read(ref _awaitedLsn);
        if (lsn >= awaited && Interlocked.CompareExchange(ref _awaitedLsn, Nothing, awaited) == awaited)
            Wake();
    }

    private void Wake()
    {
        lock (_gate)
        {
            if (!_disposed)
                _ = _wake.Set();
        }
    }
}
