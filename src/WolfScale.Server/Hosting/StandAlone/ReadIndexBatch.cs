using WolfScale.Protocol;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>
/// Read indexes for many at once: while one question is under way, all that ask meanwhile wait for the next one together. They cannot share the one under
/// way, whose answer may be older than what they were told before they asked.
/// </summary>
internal sealed class ReadIndexBatch(Func<Task<Gtid?>> ask)
{
    private readonly Lock _lock = new();
    private Task _underWay = Task.CompletedTask;
    private Task<Gtid?>? _next;

    public Task<Gtid?> AskAsync()
    {
        lock (_lock)
            return _next ??= AfterAsync(_underWay);
    }

    private async Task<Gtid?> AfterAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        Task<Gtid?> asked;
        lock (_lock)
        {
            _next = null;
            _underWay = asked = ask();
        }

        return await asked;
    }
}
