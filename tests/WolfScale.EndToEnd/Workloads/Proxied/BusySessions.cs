using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd.Workloads.Proxied;

/// <summary>One statement through a proxy.</summary>
internal sealed class SentStatement(string node, string what, TimeSpan sent)
{
    public string Node => node;

    public TimeSpan Sent => sent;

    /// <summary>Null while it has no answer.</summary>
    public TimeSpan? Answered { get; set; }

    /// <summary>MariaDB's number, 0 where the connection broke; null where it worked.</summary>
    public int? Error { get; set; }

    public string Message { get; set; } = "";

    public TimeSpan TakenUntil(TimeSpan now) => (Answered ?? now) - sent;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{node} {what}, sent at {sent.TotalSeconds:0.000} s, {(Answered is { } a ? $"answered after {(a - sent).TotalMilliseconds:0} ms" : "no answer")} {Error} {Message}");
}

/// <summary>
/// Sessions through all nodes' proxies that insert rows, each with a key of its own that is tried once, and read. They note what they were told, and what they saw:
/// <code>
///   autocommit     INSERT, then it reads what it wrote
///   transaction    START TRANSACTION, INSERT, INSERT, COMMIT: both rows or none
///   prepared       INSERT in the binary protocol
///   reads          the newest row, which never goes back
/// </code>
/// </summary>
internal sealed class BusySessions : IAsyncDisposable
{
    public const string Table = "busy";

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Attempt> _attempts = new();
    private readonly ConcurrentQueue<(Attempt First, Attempt Second)> _pairs = new();
    private readonly ConcurrentQueue<SentStatement> _statements = new();
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly DemoCluster _cluster;
    private readonly List<Task> _sessions;
    private readonly TimeSpan[] _lastWork;
    private long _lastId;

    private BusySessions(DemoCluster cluster, int count)
    {
        _cluster = cluster;
        _lastWork = new TimeSpan[count];
        _sessions = [.. Enumerable.Range(0, count).Select(i => Task.Run(() => SessionAsync(i, cluster.Facts.Nodes[i % cluster.Facts.Nodes.Count], (i / cluster.Facts.Nodes.Count) % 4)))];
    }

    public TimeSpan Now => _clock.Elapsed;

    public IReadOnlyCollection<SentStatement> Statements => _statements;

    public static Task CreateTableAsync(SqlServer leader, string database) => leader.RunAsync(
        $"CREATE OR REPLACE TABLE {database}.{Table} (seq BIGINT PRIMARY KEY AUTO_INCREMENT, id BIGINT NOT NULL, KEY (id))");

    public static BusySessions Start(DemoCluster cluster, int count) => new(cluster, count);

    /// <summary>Waits until every session, but for those of one node, has ended some work that it began after this moment, for better or worse.</summary>
    public Task<TimeSpan> AwaitWorkAsync(TimeSpan since, TimeSpan within, string? except = null) => Poll.UntilAsync("work of every session", within, () =>
    {
        var idle = Enumerable.Range(0, _lastWork.Length).Where(i => NodeOf(i) != except && _lastWork[i] <= since).ToList();
        return Task.FromResult(idle.Count == 0 ? null : $"{idle.Count} sessions have done nothing: {string.Join("; ", _statements.Where(s => s.Answered is null).Take(5))}");
    }, TimeSpan.FromMilliseconds(20));

    /// <summary>Stops, and waits a bounded time for the answers that are still out.</summary>
    public async Task StopAsync(TimeSpan? grace = null)
    {
        await _stop.CancelAsync();
        await Task.WhenAny(Task.WhenAll(_sessions), Task.Delay(grace ?? TimeSpan.FromSeconds(15)));
    }

    /// <summary>Checks all that was told and seen against the rows of one server, and prints figures.</summary>
    public async Task<AckedVerdict> JudgeAsync(SqlServer server, string database)
    {
        await using var connection = await server.RootAsync(database);
        var rows = await connection.RowsAsync($"SELECT id, COUNT(*) FROM {Table} GROUP BY id");
        var found = rows.ToDictionary(r => Number(r[0]), r => Number(r[1]));
        foreach (var (first, second) in _pairs.Where(p => found.ContainsKey(p.First.Id) != found.ContainsKey(p.Second.Id)))
            _wrong.Enqueue($"half a transaction is there: {first}; {second}");
        Assert.True(_wrong.IsEmpty, string.Join('\n', _wrong.Take(10)));
        return AckedVerdict.Judge([.. _attempts], found);
    }

    /// <summary>Errors, by node and number.</summary>
    public string Errors(TimeSpan since) => string.Join(", ", _statements.Where(s => s.Error is not null && s.Answered >= since)
        .GroupBy(s => (s.Node, s.Error)).OrderBy(g => g.Key).Select(g => $"{g.Key.Node} {g.Key.Error}: {g.Count()}"));

