using System.Net.Sockets;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Positions;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Dump;

/// <summary>
/// A consistent copy of the local server as SQL, at one exact GTID position:
/// <code>
///   follower  1 the feed is held: nothing changes until the dump is over
///   leader    1 commits are held for a moment (BACKUP STAGE BLOCK_COMMIT): no commit waits for its ACK, no DDL is half done
///             2 the snapshot is opened, and the position read: the one belongs to the other
///             3 definitions (mariadb-dump)  4 rows, from the snapshot  5 triggers  6 accounts and grants
///   follower  7 it stands where it stood
///   leader    7 commits are held for a moment again, and the log shows nothing but transactions of rows since 2
///             8 the last line
/// </code>
/// Rows are not read by <c>mariadb-dump</c>, which prints a FLOAT with six digits: another number, by which a replica then does not find the row.
/// </summary>
public sealed class DatabaseDump : IAsyncDisposable
{
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(60);

    private readonly DatabaseOptions _options;
    private readonly IReplicatedLog _log;
    private readonly AdminConnection _server;
    private readonly ReplicationConnection _snapshot;
    private readonly ServerFacts _facts;
    private readonly Action? _release;
    private readonly CancellationToken _broken;
    private volatile ClientProgram? _program;

    private DatabaseDump(
        DatabaseOptions options, IReplicatedLog log, AdminConnection server, ReplicationConnection snapshot, ServerFacts facts, Action? release, CancellationToken broken) =>
        (_options, _log, _server, _snapshot, _facts, _release, _broken) = (options, log, server, snapshot, facts, release, broken);

    /// <summary>The GTID position that the dump is exactly at.</summary>
    public string Position { get; private set; } = "";

    /// <summary>The LSN of its last group; 0: the cluster's base.</summary>
    public long Lsn { get; private set; }

    /// <summary>How many bytes the engines hold, about: the dump is of that order.</summary>
    public long EstimatedBytes { get; private set; }

    private bool IsLeader => _release is null;

    /// <summary>Opens a dump of a leader's server; its clients go on.</summary>
    internal static Task<DatabaseDump> OpenOnLeaderAsync(DatabaseOptions options, IReplicatedLog log, CancellationToken cancellationToken) =>
        OpenAsync(options, log, null, CancellationToken.None, cancellationToken);

    /// <summary>Opens a dump of a server whose feed is held.</summary>
    /// <param name="options">Where the server is.</param>
    /// <param name="log">What it is compared with.</param>
    /// <param name="release">Lets the feed go on; called once.</param>
    /// <param name="broken">Ends when it goes on earlier.</param>
    /// <param name="cancellationToken">Gives up opening.</param>
    internal static Task<DatabaseDump> OpenHeldAsync(
        DatabaseOptions options, IReplicatedLog log, Action release, CancellationToken broken, CancellationToken cancellationToken) =>
        OpenAsync(options, log, release, broken, cancellationToken);

