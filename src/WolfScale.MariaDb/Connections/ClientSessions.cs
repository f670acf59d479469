using System.Globalization;
using MySqlConnector;

namespace WolfScale.MariaDb.Connections;

/// <summary>A connection in the server's process list.</summary>
/// <param name="Id">Its id.</param>
/// <param name="User">Its account, or <c>system user</c>.</param>
/// <param name="Host">Where it comes from.</param>
/// <param name="Command">What it does: Query, Sleep, Binlog Dump, ….</param>
/// <param name="State">Its thread's state, for example <c>Waiting for table metadata lock</c>.</param>
public sealed record ClientSession(long Id, string User, string Host, string Command, string State)
{
    /// <summary>Threads of the server itself: replication, the event scheduler.</summary>
    public bool IsSystem =>
        User is "system user" or "event_scheduler" || Command is "Daemon" or "Slave_IO" or "Slave_SQL" or "Slave_worker";

    /// <summary>A replica that fetches the binlog.</summary>
    public bool IsDump => Command.StartsWith("Binlog Dump", StringComparison.Ordinal);
}

/// <summary>The server's other connections.</summary>
internal static class ClientSessions
{
    public static async Task<IReadOnlyList<ClientSession>> ListAsync(AdminConnection server) =>
        [.. (await server.QueryAsync("SELECT ID, USER, HOST, COMMAND, STATE FROM information_schema.PROCESSLIST")).Select(r => new ClientSession(
            long.Parse(r["ID"], CultureInfo.InvariantCulture), r["USER"], r["HOST"], r["COMMAND"], r["STATE"]))];

    /// <summary>
    /// Ends a connection with KILL HARD: its client gets error 2013 (connection lost), never an OK, also where it waits for its ACK (measured).
    /// </summary>
    public static async Task KillAsync(AdminConnection server, long id)
    {
        try
        {
            await server.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"KILL HARD CONNECTION {id}"));
        }
        catch (MySqlException e) when (e.Number == ServerErrors.NoSuchThread)
        {
            // It has ended by itself.
        }
    }

    /// <summary>Kills every client but ours; replicas that fetch the binlog, and the server's own threads, are left.</summary>
    /// <returns>How many were there to kill.</returns>
    public static async Task<int> KillClientsAsync(ServerConnector connector, AdminConnection server)
    {
        var clients = (await ListAsync(server)).Where(s => !s.IsSystem && !s.IsDump && !connector.IsOwn(s.Id)).ToList();
        foreach (var client in clients)
            await KillAsync(server, client.Id);
        return clients.Count;
    }
}
