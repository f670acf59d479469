using System.Collections.Concurrent;
using System.Globalization;
using MySqlConnector;

namespace WolfScale.MariaDb.Connections;

/// <summary>Opens administrative connections to the local server and knows which of its connections are ours. Thread-safe.</summary>
public sealed class ServerConnector(DatabaseOptions options)
{
    private readonly ConcurrentDictionary<long, bool> _own = new();
    private volatile int _extraPort;

    public DatabaseOptions Options { get; } = options;

    /// <summary>Whether a connection of the server's process list is one of ours.</summary>
    public bool IsOwn(long connectionId) => _own.ContainsKey(connectionId);

    /// <summary>
    /// Opens a connection, through <c>extra_port</c> where the server has one: the first connection learns of it and moves there.
    /// </summary>
    /// <exception cref="MySqlException">The server does not answer, or refuses the account.</exception>
    public async Task<AdminConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = await OpenOneAsync(cancellationToken);
        if (_extraPort != 0)
            return connection;
        try
        {
            if (int.TryParse(await connection.ScalarAsync("SELECT @@extra_port"), CultureInfo.InvariantCulture, out var port) && port > 0)
            {
                _extraPort = port;
                var better = await OpenOneAsync(cancellationToken);
                await connection.DisposeAsync();
                return better;
            }

            return connection;
        }
        catch (MySqlException) when (connection.IsOpen)
        {
            return connection; // Not a MariaDB: preflight says so.
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task<AdminConnection> OpenOneAsync(CancellationToken cancellationToken)
    {
        var connection = await AdminConnection.OpenAsync(Options, _extraPort, id => _own.TryRemove(id, out _), cancellationToken);
        _own[connection.Id] = true;
        return connection;
    }
}