    /// <summary>The longest time in which no write at all was acknowledged.</summary>
    public TimeSpan LongestPause(TimeSpan since)
    {
        List<TimeSpan> ends = [since, .. _attempts.Where(a => a.Outcome == Outcome.Acknowledged && a.Ended >= since).Select(a => a.Ended).Order()];
        return ends.Zip(ends.Skip(1), (a, b) => b - a).DefaultIfEmpty(TimeSpan.Zero).Max();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.FromMilliseconds(200));
        _stop.Dispose();
    }

    private string NodeOf(int session) => _cluster.Facts.Nodes[session % _cluster.Facts.Nodes.Count].Id;

    private async Task SessionAsync(int number, DemoNode node, int kind)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var proxy = new SqlServer(node.Id, node.Proxy.Host, node.Proxy.Port, "");
                await using var connection = await proxy.ClientAsync(_cluster.Facts.User, _cluster.Facts.Password, _cluster.Facts.Database);
                await using var prepared = connection.CreateCommand();
                prepared.CommandText = $"INSERT INTO {Table} (id) VALUES (@id)";
                _ = prepared.Parameters.Add("@id", MySqlDbType.Int64);
                var newest = 0L;
                if (kind == 2)
                    await TimedAsync(node, "PREPARE", () => prepared.PrepareAsync());
                while (!_stop.IsCancellationRequested)
                {
                    var begun = Now;
                    switch (kind)
                    {
                        case 0:
                            await InsertAndReadAsync(node, connection);
                            break;
                        case 1:
                            await InsertPairAsync(node, connection);
                            break;
                        case 2:
                            await InsertPreparedAsync(node, prepared);
                            break;
                        default:
                            newest = await ReadNewestAsync(node, connection, newest);
                            break;
                    }

                    _lastWork[number] = begun;
                    await Task.Delay(3); // 64 sessions without a pause would measure the machine
                }
            }
            catch (MySqlException)
            {
                // Noted by its statement; or nobody listens there, because the node is down.
                await Task.Delay(20);
            }
        }
    }

    private async Task InsertAndReadAsync(DemoNode node, MySqlConnection connection)
    {
        var attempt = NewAttempt(node);
        if (!await AttemptAsync(node, "INSERT", () => connection.RunAsync($"INSERT INTO {Table} (id) VALUES ({attempt.Id})"), attempt))
            return;
        string? seen = "1";
        var read = await TryAsync(node, "SELECT", async () => seen = await connection.ScalarAsync($"SELECT COUNT(*) FROM {Table} WHERE id={attempt.Id}"));
        if (read is null && seen != "1")
            _wrong.Enqueue($"the session was told OK and then saw the row {seen} times: {attempt}");
    }

    private async Task InsertPairAsync(DemoNode node, MySqlConnection connection)
    {
        if (await TryAsync(node, "START TRANSACTION", () => connection.RunAsync("START TRANSACTION")) is not null)
            return;
        var (first, second) = (NewAttempt(node), NewAttempt(node));
        _pairs.Enqueue((first, second));
        foreach (var attempt in new[] { first, second })
        {
            if (await TryAsync(node, "INSERT in a transaction", () => connection.RunAsync($"INSERT INTO {Table} (id) VALUES ({attempt.Id})"), first, second) is null)
                continue;
            _ = await TryAsync(node, "ROLLBACK", () => connection.RunAsync("ROLLBACK"));
            return;
        }

        _ = await AttemptAsync(node, "COMMIT", () => connection.RunAsync("COMMIT"), first, second);
    }

    private async Task InsertPreparedAsync(DemoNode node, MySqlCommand prepared)
    {
        var attempt = NewAttempt(node);
        prepared.Parameters[0].Value = attempt.Id;
        _ = await AttemptAsync(node, "prepared INSERT", () => prepared.ExecuteNonQueryAsync(), attempt);
    }

    private async Task<long> ReadNewestAsync(DemoNode node, MySqlConnection connection, long before)
    {
        var newest = before;
        _ = await TryAsync(node, "SELECT MAX", async () => newest = await connection.LongAsync($"SELECT MAX(seq) FROM {Table}"));
        if (newest < before)
            _wrong.Enqueue($"a session of {node.Id} saw row {before} and then only {newest}");
        return Math.Max(newest, before);
    }

    private Attempt NewAttempt(DemoNode node)
    {
        var attempt = new Attempt(Interlocked.Increment(ref _lastId), node.Id, Now);
        _attempts.Enqueue(attempt);
        return attempt;
    }

    private async Task<bool> AttemptAsync(DemoNode node, string what, Func<Task> statement, params Attempt[] attempts)
    {
        if (await TryAsync(node, what, statement, attempts) is not null)
            return false;
        foreach (var attempt in attempts)
            attempt.End(Outcome.Acknowledged, Now);
        return true;
    }

    /// <summary>Runs a statement; where it fails and the session goes on, the attempts that it belongs to have ended as the error says.</summary>
    /// <returns>The error, or null.</returns>
    /// <exception cref="MySqlException">The session is over.</exception>
    private async Task<int?> TryAsync(DemoNode node, string what, Func<Task> statement, params Attempt[] attempts)
    {
        try
        {
            await TimedAsync(node, what, statement);
            return null;
        }
        catch (MySqlException e)
        {
            // 1053 and 1213 say that it did not happen, also where a session ends with them.
            var outcome = e.Number is 1213 or 1053 ? Outcome.Refused : Outcome.Unknown;
            foreach (var attempt in attempts)
                attempt.End(outcome, Now, $"{e.Number} {e.SqlState} {e.Message}");
            if (e.Number is 1213 or 1053 || (e.Number == 1180 && e.SqlState == "08007"))
                return e.Number;
            throw;
        }
    }

    private async Task TimedAsync(DemoNode node, string what, Func<Task> statement)
    {
        var sent = new SentStatement(node.Id, what, Now);
        _statements.Enqueue(sent);
        try
        {
            await statement();
        }
        catch (MySqlException e)
        {
            (sent.Error, sent.Message) = (e.Number, e.Message);
            throw;
        }
        finally
        {
            sent.Answered = Now;
        }
    }

    private static long Number(string? text) => long.Parse(text!, CultureInfo.InvariantCulture);
}
