namespace WolfScale.MariaDb.Dump;

/// <summary>
/// Asks the follower to hold its feed: while it is held nothing changes on the server, tables without transactions, accounts and definitions included,
/// so that what is read then belongs to one position. It ends with the last holder, and is broken where the server must go on: it is to lead, say.
/// Thread-safe.
/// </summary>
internal sealed class FeedHold
{
    private readonly Lock _lock = new();
    private int _holders;
    private TaskCompletionSource<CancellationToken> _held = New();

    /// <summary>Whether anybody wants the feed held.</summary>
    public bool IsWanted
    {
        get
        {
            lock (_lock)
                return _holders > 0;
        }
    }

    /// <summary>Waits until the feed is held. Call <see cref="Release"/> whatever becomes of it.</summary>
    /// <returns>Ends when the hold is broken: what was read since may belong to another position.</returns>
    public Task<CancellationToken> AcquireAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _holders++;
            return _held.Task.WaitAsync(cancellationToken);
        }
    }

    public void Release()
    {
        lock (_lock)
            _holders--;
    }

    /// <summary>The follower has stopped its applier.</summary>
    /// <returns>Dispose it before the applier is started again, or the server used otherwise.</returns>
    public IDisposable Enter()
    {
        var scope = new Scope(this);
        lock (_lock)
            _held.SetResult(scope.Broken);
        return scope;
    }

    private void Leave()
    {
        lock (_lock)
            _held = New();
    }

    private static TaskCompletionSource<CancellationToken> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Scope(FeedHold hold) : IDisposable
    {
        private readonly CancellationTokenSource _broken = new();

        public CancellationToken Broken => _broken.Token;

        public void Dispose()
        {
            hold.Leave();
            _broken.Cancel();
            _broken.Dispose();
        }
    }
}
