namespace WolfScale.Cluster.Runtime;

/// <summary>Those who wait for the commit LSN to reach theirs. Continuations run on the thread pool, never on the thread that commits.</summary>
/// <param name="commitLsn">The commit LSN of the moment; it can fall, in mode "available".</param>
internal sealed class CommitWaiters(Func<long> commitLsn)
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<TaskCompletionSource, long> _waiting = new();

    public async ValueTask WaitAsync(long lsn, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
            _waiting.Enqueue(waiter, lsn);
        // Looked at after it was enqueued: what is committed in between is seen here or there.
        if (commitLsn() is var committed && lsn <= committed)
            Committed(committed);
        // A cancelled waiter stays in the queue until its LSN commits: it is small, and holds nothing else alive.
        await using var registration = cancellationToken.Register(() => waiter.TrySetCanceled(cancellationToken));
        await waiter.Task;
    }

    public void Committed(long lsn)
    {
        lock (_lock)
        {
            while (_waiting.TryPeek(out var waiter, out var at) && at <= lsn)
            {
                _waiting.Dequeue();
                waiter.TrySetResult();
            }
        }
    }
}
