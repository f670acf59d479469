namespace WolfScale.Integration.Database;

/// <summary>A clock that stands still until the test lets it go on, each time that somebody waits for it.</summary>
internal sealed class SteppedTime : TimeProvider, IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(150);

    /// <summary>INNODB_TRX shows the same picture for as long as it is asked more often than every 100 ms, by the server's clock, which goes on.</summary>
    private static readonly TimeSpan OfServer = TimeSpan.FromMilliseconds(120);

    private readonly Lock _lock = new();
    private readonly List<Waiting> _waiting = [];
    private readonly TaskCompletionSource _waits = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _begun = new(0);

    /// <summary>Completes when somebody waits for the first time.</summary>
    public Task Waits => _waits.Task;

    public TimeSpan Stepped { get; private set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (_lock)
            return Stepped.Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var waiting = new Waiting(this, () => callback(state), Stepped + dueTime);
        lock (_lock)
            _waiting.Add(waiting);
        _ = _begun.Release();
        _ = _waits.TrySetResult();
        return waiting;
    }

    /// <summary>Goes on once somebody has begun to wait since the last time.</summary>
    /// <param name="until">There is nothing to go on for when this has completed.</param>
    public async Task StepAsync(Task? until = null)
    {
        var begun = _begun.WaitAsync();
        _ = await Task.WhenAny(begun, until ?? begun).WaitAsync(TimeSpan.FromSeconds(60));
        await Task.Delay(OfServer);
        List<Waiting> due;
        lock (_lock)
        {
            Stepped += Step;
            due = _waiting.FindAll(w => w.Due <= Stepped);
            _ = _waiting.RemoveAll(due.Contains);
        }

        due.ForEach(w => w.Fire());
    }

    public void Dispose() => _begun.Dispose();

    private sealed class Waiting(SteppedTime time, Action fire, TimeSpan due) : ITimer
    {
        public TimeSpan Due => due;

        public Action Fire => fire;

        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose()
        {
            lock (time._lock)
                _ = time._waiting.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
