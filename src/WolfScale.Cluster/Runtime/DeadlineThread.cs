using WolfScale.Wal;

namespace WolfScale.Cluster.Runtime;

/// <summary>
/// Calls back when a deadline has come, on a thread of its own. A <see cref="Timer"/> would do the same and wake two more threads for it, its own
/// and one of the pool, at each of the leader's short deadlines: several hundred a second under load.
/// </summary>
internal sealed class DeadlineThread : IDisposable
{
    private const long Never = long.MaxValue;

    private readonly Func<long> _nowMs;
    private readonly Action _onDue;
    private readonly AutoResetEvent _wake = new(false);
    private long _dueMs = Never;
    private long _sleepsUntilMs = Never;
    private volatile bool _stopping;

    /// <param name="nowMs">The clock that deadlines are given in.</param>
    /// <param name="onDue">Called at the deadline, which is then forgotten; may set the next one.</param>
    public DeadlineThread(Func<long> nowMs, Action onDue)
    {
        (_nowMs, _onDue) = (nowMs, onDue);
        new Thread(Run, 512 * 1024) { IsBackground = true, Name = "wolfscale-clock" }.Start();
    }

    /// <summary>Sets the one deadline, in place of the one before. Callers take turns; it may also be called from within the callback.</summary>
    public void Set(long dueMs)
    {
        // The deadline first, then the look at the sleeper (both full fences); the thread does it the other way round, so none is slept through.
        _ = Interlocked.Exchange(ref _dueMs, dueMs);
        if (dueMs < Interlocked.Read(ref _sleepsUntilMs))
            _ = _wake.Set();
    }

    /// <summary>By how much the deadline has been missed so far; 0 where it lies ahead, or there is none.</summary>
    public long LateMs => Math.Max(0, _nowMs() - Interlocked.Read(ref _dueMs));

    /// <summary>Ends the thread; a callback that runs is not waited for.</summary>
    public void Dispose()
    {
        _stopping = true;
        _ = _wake.Set();
    }

    private void Run()
    {
        CommitPathThread.Prefer();
        while (!_stopping)
        {
            var dueMs = Interlocked.Read(ref _dueMs);
            _ = Interlocked.Exchange(ref _sleepsUntilMs, dueMs);
            if (Interlocked.Read(ref _dueMs) < dueMs)
                continue;
            var waitMs = dueMs == Never ? Timeout.Infinite : Math.Clamp(dueMs - _nowMs(), 0, 60_000);
            if (waitMs != 0)
            {
                _ = _wake.WaitOne((int)waitMs);
                continue;
            }

            if (Interlocked.CompareExchange(ref _dueMs, Never, dueMs) == dueMs)
                _onDue();
        }
    }
}
