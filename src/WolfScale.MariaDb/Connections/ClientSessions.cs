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
    /// <summary>The state of a thread that has met the end of its disk (<c>mysys/errors.c</c>, <c>wait_for_free_space</c>).</summary>
    public const string WaitingForSpace = "Waiting for someone to free space";

    /// <summary>Threads of the server itself: replication, the event scheduler.</summary>
    public bool IsSystem =>
        User is "system user" or "event_scheduler" || Command is "Daemon" or "Slave_IO" or "Slave_SQL" or "Slave_worker";

    /// <summary>The leader of a commit group that is in the binlog and waits for its semi-sync ACK.</summary>
    public bool WaitsForAck => State.StartsWith("Waiting for semi-sync ACK", StringComparison.Ordinal);

    /// <summary>In its commit: on the way to the wait for the ACK, or a member of a group that waits.</summary>
    public bool Commits => State.StartsWith("Commit", StringComparison.OrdinalIgnoreCase);

    /// <summary>In the middle of writing to the binlog, on a full disk: it goes on when there is room, within a minute.</summary>
    public bool WaitsForSpace => State == WaitingForSpace;

    /// <summary>A replica that fetches the binlog.</summary>
    public bool IsDump => Command.StartsWith("Binlog Dump", StringComparison.Ordinal);
}

/// <summary>The server's other connections.</summary>
internal static class ClientSessions
{
    public static async Task<IReadOnlyList<ClientSession>> ListAsync(AdminConnection server) =>
        [.. (await server.QueryAsync("SELECT ID, USER, HOST, COMMAND, STATE FROM information_schema.PROCESSLIST")).Select(r => new ClientSession(
            long.Parse(r["ID"], CultureInfo.InvariantCulture), r["USER"], r["HOST"], r["COMMAND"], r["STATE"]))];

    public static async Task<bool> AnyWaitsForSpaceAsync(AdminConnection server) => (await ListAsync(server)).Any(s => s.WaitsForSpace);

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

    /// <summary>
    /// Kills clients, all but ours; replicas that fetch the binlog, and the server's own threads, are left. One pass: call it until none is left.
    /// <para>
    /// The order is the point (measured). A commit group waits for its ACK through one session, its leader; when that one is killed the whole
    /// group is released and commits, and members that are not killed yet answer OK for what the quorum does not have. So the leader goes
    /// last. And while sessions commit and none waits, they may be on their way to the wait: then they are left for the next pass.
    /// </para>
    /// <para>
    /// On a full disk nobody who commits is killed: a thread that waits for space gives up in the middle of an event when it is killed, and what the server writes after
    /// that broken piece cannot be read from its binlog any more (measured).
    /// </para>
    /// </summary>
    /// <param name="connector">Knows which connections are ours.</param>
    /// <param name="server">The administrative connection.</param>
    /// <param name="committingToo">Whether sessions that commit are killed although none waits: after patience with them is at an end.</param>
    /// <returns>How many are left to look at again, those just killed included.</returns>
    public static async Task<int> KillClientsAsync(ServerConnector connector, AdminConnection server, bool committingToo)
    {
        var clients = (await ListAsync(server)).Where(s => !s.IsSystem && !s.IsDump && s.Command != "Killed" && !connector.IsOwn(s.Id)).ToList();
        foreach (var client in clients.Where(s => !s.Commits && !s.WaitsForAck && !s.WaitsForSpace))
            await KillAsync(server, client.Id);
        if (clients.Any(s => s.WaitsForSpace))
            return clients.Count;
        if (!committingToo && !clients.Any(s => s.WaitsForAck))
            return clients.Count;
        foreach (var client in clients.Where(s => s.Commits))
            await KillAsync(server, client.Id);
        foreach (var client in clients.Where(s => s.WaitsForAck))
            await KillAsync(server, client.Id);
        return clients.Count;
    }
}
