namespace WolfScale.Cluster.Runtime;

/// <summary>Those who wait for the commit LSN to reach theirs. Continuations run on the thread pool, never on the thread that commits.</summary>
internal sealed class CommitWaiters
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<TaskCompletionSource, long> _waiting = new();
    private long _committed;

    public async ValueTask WaitAsync(long lsn, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (lsn <= _committed)
                return;
            _waiting.Enqueue(waiter, lsn);
        }
        // A cancelled waiter stays in the queue until its LSN commits: it is small, and holds nothing else alive.
        await using var registration = cancellationToken.Register(() => waiter.TrySetCanceled(cancellationToken));
        await waiter.Task;
    }

    public void Committed(long lsn)
    {
        lock (_lock)
        {
            _committed = Math.Max(_committed, lsn);
            while (_waiting.TryPeek(out var waiter, out var at) && at <= _committed)
            {
                _waiting.Dequeue();
                waiter.TrySetResult();
            }
        }
    }
}
