namespace WolfScale.MariaDb.Connections;

/// <summary>
/// A question that many may ask at once: one reading answers all who ask while another is under way, and none that began before the question answers it. Not more than one reading runs at a
/// time.
/// </summary>
internal sealed class SharedAnswer<T>(Func<Task<T>> read)
{
    private readonly Lock _lock = new();
    private Task<T>? _running;
    private Task<T>? _next;

    public Task<T> AskAsync()
    {
        lock (_lock)
        {
            if (_running is { IsCompleted: false } running)
                return _next ??= AskAfterAsync(running);
            return _running = read();
        }
    }

    private async Task<T> AskAfterAsync(Task running)
    {
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding); // whoever called has the lock
        lock (_lock)
            (_running, _next) = (_next, null); // from here on it is too late to join
        return await read();
    }
}