    /// <summary>Writes the whole dump. Blocks while the reader is slow; ends when it is gone.</summary>
    /// <param name="target">The reader.</param>
    /// <param name="pace">See <see cref="DumpSink"/>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DumpException">It is not whole, and what was written must not be used.</exception>
    public Task WriteToAsync(Stream target, Action<long>? pace, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(() => Write(target, pace, cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();

    public async ValueTask DisposeAsync()
    {
        _program?.Dispose();
        _snapshot.Abort();
        _snapshot.Dispose();
        await _server.DisposeAsync();
        _release?.Invoke();
    }

    private static async Task<DatabaseDump> OpenAsync(
        DatabaseOptions options, IReplicatedLog log, Action? release, CancellationToken broken, CancellationToken cancellationToken)
    {
        AdminConnection? server = null;
        var snapshot = new ReplicationConnection();
        try
        {
            // Not one of the controller's: whoever closes the server for writes ends it, and the dump with it.
            server = await AdminConnection.OpenAsync(options, 0, null, cancellationToken);
            var dump = new DatabaseDump(options, log, server, snapshot, await ServerFacts.ReadAsync(server), release, broken);
            await dump.BeginAsync(cancellationToken);
            return dump;
        }
        catch (Exception e)
        {
            snapshot.Dispose();
            if (server is not null)
                await server.DisposeAsync();
            release?.Invoke();
            if (e is MySqlException or SocketException or ServerErrorException or ProtocolException or IOException)
                throw new DumpException($"The server cannot be copied now: {e.Message}", e);
            throw;
        }
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        await Task.Factory.StartNew(OpenSnapshot, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var position = IsLeader
            ? await WithCommitsHeldAsync(async () =>                                                    // 1
            {
                await PreparedTransactions.RefuseAsync(_server);
                _snapshot.Execute("START TRANSACTION WITH CONSISTENT SNAPSHOT");                        // 2
                return await PositionReader.ReadAsync(_server);
            })
            : await PositionReader.ReadAsync(_server);
        if (!IsLeader)
        {
            await PreparedTransactions.RefuseAsync(_server);
            _snapshot.Execute("START TRANSACTION WITH CONSISTENT SNAPSHOT");
        }

        Position = position.Current.ToString();
        Lsn = await PlaceInLog.FindAsync(position, _log, cancellationToken);
        EstimatedBytes = await DumpedTable.EstimateAsync(_server);
        await _server.ExecuteAsync("SET SESSION net_write_timeout = 31536000");
    }

    private void OpenSnapshot()
    {
        _snapshot.Open(
            new ServerEndpoint { Host = _options.Host, Port = _options.Port, Socket = _options.Socket, User = _options.User, Password = _options.Password }, Frozen);
        // Time-outs: a receiver that builds an index reads nothing meanwhile. No conversion of character sets: bytes come as they are stored.
        _snapshot.Execute(
            "SET SESSION net_write_timeout=31536000, wait_timeout=31536000, lock_wait_timeout=30, time_zone='+00:00', sql_mode='', max_statement_time=0, "
            + "tx_isolation='REPEATABLE-READ', sql_log_bin=0");
        _snapshot.Execute("SET NAMES utf8mb4");
        _snapshot.Execute("SET SESSION character_set_results = NULL");
    }

    private async Task Write(Stream target, Action<long>? pace, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _broken);
        await using var abort = end.Token.Register(() =>
        {
            _snapshot.Abort();
            _program?.Kill();
        });
        try
        {
            using var sink = new DumpSink(target, pace);
            sink.Write(DumpFormat.Header(_options.NodeId, Position, Lsn));
            var schemas = await DumpedTable.SchemasAsync(_server);
            if (schemas.Count > 0)
            {
                await RunAsync(sink, ["--no-data", "--skip-triggers", "--routines", "--events", "--databases", .. schemas], end.Token);                    // 3
                await RowsAsync(sink, schemas, end.Token);                                              // 4
                await RunAsync(sink, ["--no-data", "--no-create-info", "--no-create-db", "--triggers", "--databases", .. schemas], end.Token);             // 5
            }

            sink.Write(System.Text.Encoding.UTF8.GetBytes($"CREATE DATABASE IF NOT EXISTS `{DumpFormat.IncomingSchema}`;\nUSE `{DumpFormat.IncomingSchema}`;\n"));
            // --events: without it the rows of mysql.event are left out.
            await RunAsync(sink, ["--skip-triggers", "--events", "--skip-add-locks", "mysql", .. await SystemTablesAsync()], end.Token);         // 6
            await TimeZonesAsync(sink, end.Token);
            await CheckAsync(end.Token);                                                                // 7
            end.Token.ThrowIfCancellationRequested();
            sink.End();                                                                                 // 8
        }
        catch (Exception) when (_broken.IsCancellationRequested)
        {
            throw new DumpException("The server was needed otherwise while it was copied: its feed went on, or it was given the lead.");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is MySqlException or SocketException or ServerErrorException or ProtocolException or EndOfStreamException)
        {
            throw new DumpException($"The dump of the server broke off: {e.Message}", e);
        }
    }

    private async Task RowsAsync(DumpSink sink, IReadOnlyList<string> schemas, CancellationToken cancellationToken)
    {
        var rows = new RowReader(_snapshot);
        var writer = new RowWriter(sink);
        sink.Write(DumpFormat.RowsSession);
        foreach (var schema in schemas)
        {
            foreach (var table in await DumpedTable.ListAsync(_server, schema))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (table.Columns.Count == 0)
                    continue;
                table.CheckVersion(_facts.Version);

                // The savepoint gives the table's metadata lock back, which would hold up a client's ALTER until the dump's end.
                _snapshot.Execute("SAVEPOINT wolfscale_dump");
                writer.Write(rows, table);
                _snapshot.Execute("ROLLBACK TO SAVEPOINT wolfscale_dump");
            }
        }
    }

    private async Task TimeZonesAsync(DumpSink sink, CancellationToken cancellationToken)
    {
        if (await _server.ScalarAsync("SELECT 1 FROM mysql.time_zone_name LIMIT 1") is null)
            return;
        sink.Write(System.Text.Encoding.UTF8.GetBytes("USE mysql;\n" + string.Concat(DumpFormat.TimeZoneTables.Select(t => $"DELETE FROM {t};\n"))));
        await RunAsync(sink, ["--no-create-info", "--skip-triggers", "--skip-add-locks", "mysql", .. DumpFormat.TimeZoneTables], cancellationToken);
    }

    private async Task<IEnumerable<string>> SystemTablesAsync()
    {
        var names = string.Join(", ", DumpFormat.SystemTables.Select(Sql.Text));
        return (await _server.QueryAsync($"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME IN ({names}) ORDER BY 1")).Select(r => r.First ?? "");
    }

    private async Task RunAsync(DumpSink sink, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var program = ClientProgram.Start("mariadb-dump", _options, reads: false, [.. (string[])["--skip-dump-date", "--skip-comments", "--skip-lock-tables"], .. arguments]);
        _program = program;
        try
        {
            if (cancellationToken.IsCancellationRequested)
                program.Kill();
            var buffer = new byte[64 << 10];
            while (program.Output.Read(buffer) is var read and > 0)
                sink.Write(buffer.AsSpan(0, read));
            await program.EndAsync(cancellationToken);
        }
        finally
        {
            _program = null;
        }
    }

    /// <summary>Whether what has no snapshot stood still meanwhile.</summary>
    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        var position = IsLeader ? await WithCommitsHeldAsync(() => PositionReader.ReadAsync(_server)) : await PositionReader.ReadAsync(_server);
        if (!IsLeader)
        {
            if (position.Current.ToString() != Position)
                throw new DumpException($"Somebody wrote to the server while it was copied: it stood at '{Position}' and stands at '{position.Current}'.");
            return;
        }

        var lsn = await PlaceInLog.FindAsync(position, _log, cancellationToken);
        if (DefinitionCheck.Find(_log, Lsn, lsn) is { } group)
        {
            throw new DumpException(
                $"{group} was committed while the leader was copied: it is DDL, about accounts, or of a table without transactions or a sequence, and a snapshot does not hold those still. "
                + "Copy a follower, which can hold them, or try again when nothing of the kind is under way.");
        }
    }

    /// <summary>Runs with every commit, DDL and account statement at rest; for a moment, because clients wait.</summary>
    private async Task<T> WithCommitsHeldAsync<T>(Func<Task<T>> run)
    {
        try
        {
            await _server.ExecuteAsync("BACKUP STAGE START");
            await _server.ExecuteAsync("BACKUP STAGE BLOCK_COMMIT");
            return await run();
        }
        catch (MySqlException e) when (e.Number is ServerErrors.LockWaitTimeout)
        {
            throw new DumpException("Commits that are under way on the leader did not end in time, or another backup runs: try again.", e);
        }
        finally
        {
            if (_server.IsOpen)
                await EndStagesAsync();
        }
    }

    private async Task EndStagesAsync()
    {
        try
        {
            await _server.ExecuteAsync("BACKUP STAGE END");
        }
        catch (MySqlException) when (_server.IsOpen)
        {
            // Not begun: another backup runs, which the caller is told.
        }
    }
}
