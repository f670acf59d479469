using System.Globalization;
using MySqlConnector;
using WolfScale.Protocol;
using WolfScale.Server.Http.Data.Values;

namespace WolfScale.Server.Http.Data.Sessions;

/// <summary>What a statement has done.</summary>
/// <param name="AffectedRows">Rows that are different now, as MariaDB counts them.</param>
/// <param name="LastInsertId">The AUTO_INCREMENT value that was made; 0 for none.</param>
internal readonly record struct Done(long AffectedRows, ulong LastInsertId);

/// <summary>
/// One connection of the API to its own node's proxy. It belongs to one request at a time. Writes are never cancelled half-way: whoever asked for one and has gone away has written all the same.
/// </summary>
internal sealed class ApiSession : IAsyncDisposable
{
    /// <summary>A session that has prepared so many is closed after use: the server counts them (<c>max_prepared_stmt_count</c>), and the connector closes none.</summary>
    private const int MostPrepared = 200;

    /// <summary>Or texts of so many characters together: server and connector keep them.</summary>
    private const long LongestPrepared = 1 << 20;

    private readonly MySqlConnection _connection;
    private readonly LastGtidQuestion? _lastGtid;
    private readonly Dictionary<string, MySqlCommand> _prepared = new(StringComparer.Ordinal);
    private readonly HashSet<string> _preparedElsewhere = new(StringComparer.Ordinal);
    private bool _broken;
    private bool _isLast;
    private long _preparedLength;

    public ApiSession(MySqlConnection connection, SessionKind kind, LastGtidQuestion? lastGtid) => (_connection, Kind, _lastGtid) = (connection, kind, lastGtid);

    public SessionKind Kind { get; }

    /// <summary>When it was last given back.</summary>
    public long IdleSince { get; set; }

    /// <summary>The schema it has chosen; no session can be without one again.</summary>
    public string? Schema { get; private set; }

    /// <summary>It can serve another request.</summary>
    public bool IsReusable => !_broken && !_isLast && _connection.State == System.Data.ConnectionState.Open && _prepared.Count + _preparedElsewhere.Count < MostPrepared && _preparedLength < LongestPrepared;

    /// <summary>For somebody's SQL.</summary>
    public MySqlCommand Command(string sql)
    {
        if (_preparedElsewhere.Add(sql))
            _preparedLength += sql.Length;
        var command = _connection.CreateCommand();
#pragma warning disable CA2100 // The caller's own SQL, which is what POST /sql is for; SqlPolicy has read it.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command;
    }

    /// <summary>The session is in a state that nobody knows, or must not be shown to another request.</summary>
    public void Condemn() => _broken = true;

    /// <summary>The request that has it goes on with it, and nobody after it.</summary>
    public void CondemnLater() => _isLast = true;

    /// <exception cref="MySqlException">There is no such schema, or the connection breaks.</exception>
    public async Task ChooseAsync(string schema)
    {
        if (schema == Schema)
            return;
        Schema = null;
        await NoteFailureAsync(async () =>
        {
            await _connection.ChangeDatabaseAsync(schema, CancellationToken.None);
            return schema;
        });
        Schema = schema;
    }

    /// <summary>Sends a statement of the API's own, without parameters, as text.</summary>
    /// <exception cref="MySqlException">The server or the proxy refuses it, or the connection breaks.</exception>
    public async Task<Done> RunAsync(string sql)
    {
        await using var command = _connection.CreateCommand();
#pragma warning disable CA2100 // The API's own text.
        command.CommandText = sql;
#pragma warning restore CA2100
        return await NoteFailureAsync(async () => new Done(await command.ExecuteNonQueryAsync(CancellationToken.None), (ulong)command.LastInsertedId));
    }

    /// <summary>Executes a statement with placeholders, which is prepared when it comes for the first time.</summary>
    /// <exception cref="MySqlException">The server or the proxy refuses it, or the connection breaks.</exception>
    public Task<Done> ExecuteAsync(string sql, IReadOnlyList<BoundValue> values) => NoteFailureAsync(async () =>
    {
        var command = await PreparedAsync(sql, values);
        return new Done(await command.ExecuteNonQueryAsync(CancellationToken.None), (ulong)command.LastInsertedId);
    });

    /// <summary>All rows of a statement of the API's own, with placeholders.</summary>
    /// <exception cref="MySqlException">The server or the proxy refuses it, or the connection breaks.</exception>
    public Task<List<object?[]>> QueryAsync(string sql, params BoundValue[] values) => NoteFailureAsync(async () =>
    {
        var command = await PreparedAsync(sql, values);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var rows = new List<object?[]>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            rows.Add(row);
        }

        return rows;
    });

    /// <summary>The transaction that the statement before this one committed; null where it wrote nothing. The proxy knows it, and is in this process.</summary>
    public async ValueTask<Gtid?> LastGtidAsync()
    {
        if (_lastGtid is not null && _lastGtid((uint)_connection.ServerThread, out var known))
            return known;
        await using var command = _connection.CreateCommand();
        command.CommandText = "SELECT @wolfscale_last_gtid";
        var text = await NoteFailureAsync(async () => await command.ExecuteScalarAsync(CancellationToken.None)) as string;
        return Gtid.TryParse(text ?? "", out var gtid) ? gtid : null;
    }

    /// <summary>Undoes the open transaction, as far as the server is still there.</summary>
    public async Task RollBackAsync()
    {
        if (_broken)
            return; // closed, and the server rolls it back
        try
        {
            _ = await RunAsync("ROLLBACK");
        }
        catch (MySqlException)
        {
            Condemn();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var command in _prepared.Values)
            await command.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private async Task<T> NoteFailureAsync<T>(Func<Task<T>> execute)
    {
        try
        {
            return await execute();
        }
        catch (MySqlException e) when (!MariaDbErrors.LeavesSessionWhole(e))
        {
            Condemn();
            throw;
        }
        catch (Exception e) when (e is not MySqlException)
        {
            Condemn();
            throw;
        }
    }

    private async Task<MySqlCommand> PreparedAsync(string sql, IReadOnlyList<BoundValue> values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
#pragma warning disable CA2100 // Names are checked against the catalogue and quoted, values are placeholders.
            command.CommandText = sql;
#pragma warning restore CA2100
            foreach (var value in values)
                command.Parameters.Add(Parameter(value));
            await command.PrepareAsync(CancellationToken.None);
            _prepared.Add(sql, command);
            _preparedLength += sql.Length;
            return command;
        }

        for (var i = 0; i < values.Count; i++)
            (command.Parameters[i].MySqlDbType, command.Parameters[i].Value) = (values[i].Type, values[i].Value ?? DBNull.Value);
        return command;
    }

    public static MySqlParameter Parameter(BoundValue value) => new() { MySqlDbType = value.Type, Value = value.Value ?? DBNull.Value };

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind} session {_connection.ServerThread}");
}
