using System.Collections.Immutable;
using System.Globalization;
using MySqlConnector;

namespace WolfScale.MariaDb.Connections;

/// <summary>
/// One administrative connection. Commands go one after the other, every one bounded in time. It writes no binlog group: <c>sql_log_bin=0</c>
/// for its whole life, so that nothing the node does to its server can become an errant transaction.
/// </summary>
/// <remarks>
/// A command that takes longer than its limit loses the connection, not the command: the client library's own way, KILL QUERY from
/// a second connection, would make a commit that waits for its ACK go through without one (measured).
/// </remarks>
public sealed class AdminConnection : IAsyncDisposable
{
    // Keeps commands apart: the protocol has room for one at a time. Asynchronous, because the wait spans a round trip.
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly MySqlConnection _connection;
    private readonly Action<long>? _closed;

    private AdminConnection(MySqlConnection connection, string route, Action<long>? closed)
    {
        _connection = connection;
        _closed = closed;
        Route = route;
        Id = connection.ServerThread; // a broken connection does not tell it any more
    }

    /// <summary>The server's id of this connection, as in its process list.</summary>
    public long Id { get; }

    /// <summary>How the server was reached: <c>extra_port 13304</c>, <c>socket …</c> or <c>host:port</c>.</summary>
    public string Route { get; }

    /// <summary>Whether it came in through the <c>extra_port</c>, or there is none to come in through.</summary>
    internal bool ByExtraPort(ServerFacts facts) => facts.ExtraPort == 0 || Route.StartsWith("extra_port", StringComparison.Ordinal);

    /// <summary>Whether the account may set <c>sql_log_bin</c>; without it preflight refuses and nothing is written.</summary>
    public bool LeavesNoTrace { get; private init; }

    public bool IsOpen => _connection.State == System.Data.ConnectionState.Open;

    /// <summary>Opens a connection; through the socket where one is configured.</summary>
    /// <param name="options">Where the server is.</param>
    /// <param name="extraPort">The server's <c>extra_port</c>, tried first: it lets us in when blocked writers fill <c>max_connections</c>. 0: none.</param>
    /// <param name="closed">Called with the connection's id when it is disposed.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="MySqlException">The server does not answer, or refuses the account.</exception>
    internal static async Task<AdminConnection> OpenAsync(
        DatabaseOptions options, int extraPort, Action<long>? closed, CancellationToken cancellationToken)
    {
        if (extraPort > 0)
        {
            try
            {
                // extra_port listens on TCP only; a server that is reached by its socket is on this machine.
                var host = options.Socket.Length > 0 ? "127.0.0.1" : options.Host;
                return await OpenAsync(ByTcp(options, host, extraPort), options, $"extra_port {extraPort}", closed, cancellationToken);
            }
            catch (MySqlException)
            {
                // The account may be allowed through the socket only ('user'@'localhost' does not match a TCP client under
                // skip_name_resolve), or a firewall may be in between: the ordinary way is next, and preflight warns.
            }
        }

        return options.Socket.Length > 0
            ? await OpenAsync(BySocket(options), options, $"socket {options.Socket}", closed, cancellationToken)
            : await OpenAsync(ByTcp(options, options.Host, options.Port), options, $"{options.Host}:{options.Port}", closed, cancellationToken);
    }

    /// <summary>Runs a statement that returns nothing of interest.</summary>
    /// <param name="sql">The statement. Values that come from outside are quoted with <see cref="Sql"/>.</param>
    /// <param name="limit">Longest time; null for the options' <see cref="DatabaseOptions.StatementTimeout"/>.</param>
    public async Task ExecuteAsync(string sql, TimeSpan? limit = null)
    {
        await _turn.WaitAsync();
        try
        {
            await using var command = Command(sql, limit);
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>First column of the first row as text, or null.</summary>
    public async Task<string?> ScalarAsync(string sql, TimeSpan? limit = null) =>
        await QueryAsync(sql, limit) is [var first, ..] ? first.First : null;

    /// <summary>All rows as text. For administrative results, which are small.</summary>
    public async Task<IReadOnlyList<Row>> QueryAsync(string sql, TimeSpan? limit = null)
    {
        await _turn.WaitAsync();
        try
        {
            await using var command = Command(sql, limit);
            await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
            var names = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToImmutableArray();
            var rows = new List<Row>();
            while (await reader.ReadAsync(CancellationToken.None))
            {
                var values = new string?[names.Length];
                for (var i = 0; i < values.Length; i++)
                    values[i] = reader.IsDBNull(i) ? null : Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture);
                rows.Add(new Row(names, values));
            }

            return rows;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _closed?.Invoke(Id);
        await _connection.DisposeAsync();
        _turn.Dispose();
    }

    private static async Task<AdminConnection> OpenAsync(
        MySqlConnectionStringBuilder builder, DatabaseOptions options, string route, Action<long>? closed, CancellationToken cancellationToken)
    {
        var connection = new MySqlConnection(builder.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            var seconds = Math.Max(1, (int)options.StatementTimeout.TotalSeconds / 2).ToString(CultureInfo.InvariantCulture);
            await RunAsync(connection, $"SET SESSION lock_wait_timeout={seconds}, innodb_lock_wait_timeout={seconds}, autocommit=1, sql_mode='', time_zone='+00:00', wait_timeout=31536000");
            var leavesNoTrace = true;
            try
            {
                await RunAsync(connection, "SET SESSION sql_log_bin=0");
            }
            catch (MySqlException e) when (e.Number == ServerErrors.AccessDenied)
            {
                leavesNoTrace = false;
            }

            return new AdminConnection(connection, route, closed) { LeavesNoTrace = leavesNoTrace };
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task RunAsync(MySqlConnection connection, string sql)
    {
        await using var command = Command(connection, sql);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private static MySqlConnectionStringBuilder BySocket(DatabaseOptions options)
    {
        var builder = Common(options);
        builder.Server = options.Socket;
        builder.ConnectionProtocol = MySqlConnectionProtocol.UnixSocket;
        return builder;
    }

    private static MySqlConnectionStringBuilder ByTcp(DatabaseOptions options, string host, int port)
    {
        var builder = Common(options);
        builder.Server = host;
        builder.Port = (uint)port;
        builder.ConnectionProtocol = MySqlConnectionProtocol.Sockets;
        return builder;
    }

    private static MySqlConnectionStringBuilder Common(DatabaseOptions options) => new()
    {
        UserID = options.User,
        Password = options.Password,
        Pooling = false,
        ConnectionTimeout = (uint)Math.Max(1, options.ConnectTimeout.TotalSeconds),
        DefaultCommandTimeout = (uint)Math.Max(1, options.StatementTimeout.TotalSeconds),
        CancellationTimeout = -1, // give the socket up; never KILL QUERY: see the remarks on the class
        AllowUserVariables = true,
        CharacterSet = "utf8mb4",
        ApplicationName = "wolfscale",
        SslMode = MySqlSslMode.Preferred,
    };

    private MySqlCommand Command(string sql, TimeSpan? limit)
    {
        var command = Command(_connection, sql);
        if (limit is { } longest)
            command.CommandTimeout = Math.Max(1, (int)Math.Ceiling(longest.TotalSeconds));
        return command;
    }

    private static MySqlCommand Command(MySqlConnection connection, string sql)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Statements are the product's own; SET, KILL and CHANGE MASTER take no parameters, and names are quoted by Sql.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command;
    }
}
