using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Positions;
using WolfScale.MariaDb.Preflight;
using WolfScale.MariaDb.Roles;

namespace WolfScale.MariaDb;

/// <summary>Where the cluster's data stood before LSN 1 (rule C2).</summary>
/// <param name="GtidPosition">The founding server's position; empty only when it held nothing.</param>
/// <param name="ServerWasEmpty">Whether it held no user data.</param>
public sealed record FoundationBase(string GtidPosition, bool ServerWasEmpty);

/// <summary>Prepares the server of the node that founds a cluster (<c>start --bootstrap</c>).</summary>
public static class ClusterFoundation
{
    private const string Marker = $"`{PrivilegeRules.OwnSchema}`.`foundation`";

    /// <summary>
    /// Reads the base. A server with user data and an empty GTID position first gets a marker transaction (rule C2): otherwise it and a server
    /// without data would both report an empty position and be taken for equal.
    /// </summary>
    /// <exception cref="DatabaseException">The server cannot found a cluster; the message says why and what to do.</exception>
    public static async Task<FoundationBase> PrepareAsync(DatabaseOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await using var server = await new ServerConnector(options).OpenAsync(cancellationToken);
            var facts = await ServerFacts.ReadAsync(server);
            var report = PreflightCheck.Run(facts, new PreflightContext
            {
                AllowStatementFormat = options.AllowStatementFormat,
                OwnSemiSyncClients = await AttachedReplicas.CountOwnAsync(server, facts),
                DumpHosts = await AttachedReplicas.ForeignHostsAsync(server, facts),
            });
            if (!report.CanLead)
            {
                throw new DatabaseException(
                    "This server cannot found a cluster. "
                    + string.Join(" ", report.Findings.Where(f => f.Severity != FindingSeverity.Warning).Select(f => f.ToString())));
            }

            if (await server.ScalarAsync($"SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{DumpFormat.IncomingSchema}'") is not null)
            {
                throw new DatabaseException(
                    $"This server holds a copy of another server's data that was never finished (its schema {DumpFormat.IncomingSchema} says so), so its data are not whole, and a cluster cannot be founded on them. "
                    + $"Found it on a server whose data are whole; or, if these are what is wanted all the same, first DROP DATABASE {DumpFormat.IncomingSchema}.");
            }

            await RuntimeSettings.ApplyAsync(server, facts);
            var position = await PositionReader.ReadAsync(server);
            if (position.HasUserData && position.Current.IsEmpty)
            {
                await WriteMarkerAsync(server);
                position = await PositionReader.ReadAsync(server);
            }

            return new FoundationBase(position.Current.ToString(), !position.HasUserData);
        }
        catch (MySqlException e)
        {
            throw new DatabaseException($"MariaDB at {(options.Socket.Length > 0 ? options.Socket : $"{options.Host}:{options.Port}")} cannot be worked with: {e.Message}", e);
        }
    }

    /// <summary>A real GTID without an effect that anyone could miss: one row in WolfScale's own schema, which itself is not logged.</summary>
    private static async Task WriteMarkerAsync(AdminConnection server)
    {
        // Started with semi-sync on, as its configuration says, the server would wait for an ACK that nobody gives yet.
        await WriteGate.DisableSemiSyncAsync(server);
        await server.ExecuteAsync($"CREATE DATABASE IF NOT EXISTS `{PrivilegeRules.OwnSchema}`");
        await server.ExecuteAsync($"CREATE TABLE IF NOT EXISTS {Marker} (at TIMESTAMP(6) NOT NULL) ENGINE=InnoDB COMMENT='WolfScale: not replicated'");
        await server.ExecuteAsync("SET SESSION sql_log_bin = 1");
        await server.ExecuteAsync($"INSERT INTO {Marker} VALUES (NOW(6))");
        await server.ExecuteAsync("SET SESSION sql_log_bin = 0");
    }
}
