using WolfScale.MariaDb.Connections;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>What the local server has of things that do more than their names show.</summary>
/// <param name="Views">Names and definitions; a definition is empty where the account lacks SHOW VIEW.</param>
/// <param name="Bodies">Routines, and triggers under the names of their tables, with the SQL mode that they are read under; a text is empty where it may not be seen.</param>
public sealed record StoredDefinitions(IReadOnlyList<(string Name, string Definition)> Views, IReadOnlyList<(string Name, string Body, string SqlMode)> Bodies)
{
    public static StoredDefinitions None { get; } = new([], []);

    internal bool IsSameAs(StoredDefinitions other) => Views.SequenceEqual(other.Views) && Bodies.SequenceEqual(other.Bodies);
}

/// <summary>
/// The views of the local server, and its routines and triggers, read again and again; and at once when one is about to be changed through the log:
/// <code>
///   the feed is about to send CREATE VIEW ──▶ 1 what was read is old from here on
///   the server has applied it             ──▶ 2 what is read now is true
/// </code>
/// </summary>
public sealed class ViewList : IAsyncDisposable
{
    /// <summary>Between two readings; more where they take long.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>The server opens each view for it: at most a fiftieth of the time goes there.</summary>
    private const int RestFactor = 50;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Between two readings while what was read is old.</summary>
    private static readonly TimeSpan RestWhileOld = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _marking = new();
    private readonly Action<StoredDefinitions, bool> _changed;
    private readonly Task _reading;
    private TaskCompletionSource _marked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Gtid? _awaited;
    private long _marks;
    private bool _isOld = true;
    private StoredDefinitions _last = StoredDefinitions.None;

    /// <param name="options">The local server.</param>
    /// <param name="changed">Hears what was read last, and whether that may be old by now; of any thread.</param>
    /// <param name="time">The clock.</param>
    public ViewList(DatabaseOptions options, Action<StoredDefinitions, bool> changed, TimeProvider time)
    {
        _changed = changed;
        _reading = ReadOnAsync(options, time);
    }

    /// <summary>1: before the server can have it.</summary>
    /// <param name="gtid">Of the group that may change a definition; null: what the server has may be anything.</param>
    public void Expect(Gtid? gtid)
    {
        lock (_marking)
        {
            _marks++;
            _awaited = gtid ?? _awaited;
            if (!_isOld)
                _changed(_last, _isOld = true);
            _marked.TrySetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ended.Dispose();
    }

    /// <summary>All but the server's own.</summary>
    /// <returns>And the position that the server had reached before.</returns>
    public static async Task<(GtidPosition? Position, StoredDefinitions Definitions)> ReadAsync(DatabaseOptions options, CancellationToken cancelled)
    {
        const string own = "('sys', 'mysql', 'performance_schema', 'information_schema')";
        await using var server = await AdminConnection.OpenAsync(options, 0, null, cancelled);
        var reached = (await server.QueryAsync("SELECT @@gtid_current_pos AS Position"))[0]["Position"];
        var views = await server.QueryAsync(
            "SELECT TABLE_NAME AS Name, IFNULL(VIEW_DEFINITION, '') AS Definition FROM information_schema.VIEWS "
            + $"WHERE TABLE_SCHEMA NOT IN {own} ORDER BY TABLE_SCHEMA, TABLE_NAME");
        var bodies = await server.QueryAsync(
            $"SELECT ROUTINE_NAME AS Name, IFNULL(ROUTINE_DEFINITION, '') AS Body, SQL_MODE AS Mode FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA NOT IN {own} "
            + $"UNION ALL SELECT EVENT_OBJECT_TABLE, ACTION_STATEMENT, SQL_MODE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA NOT IN {own} ORDER BY 1, 2, 3");
        _ = GtidPosition.TryParse(reached, out var position);
        return (position, new StoredDefinitions([.. views.Select(row => (row["Name"], row["Definition"]))], [.. bodies.Select(row => (row["Name"], row["Body"], row["Mode"]))]));
    }

    private async Task ReadOnAsync(DatabaseOptions options, TimeProvider time)
    {
        while (!_ended.IsCancellationRequested)
        {
            var began = time.GetTimestamp();
            var marks = Volatile.Read(ref _marks);
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
                limit.CancelAfter(Limit);
                var (position, now) = await ReadAsync(options, limit.Token).WaitAsync(Limit, time, _ended.Token);
                Take(position, now, marks);
            }
            catch (Exception) when (!_ended.IsCancellationRequested)
            {
                // It is down, or busy: what was read last holds, and nothing is read from it meanwhile.
            }

            var rest = time.GetElapsedTime(began) * RestFactor;
            await RestAsync(rest > Interval ? rest : Interval, time);
        }
    }

    /// <summary>2.</summary>
    private void Take(GtidPosition? position, StoredDefinitions now, long marks)
    {
        lock (_marking)
        {
            var isOld = marks != _marks || !HasReached(position);
            if (!isOld)
                _awaited = null;
            if (isOld == _isOld && now.IsSameAs(_last))
                return;
            (_last, _isOld) = (now, isOld);
            _changed(now, isOld);
        }
    }

    private bool HasReached(GtidPosition? position) =>
        _awaited is not { } awaited || (position is not null && position.Gtids.Any(gtid => gtid.Domain == awaited.Domain && gtid.Sequence >= awaited.Sequence));

    private async Task RestAsync(TimeSpan rest, TimeProvider time)
    {
        Task marked;
        lock (_marking)
        {
            if (_marked.Task.IsCompleted)
                _marked = new(TaskCreationOptions.RunContinuationsAsynchronously);
            (rest, marked) = (_isOld ? RestWhileOld : rest, _marked.Task);
        }

        _ = await Task.WhenAny(Task.Delay(rest, time, _ended.Token), marked);
    }
}
