using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using MySqlConnector;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.Acked;

/// <summary>
/// A client that notes what it was told. It inserts ids, each once, straight into the servers, with a few sessions per server: the leader takes
/// them, the others refuse, and a leader that is cut off keeps its clients waiting. So no session has to find the leader, and a false OK from
/// any server at any time is noted and will be missed at the end.
/// </summary>
internal sealed class AckedWriter : IAsyncDisposable
{
    public const string Table = "acked";

    /// <summary>Without a key of any kind: a group applied twice shows here, and a rewind has to find its row by its columns.</summary>
    public const string KeylessTable = "acked_keyless";

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Attempt> _attempts = new();
    private readonly ConcurrentQueue<string> _notLetIn = new();
    private readonly WriterOptions _options;
    private readonly IReadOnlyList<SqlServer> _servers;
    private readonly List<Task> _sessions;
    private long _lastId;
    private volatile TaskCompletionSource? _held;

    private AckedWriter(IReadOnlyList<SqlServer> servers, WriterOptions options)
    {
        (_servers, _options, _lastId) = (servers, options, options.FirstId);
        _sessions = [.. servers.SelectMany(s => Enumerable.Range(0, options.SessionsPerServer).Select(_ => Task.Run(() => SessionAsync(s))))];
    }

    /// <summary>Time since the writer's start: the clock of all attempts.</summary>
    public TimeSpan Now => _clock.Elapsed;

    public IReadOnlyCollection<Attempt> Attempts => _attempts;

    /// <summary>What its sessions were told when they could not connect.</summary>
    public IReadOnlyCollection<string> NotLetIn => _notLetIn;

    /// <summary>Creates the two tables on the leader, if they are not there.</summary>
    public static Task CreateTablesAsync(SqlServer leader, string database) => leader.RunAsync(
        $"CREATE TABLE IF NOT EXISTS {database}.{Table} (seq BIGINT PRIMARY KEY AUTO_INCREMENT, id BIGINT NOT NULL, server VARCHAR(20) NOT NULL, KEY (id))",
        $"CREATE TABLE IF NOT EXISTS {database}.{KeylessTable} (id BIGINT NOT NULL, server VARCHAR(20) NOT NULL)");

    public static AckedWriter Start(IReadOnlyList<SqlServer> servers, WriterOptions options) => new(servers, options);

    /// <summary>Waits until <paramref name="count"/> inserts that were sent after <paramref name="since"/> have been acknowledged.</summary>
    /// <param name="since">On <see cref="Now"/>'s clock.</param>
    /// <param name="within">How long to wait.</param>
    /// <param name="count">How many.</param>
    /// <param name="server">By this server; null: by any.</param>
    /// <returns>The first of them.</returns>
    public async Task<Attempt> AwaitAcknowledgedAsync(TimeSpan since, TimeSpan within, int count = 1, string? server = null)
    {
        List<Attempt> acknowledged = [];
        await Poll.UntilAsync($"{count} acknowledged inserts", within, () =>
        {
            acknowledged = [.. _attempts.Where(a => a.Outcome == Outcome.Acknowledged && a.Started >= since && (server is null || a.Server == server))];
            return Task.FromResult(acknowledged.Count >= count ? null : $"{acknowledged.Count}; latest answers: {Latest(since)}");
        }, TimeSpan.FromMilliseconds(10));
        return acknowledged.MinBy(a => a.Ended)!;
    }

    /// <summary>
    /// Stops sending, and waits a bounded time for the answers that are still out. What has none then stays in flight, which is to say unknown.
    /// </summary>
    public async Task StopAsync(TimeSpan? grace = null)
    {
        await _stop.CancelAsync();
        await Task.WhenAny(Task.WhenAll(_sessions), Task.Delay(grace ?? TimeSpan.FromSeconds(2)));
    }

