namespace WolfScale.Server.Service;

/// <summary>
/// What a service of <c>Type=notify</c> with <c>WatchdogSec=</c> owes its manager.
/// <code>
///   started ─▶ READY=1 ─▶ every few seconds: each loop of the program comes round ─▶ STATUS=…, WATCHDOG=1 ─▶ told to end ─▶ STOPPING=1
/// </code>
/// For a program of which a loop hangs nothing is said, and the manager kills it and starts it anew. Between two programs (a node that starts anew) and while one ends,
/// signs of life are given without a look: the end has a limit of its own.
/// </summary>
internal sealed class ServiceWatch : IAsyncDisposable
{
    /// <summary>How old the status may be.</summary>
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(5);

    private readonly IServiceManager? _manager;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _running = Task.CompletedTask;
    private volatile Watched? _watched;
    private bool _isReady;
    private int _isStopping;

    /// <param name="manager">Null: nobody wants to be told anything.</param>
    /// <param name="time">The clock.</param>
    public ServiceWatch(IServiceManager? manager, TimeProvider time)
    {
        (_manager, _time) = (manager, time);
        if (manager is not null)
            _running = RunAsync(manager);
    }

    /// <summary>The program serves: from now on it is watched, until the result is disposed.</summary>
    public IDisposable Watch(IWatchedProgram program)
    {
        var watched = new Watched(this, program);
        _watched = watched;
        if (!_isReady)
            _manager?.Tell($"READY=1\nSTATUS={program.Summary}");
        _isReady = true;
        return watched;
    }

    /// <summary>The program has been told to end.</summary>
    public void Stopping()
    {
        if (Interlocked.Exchange(ref _isStopping, 1) == 1)
            return;
        _watched?.Dispose();
        _manager?.Tell("STOPPING=1\nSTATUS=Stopping");
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _running;
        _ending.Dispose();
    }

    private async Task RunAsync(IServiceManager manager)
    {
        // Twice in the manager's interval at least, as sd_watchdog_enabled(3) asks.
        var interval = manager.Watchdog / 2 is { } half && half < StatusInterval ? half : StatusInterval;
        using var timer = new PeriodicTimer(interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_ending.Token))
            {
                var watched = _watched;
                if (watched is not null && !await watched.HasPassedAsync(_ending.Token))
                    continue;
                List<string> state = [];
                if (watched is not null)
                    state.Add($"STATUS={watched.Program.Summary}");
                if (manager.Watchdog is not null)
                    state.Add("WATCHDOG=1");
                if (state.Count > 0)
                    manager.Tell(string.Join('\n', state));
            }
        }
        catch (OperationCanceledException)
        {
            // The program has ended.
        }
    }

    private sealed class Watched(ServiceWatch watch, IWatchedProgram program) : IDisposable
    {
        private readonly CancellationTokenSource _released = new();

        public IWatchedProgram Program => program;

        /// <summary>False where it ended meanwhile.</summary>
        public async Task<bool> HasPassedAsync(CancellationToken ending)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(_released.Token, ending);
            try
            {
                await program.PassAsync(either.Token);
                return !_released.IsCancellationRequested;
            }
            catch (OperationCanceledException) when (!ending.IsCancellationRequested)
            {
                return false;
            }
        }

        public void Dispose()
        {
            _ = Interlocked.CompareExchange(ref watch._watched, null, this);
            _released.Cancel();
        }
    }
}
