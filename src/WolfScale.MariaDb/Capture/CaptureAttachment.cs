using System.Globalization;
using Microsoft.Extensions.Logging;
using MySqlConnector;

namespace WolfScale.MariaDb;

/// <summary>
/// Asks the server whether it waits for us: semi-sync is on and exactly one replica is counted. The stream itself shows that we are that
/// replica: only a counted one gets semi-sync headers. A second one would release commits without the quorum, so until it is gone
/// nobody may rely on the gate.
/// </summary>
internal sealed partial class CaptureAttachment(ServerEndpoint server, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(25);

    /// <summary>Our own previous connection is counted until the server notices its end, at its second heartbeat at the latest.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Returns when the server counts one replica. Tries for as long as it takes.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var warned = false;
        using var poll = new PeriodicTimer(PollInterval, time);
        do
        {
            string state;
            try
            {
                await using var connection = new MySqlConnection(ConnectionString());
                await connection.OpenAsync(cancellationToken);
                do
                {
                    var (on, clients) = await ReadAsync(connection, cancellationToken);
                    if (on && clients == 1)
                        return;
                    state = $"semi-sync is {(on ? "on" : "off")}, it counts {clients} semi-sync replicas";
                    warned |= WarnOnce(warned, began, state);
                }
                while (await poll.WaitForNextTickAsync(cancellationToken));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                warned |= WarnOnce(warned, began, e.Message);
            }
        }
        while (await poll.WaitForNextTickAsync(cancellationToken));
    }

    private bool WarnOnce(bool warned, long began, string state)
    {
        if (warned || time.GetElapsedTime(began) < Patience)
            return false;
        LogNotCounted(logger, server, state);
        return true;
    }

    private static async Task<(bool On, int Clients)> ReadAsync(MySqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_clients')";
        var (on, clients) = (false, 0);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetString(0).EndsWith("clients", StringComparison.OrdinalIgnoreCase))
                clients = int.Parse(reader.GetString(1), CultureInfo.InvariantCulture);
            else
                on = reader.GetString(1) == "ON";
        }

        return (on, clients);
    }

    private string ConnectionString()
    {
        var builder = new MySqlConnectionStringBuilder
        {
            UserID = server.User,
            Password = server.Password,
            Pooling = false,
            ConnectionTimeout = 5,
            DefaultCommandTimeout = 10,
            ApplicationName = "wolfscale capture",
        };
        if (server.Socket.Length > 0)
        {
            builder.Server = server.Socket;
            builder.ConnectionProtocol = MySqlConnectionProtocol.UnixSocket;
        }
        else
        {
            builder.Server = server.Host;
            builder.Port = (uint)server.Port;
            builder.SslMode = MySqlSslMode.Preferred;
        }

        return builder.ConnectionString;
    }

    [LoggerMessage(3110, LogLevel.Error, "MariaDB at {Server} does not wait for WolfScale alone: {State}. Writes are not safe until exactly one replica, "
        + "WolfScale, is counted: stop any semi-sync replica of your own (SHOW SLAVE HOSTS), and see SHOW STATUS LIKE 'rpl_semi_sync%'.")]
    private static partial void LogNotCounted(ILogger logger, ServerEndpoint server, string state);
}