    /// <summary>Sends nothing new until the result is disposed; what is under way may still end.</summary>
    public IDisposable Hold()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _held = held;
        return new Holding(() =>
        {
            _held = null;
            held.SetResult();
        });
    }

    /// <summary>How many inserts ended how, and on which server.</summary>
    public string Summary() => string.Join(", ", _attempts
        .GroupBy(a => (a.Outcome, a.Server)).OrderBy(g => g.Key)
        .Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Key.Server} {g.Key.Outcome} {g.Count()}")));

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.FromMilliseconds(200));
        _stop.Dispose();
    }

    private string Latest(TimeSpan since) => string.Join("; ", _servers.Select(s =>
        _attempts.LastOrDefault(a => a.Server == s.Name && a.Started >= since)?.ToString() ?? $"{s.Name} does not let anyone in"));

    private async Task SessionAsync(SqlServer server)
    {
        while (!_stop.IsCancellationRequested)
        {
            var letIn = false;
            try
            {
                await using var connection = await server.ClientAsync(_options.User, _options.Password, _options.Database);
                letIn = true;
                await InsertAsync(server, connection);
            }
            catch (Exception e) when (IsBroken(e))
            {
                // The server is down, starting, or cut this client off: what that did to an insert is noted by its attempt.
                if (!letIn)
                    _notLetIn.Enqueue($"{server.Name}: {e.Message}");
                await PauseAsync(_options.RetryPause);
            }
        }
    }

    /// <summary>Inserts on one connection until it breaks or the writer stops.</summary>
    private async Task InsertAsync(SqlServer server, MySqlConnection connection)
    {
        while (!_stop.IsCancellationRequested)
        {
            if (_held is { } held)
                await held.Task;
            var attempt = new Attempt(Interlocked.Increment(ref _lastId), server.Name, _clock.Elapsed);
            _attempts.Enqueue(attempt);
            var table = attempt.Id % 2 == 0 ? Table : KeylessTable;
            try
            {
                await connection.RunAsync(string.Create(CultureInfo.InvariantCulture, $"INSERT INTO {table} (id, server) VALUES ({attempt.Id}, '{server.Name}')"));
                attempt.End(Outcome.Acknowledged, _clock.Elapsed);
                await PauseAsync(_options.Pause);
            }
            catch (MySqlException e) when (IsRefusal(e.ErrorCode))
            {
                attempt.End(Outcome.Refused, _clock.Elapsed, e.ErrorCode.ToString());
                await PauseAsync(_options.RetryPause);
            }
            catch (Exception e) when (IsBroken(e))
            {
                attempt.End(Outcome.Unknown, _clock.Elapsed, e is MySqlException my ? $"{my.ErrorCode} {my.Message}" : e.Message);
                throw;
            }
        }
    }

    /// <summary>On a socket of this machine the connector does not wrap everything that it meets.</summary>
    private static bool IsBroken(Exception e) => e is MySqlException or IOException or SocketException or InvalidOperationException;

    /// <summary>Errors that MariaDB gives only to a statement that it has not carried out and will not.</summary>
    private static bool IsRefusal(MySqlErrorCode code) =>
        code is MySqlErrorCode.OptionPreventsStatement or MySqlErrorCode.LockDeadlock or MySqlErrorCode.LockWaitTimeout or MySqlErrorCode.CannotExecuteInReadOnlyTransaction;

    private async Task PauseAsync(TimeSpan pause)
    {
        if (pause > TimeSpan.Zero)
            await Task.Delay(pause, _stop.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}

/// <summary>Calls back once, when it is disposed.</summary>
internal sealed class Holding(Action end) : IDisposable
{
    public void Dispose() => end();
}

/// <summary>Who writes, where to, and how fast.</summary>
/// <param name="FirstId">Ids start above this; writers of one cluster keep apart by it.</param>
internal sealed record WriterOptions(string User, string Password, string Database, long FirstId = 0)
{
    public int SessionsPerServer { get; init; } = 3;

    /// <summary>Between an OK and the next insert.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>After a refusal or a failed connection.</summary>
    public TimeSpan RetryPause { get; init; } = TimeSpan.FromMilliseconds(15);
}
