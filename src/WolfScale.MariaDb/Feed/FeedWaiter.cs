using WolfScale.MariaDb.Log;

namespace WolfScale.MariaDb;

/// <summary>
/// How the feed's thread waits: for a commit, for a change of its limit, for its end, at most for a given time. The wait blocks the thread, which
/// is the feed's own.
/// </summary>
internal sealed class FeedWaiter : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationToken _stop;
    private readonly CancellationTokenRegistration _stopping;
    private CancellationTokenSource _wake = new();
    private bool _nudged;

    public FeedWaiter(CancellationToken stop)
    {
        _stop = stop;
        _stopping = stop.Register(static waiter => ((FeedWaiter)waiter!).Nudge(), this);
    }

    /// <summary>Ends the present wait, or the next one.</summary>
    public void Nudge()
    {
        lock (_gate)
        {
            _nudged = true;
            _wake.Cancel();
        }
    }

    /// <summary>Waits until the log's commit LSN is at least <paramref name="lsn"/>, for <paramref name="time"/> at most.</summary>
    /// <exception cref="OperationCanceledException">The feed ends.</exception>
    public void ForCommit(IReplicatedLog log, long lsn, TimeSpan time) => Wait(time, token =>
    {
        var commit = log.WaitForCommitAsync(lsn, token);
        if (commit.IsCompletedSuccessfully)
            commit.GetAwaiter().GetResult();
        else
            commit.AsTask().GetAwaiter().GetResult();
    });

    /// <summary>Waits for a nudge, for <paramref name="time"/> at most.</summary>
    /// <exception cref="OperationCanceledException">The feed ends.</exception>
    public void ForNudge(TimeSpan time) => Wait(time, static token => token.WaitHandle.WaitOne());

    public void Dispose()
    {
        _stopping.Dispose();
        _wake.Dispose();
    }

    private void Wait(TimeSpan time, Action<CancellationToken> wait)
    {
        _stop.ThrowIfCancellationRequested();
        if (time <= TimeSpan.Zero)
            return;
        lock (_gate)
        {
            if (_nudged)
            {
                _nudged = false;
                Renew();
                return;
            }
        }

        _wake.CancelAfter(time);
        try
        {
            wait(_wake.Token);
        }
        catch (OperationCanceledException)
        {
            _stop.ThrowIfCancellationRequested();
        }
        finally
        {
            lock (_gate)
            {
                _nudged = false;
                Renew();
            }
        }
    }

    private void Renew()
    {
        if (_wake.TryReset())
            return;
        _wake.Dispose();
        _wake = new CancellationTokenSource();
    }
}
