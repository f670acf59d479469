using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb;

/// <summary>The views of the local server, read again and again.</summary>
public sealed class ViewList : IAsyncDisposable
{
    /// <summary>Between two readings; more where they take long.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>The server opens each view for it: at most a fiftieth of the time goes there.</summary>
    private const int RestFactor = 50;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _ended = new();
    private readonly Task _reading;

    /// <param name="options">The local server.</param>
    /// <param name="changed">Hears all views, names and definitions, when they are others than before.</param>
    /// <param name="time">The clock.</param>
    public ViewList(DatabaseOptions options, Action<IReadOnlyList<(string Name, string Definition)>> changed, TimeProvider time) => _reading = ReadOnAsync(options, changed, time);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ended.Dispose();
    }

    /// <summary>All but the server's own. A definition is empty where the account lacks SHOW VIEW.</summary>
    public static async Task<IReadOnlyList<(string Name, string Definition)>> ReadAsync(DatabaseOptions options, CancellationToken cancelled)
    {
        await using var server = await AdminConnection.OpenAsync(options, 0, null, cancelled);
        var rows = await server.QueryAsync(
            "SELECT TABLE_NAME AS Name, IFNULL(VIEW_DEFINITION, '') AS Definition FROM information_schema.VIEWS "
            + "WHERE TABLE_SCHEMA NOT IN ('sys', 'mysql', 'performance_schema', 'information_schema') ORDER BY TABLE_SCHEMA, TABLE_NAME");
        return [.. rows.Select(row => (row["Name"], row["Definition"]))];
    }

    private async Task ReadOnAsync(DatabaseOptions options, Action<IReadOnlyList<(string Name, string Definition)>> changed, TimeProvider time)
    {
        IReadOnlyList<(string Name, string Definition)> last = [];
        while (!_ended.IsCancellationRequested)
        {
            var began = time.GetTimestamp();
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
                limit.CancelAfter(Limit);
                var now = await ReadAsync(options, limit.Token).WaitAsync(Limit, time, _ended.Token);
                if (!now.SequenceEqual(last))
                    changed(last = now);
            }
            catch (Exception) when (!_ended.IsCancellationRequested)
            {
                // It is down, or busy: what was read last holds, and nothing is read from it meanwhile.
            }

            var rest = time.GetElapsedTime(began) * RestFactor;
            await Task.Delay(rest > Interval ? rest : Interval, time, _ended.Token);
        }
    }
}
