using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Verifying;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>Where a snapshot stands.</summary>
/// <param name="Lsn">Exactly everything up to here is in it.</param>
/// <param name="Gtid">The last transaction in it; empty: none.</param>
public sealed record SnapshotPoint(long Lsn, string Gtid);

/// <summary>A number of rows, and what they sum up to.</summary>
/// <param name="Rows">How many.</param>
/// <param name="Sum">Equal where the rows are.</param>
public sealed record RowSum(long Rows, string Sum);

/// <summary>
/// This server's part in proving that all nodes hold the same rows at one LSN, while writes go on:
/// <code>
///   followers   1 the feed pauses                                    3 it goes on to L exactly; there a snapshot is opened; it goes on
///   leader                            2 a snapshot, wherever it is: L
/// </code>
/// Then each is read at leisure, through its snapshot (InnoDB's), piece by piece; between pieces the transaction's metadata locks are let go (ROLLBACK TO
/// SAVEPOINT), so that neither DDL nor the applier waits. One verification at a time; it ends by itself when nobody asks, or says that it goes on, for a while.
/// </summary>
/// <remarks>
/// Why L is exact. On the leader START TRANSACTION WITH CONSISTENT SNAPSHOT reports the binary log's position that belongs to the snapshot, under the lock that
/// orders commits, and BINLOG_GTID_POS makes a GTID of it. On a follower nothing but the feed commits (read_only; what was written past it is what verification is
/// to find), so a server that stands at L with the feed held there shows exactly L.
/// </remarks>
public sealed class Verification : IAsyncDisposable
{
    /// <summary>Nobody has asked for so long: the snapshot is given up, because it keeps the server from cleaning up behind it.</summary>
    public static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(60);

    /// <summary>The longest time that the feed is held; for one that is further behind the server is not compared.</summary>
    public static readonly TimeSpan HoldLimit = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan StatementLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    private readonly DatabaseOptions _options;
    private readonly FeedServer _feed;
    private readonly IReplicatedLog _log;
    private readonly Func<DatabasePhase> _phase;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ITimer _expiry;
    private readonly Dictionary<(string Schema, string Name), VerifiedTable> _tables = [];
    private string? _id;
    private AdminConnection? _snapshot;
    private CancellationTokenSource? _pause;

