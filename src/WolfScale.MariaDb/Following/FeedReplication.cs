using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Following;

/// <summary>State of the server's replication from the feed.</summary>
/// <param name="Configured">Whether the connection exists.</param>
/// <param name="Fetch">The IO thread: Yes, Connecting, Preparing or No.</param>
/// <param name="ApplyRuns">The SQL thread runs.</param>
/// <param name="Progress">Changes whenever the applier has done something, also within a long transaction.</param>
/// <param name="ErrorNumber">The error that stopped it, the SQL thread's first; 0 for none.</param>
/// <param name="Error">Its text.</param>
internal sealed record ReplicationStatus(bool Configured, string Fetch, bool ApplyRuns, string Progress, int ErrorNumber, string Error)
{
    /// <summary>ER_GTID_STRICT_OUT_OF_ORDER: the server has a group of its own where the log has another. The rejoin ladder is due.</summary>
    public const int GtidOutOfOrder = 1950;

    /// <summary>Whether one of its threads has ended. One that tries to connect has not.</summary>
    public bool IsStopped => Fetch == "No" || !ApplyRuns;
}

/// <summary>The named replication connection through which the local server fetches the committed log; the user's own connections are left alone.</summary>
internal sealed class FeedReplication(AdminConnection server, IFeed feed, DatabaseOptions options)
{
    private static readonly string Name = Sql.Text(ServerFacts.FeedConnection);

    /// <summary>Whether it was started through this object, and not stopped since: it points at the present feed.</summary>
    public bool Started { get; private set; }

    /// <summary>Points the server at the feed and starts it from <paramref name="position"/>, which the server must have been shown to stand at.</summary>
    public async Task StartAsync(GtidPosition position)
    {
        await StopAsync();
        if (!GtidPosition.Parse(await server.ScalarAsync("SELECT @@gtid_slave_pos") ?? "").Equals(position))
            await server.ExecuteAsync($"SET GLOBAL gtid_slave_pos = {Sql.Text(position.ToString())}");
        var host = options.FeedAdvertiseHost.Length > 0 ? options.FeedAdvertiseHost : feed.Host;
        await server.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"""
            CHANGE MASTER {Name} TO MASTER_HOST={Sql.Text(host)}, MASTER_PORT={feed.Port}, MASTER_USER={Sql.Text(feed.User)},
            MASTER_PASSWORD={Sql.Text(feed.Password)}, MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1,
            MASTER_SSL=0, MASTER_SSL_VERIFY_SERVER_CERT=0, MASTER_DELAY=0, IGNORE_SERVER_IDS=(), DO_DOMAIN_IDS=(), IGNORE_DOMAIN_IDS=()
            """));

        // What committed together on the leader is applied together, and nothing else: the gate makes those groups as large as the load is
        // parallel. Optimistic workers try more and undo it where rows collide, which under load costs more than it brings (docs/performance.md).
        await server.ExecuteAsync($"SET GLOBAL {ServerFacts.FeedConnection}.slave_parallel_mode = conservative");
        await server.ExecuteAsync($"START SLAVE {Name}");
        Started = true;
    }

    /// <summary>Stops fetching and applying; what was fetched and not applied is thrown away, and the feed sends it again.</summary>
    public async Task StopAsync()
    {
        Started = false;
        try
        {
            await server.ExecuteAsync($"STOP SLAVE {Name}");
        }
        catch (MySqlException e) when (e.Number == ServerErrors.NoSuchReplication)
        {
            // Never configured: nothing runs.
        }
    }

    public async Task<ReplicationStatus> StatusAsync()
    {
        IReadOnlyList<Row> rows;
        try
        {
            rows = await server.QueryAsync($"SHOW SLAVE {Name} STATUS");
        }
        catch (MySqlException e) when (e.Number == ServerErrors.NoSuchReplication)
        {
            rows = [];
        }

        if (rows is not [var row, ..])
            return new ReplicationStatus(false, "No", false, "", 0, "");
        var sqlError = int.Parse(row["Last_SQL_Errno"], CultureInfo.InvariantCulture);
        var fetchError = int.Parse(row["Last_IO_Errno"], CultureInfo.InvariantCulture);
        return new ReplicationStatus(
            true,
            row["Slave_IO_Running"],
            row["Slave_SQL_Running"] == "Yes",
            $"{row["Executed_log_entries"]} {row["Exec_Master_Log_Pos"]} {row["Gtid_IO_Pos"]}",
            sqlError != 0 ? sqlError : fetchError,
            sqlError != 0 ? row["Last_SQL_Error"] : row["Last_IO_Error"]);
    }
}