    /// <param name="options">Where the server is.</param>
    /// <param name="feed">Its feed.</param>
    /// <param name="log">The log that it is fed from.</param>
    /// <param name="phase">What the server does at this moment.</param>
    /// <param name="time">The clock.</param>
    public Verification(DatabaseOptions options, FeedServer feed, IReplicatedLog log, Func<DatabasePhase> phase, TimeProvider time)
    {
        (_options, _feed, _log, _phase, _time) = (options, feed, log, phase, time);
        _expiry = time.CreateTimer(_ => _ = EndAsync(null), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>1: on a follower. Nothing more is fed until <see cref="OpenAsync"/>, or for <see cref="HoldLimit"/>.</summary>
    /// <returns>LSN up to which the server has been fed.</returns>
    /// <exception cref="DatabaseException">It does not follow, or another verification is under way.</exception>
    public Task<long> PauseAsync(string id) => TakeTurnAsync(id, () =>
    {
        if (_phase() != DatabasePhase.Following)
            throw new DatabaseException($"This node's server does not follow at the moment ({_phase()}): it cannot be compared.");
        Begin(id);
        _pause = new CancellationTokenSource();
        _feed.StopAtLsn = 0;
        _ = LetGoAfterAsync(_pause.Token);
        return Task.FromResult(_feed.Status.SentLsn);
    });

    /// <summary>2 and 3: opens the snapshot.</summary>
    /// <param name="id">Of the verification.</param>
    /// <param name="atLsn">On a follower, the end of the leader's snapshot; null on the leader.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DatabaseException">The server did not get there, has gone past it, or has another role by now.</exception>
    public Task<SnapshotPoint> OpenAsync(string id, long? atLsn, CancellationToken cancellationToken) => TakeTurnAsync(id, async () =>
    {
        if (atLsn is null)
            Begin(id);
        else if (_id != id)
            throw new DatabaseException("The feed was not paused for this verification, or was let go meanwhile.");
        try
        {
            var server = await AdminConnection.OpenAsync(_options, 0, null, cancellationToken);
            if (_snapshot is { } old)
                await old.DisposeAsync();
            _snapshot = server;
            await server.ExecuteAsync("SET SESSION tx_isolation='REPEATABLE-READ', max_statement_time=0, net_write_timeout=600");
            return atLsn is { } lsn ? await OpenAtAsync(server, lsn, cancellationToken) : await OpenHereAsync(server);
        }
        catch
        {
            await ResetAsync();
            throw;
        }
        finally
        {
            LetGo();
        }
    });

    /// <summary>What the server has.</summary>
    public Task<IReadOnlyList<SurveyedObject>> SurveyAsync(string id) => InSnapshotAsync(id, server => Survey.ReadAsync(server, StatementLimit));

    /// <summary>Columns of the table's key; empty where it is to be read in one piece.</summary>
    public Task<IReadOnlyList<string>> KeyAsync(string id, string schema, string name) =>
        InSnapshotAsync<IReadOnlyList<string>>(id, async server => [.. (await TableAsync(server, schema, name)).Key.Select(k => k.Name)]);

    /// <summary>The key that ends the next piece of so many rows, or null where fewer are left.</summary>
    public Task<IReadOnlyList<string>?> EdgeAsync(string id, string schema, string name, IReadOnlyList<string>? after, int rows) => InSnapshotAsync(id, async server =>
    {
        var table = await TableAsync(server, schema, name);
        return table.Key.Count == 0 ? null : await server.QueryAsync(table.EdgeSql(after, rows), StatementLimit) is [var edge]
            ? (IReadOnlyList<string>)[.. table.Key.Select((_, i) => edge[string.Create(CultureInfo.InvariantCulture, $"k{i}")])]
            : null;
    });

    /// <summary>Sums up a piece.</summary>
    public Task<RowSum> SumAsync(string id, string schema, string name, IReadOnlyList<string>? after, IReadOnlyList<string>? upTo) => InSnapshotAsync(id, async server =>
    {
        var table = await TableAsync(server, schema, name);
        var row = (await server.QueryAsync(table.SumSql(after, upTo), StatementLimit))[0];
        return new RowSum(long.Parse(row["n"], CultureInfo.InvariantCulture), $"{row["a"]}:{row["b"]}");
    });

    /// <summary>A key's value for people.</summary>
    public Task<string> DescribeAsync(string id, string schema, string name, IReadOnlyList<string> values) =>
        InSnapshotAsync(id, async server => (await TableAsync(server, schema, name)).Describe(values));

    /// <summary>Somebody goes on with this verification, although there is nothing to ask of this node at the moment.</summary>
    public async Task KeepAsync(string id)
    {
        // Without waiting: a node that is at work loses nothing.
        if (await _turn.WaitAsync(TimeSpan.Zero))
            _ = await InTurnAsync(id, () => Task.FromResult(true));
    }

    /// <summary>Gives the snapshot up; null: whoever's it is.</summary>
    public async Task EndAsync(string? id)
    {
        await _turn.WaitAsync();
        try
        {
            if (id is null || id == _id)
                await ResetAsync();
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync(null);
        await _expiry.DisposeAsync();
    }

    private void Begin(string id)
    {
        _id = id;
        _tables.Clear();
    }

    /// <summary>On the leader.</summary>
    private async Task<SnapshotPoint> OpenHereAsync(AdminConnection server)
    {
        if (_phase() != DatabasePhase.Serving)
            throw new DatabaseException($"This node's server does not serve at the moment ({_phase()}): ask the leader.");
        await server.ExecuteAsync("START TRANSACTION WITH CONSISTENT SNAPSHOT");
        var place = (await server.QueryAsync("SHOW STATUS LIKE 'binlog_snapshot_%'")).ToDictionary(row => row["Variable_name"].ToLowerInvariant(), row => row["Value"]);
        var position = await server.ScalarAsync($"SELECT BINLOG_GTID_POS({Sql.Text(place["binlog_snapshot_file"])}, {place["binlog_snapshot_position"]})") ?? "";
        await server.ExecuteAsync("SAVEPOINT wolfscale");
        if (GtidPosition.TryParse(position, out var parsed) && parsed.Gtids is [.., var last] && _log.FindGroup(last.ToKey()) is { } lsn)
            return new SnapshotPoint(lsn, last.ToString());
        return position == _log.BaseGtidPosition
            ? new SnapshotPoint(0, position)
            : throw new DatabaseException($"The log does not hold the last transaction of the snapshot, '{position}': it has been pruned up to there. Write something, and verify again.");
    }

    /// <summary>On a follower whose feed is paused.</summary>
    private async Task<SnapshotPoint> OpenAtAsync(AdminConnection server, long lsn, CancellationToken cancellationToken)
    {
        var wanted = lsn == 0 ? GtidPosition.Parse(_log.BaseGtidPosition).ToString() : _log.LastGroupAtOrBefore(lsn) is { } group && group.LastLsn == lsn
            ? group.Gtid.ToGtid().ToString()
            : throw new DatabaseException($"This node's log has no transaction that ends at LSN {lsn}.");
        _feed.StopAtLsn = lsn;
        var began = _time.GetTimestamp();
        while (await PositionAsync(server) is var position && position != wanted)
        {
            if (_phase() != DatabasePhase.Following)
                throw new DatabaseException("This node's server does not follow any more.");
            if (_feed.Status.SentLsn is var sent && sent > lsn)
                throw new DatabaseException($"This node's server has been fed up to LSN {sent}, past {lsn}.");
            if (_time.GetElapsedTime(began) > HoldLimit)
                throw new DatabaseException($"This node's server stands at '{position}' and did not reach '{wanted}' within {HoldLimit.TotalSeconds} s.");
            await Task.Delay(Look, _time, cancellationToken);
        }

        await server.ExecuteAsync("START TRANSACTION WITH CONSISTENT SNAPSHOT");
        await server.ExecuteAsync("SAVEPOINT wolfscale");
        // Held meanwhile: where it stands now is where it stood when the snapshot was opened.
        return await PositionAsync(server) == wanted && _feed.StopAtLsn == lsn
            ? new SnapshotPoint(lsn, wanted)
            : throw new DatabaseException("The feed went on while the snapshot was opened.");
    }

    /// <summary>Moves on after a group is committed; <c>gtid_binlog_pos</c> does so before.</summary>
    private static async Task<string> PositionAsync(AdminConnection server) =>
        GtidPosition.Parse(await server.ScalarAsync("SELECT @@global.gtid_slave_pos") ?? "").ToString();

    private async Task<VerifiedTable> TableAsync(AdminConnection server, string schema, string name)
    {
        if (!_tables.TryGetValue((schema, name), out var table))
            _tables[(schema, name)] = table = await Survey.TableAsync(server, schema, name, StatementLimit);
        return table;
    }

    private Task<T> InSnapshotAsync<T>(string id, Func<AdminConnection, Task<T>> read) => TakeTurnAsync(id, async () =>
    {
        if (_id != id || _snapshot is not { } server)
            throw new NotTakingPartException("This verification has no snapshot here, or not any more: it was not asked for within a minute, or the node was started anew.");
        try
        {
            return await read(server);
        }
        finally
        {
            await LetLocksGoAsync(server);
        }
    });

    /// <summary>Where that fails the snapshot is gone, whatever was just read: the next statement would see another state of the rows.</summary>
    private async Task LetLocksGoAsync(AdminConnection server)
    {
        try
        {
            await server.ExecuteAsync("ROLLBACK TO SAVEPOINT wolfscale");
        }
        catch (Exception e) when (e is MySqlException or InvalidOperationException)
        {
            await ResetAsync();
            throw new NotTakingPartException(
                $"The connection that held the snapshot is gone ({e.Message}): MariaDB was restarted, the connection was killed, or a statement took longer than {StatementLimit.TotalMinutes} minutes.", e);
        }
    }

    private async Task<T> TakeTurnAsync<T>(string id, Func<Task<T>> work)
    {
        await _turn.WaitAsync();
        return await InTurnAsync(id, work);
    }

    private async Task<T> InTurnAsync<T>(string id, Func<Task<T>> work)
    {
        try
        {
            if (_id is not null && _id != id)
                throw new NotTakingPartException("Another verification is under way on this node; it ends by itself a minute after nobody goes on with it.");
            _ = _expiry.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan); // whoever is at work is not idle, however long it takes
            try
            {
                return await work();
            }
            finally
            {
                _ = _expiry.Change(_id is null ? Timeout.InfiniteTimeSpan : IdleLimit, Timeout.InfiniteTimeSpan);
            }
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    /// <summary>Whoever paused the feed may be gone; and a node that is to lead must be fed to the end.</summary>
    private async Task LetGoAfterAsync(CancellationToken ended)
    {
        var began = _time.GetTimestamp();
        while (!ended.IsCancellationRequested && _phase() == DatabasePhase.Following && _time.GetElapsedTime(began) < HoldLimit)
            await Task.Delay(Look, _time, CancellationToken.None);
        if (!ended.IsCancellationRequested)
            _feed.StopAtLsn = long.MaxValue;
    }

    private void LetGo()
    {
        _pause?.Cancel();
        _pause = null;
        _feed.StopAtLsn = long.MaxValue;
    }

    private async Task ResetAsync()
    {
        LetGo();
        _id = null;
        var server = _snapshot;
        _snapshot = null;
        if (server is not null)
            await server.DisposeAsync();
    }
}
