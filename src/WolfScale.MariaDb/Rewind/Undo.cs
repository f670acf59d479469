using System.Text;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Preflight;
using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb.Rewind;

/// <summary>
/// Undoes a tail: every row event reversed, the last one first, in one transaction, through BINLOG statements, which the server applies with
/// the code of its replication. The marker changes in the same transaction, so that the undo happens once or not at all: a second run would
/// silently take another row from a table without a key (measured).
/// </summary>
internal static class Undo
{
    /// <summary>
    /// The table of markers. Like everything of the schema it is made under <c>sql_log_bin=0</c> on this server alone, and belongs to no comparison
    /// between servers. A copy of it on another server (a physical re-seed takes it along) means nothing there: a marker counts only for the
    /// journal that names its id.
    /// </summary>
    public const string MarkerTable = $"`{PrivilegeRules.OwnSchema}`.`rewind`";

    /// <summary>Bytes of events in one BINLOG statement; a single longer event has one to itself.</summary>
    private const int StatementBytes = 512 << 10;

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    /// <summary>The longest event, in bytes, that fits into a BINLOG statement on a server with that <c>max_allowed_packet</c>, with a table map beside it.</summary>
    public static int MaxEventBytes(long maxAllowedPacket) =>
        (int)Math.Clamp((maxAllowedPacket / 4 * 3) - (256 << 10), 0, 512 << 20);

    /// <summary>Opens the marker of a rewind, and forgets those of finished ones. Doing it twice changes nothing.</summary>
    public static async Task OpenMarkerAsync(AdminConnection server, string id)
    {
        RequireNoTrace(server);
        await server.ExecuteAsync($"CREATE DATABASE IF NOT EXISTS `{PrivilegeRules.OwnSchema}`");
        await server.ExecuteAsync(
            $"CREATE TABLE IF NOT EXISTS {MarkerTable} (id VARCHAR(64) PRIMARY KEY, state VARCHAR(16) NOT NULL, "
            + "at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB COMMENT='WolfScale: not replicated'");
        await server.ExecuteAsync($"DELETE FROM {MarkerTable} WHERE id <> {Sql.Text(id)}");
        await server.ExecuteAsync($"INSERT IGNORE INTO {MarkerTable} (id, state) VALUES ({Sql.Text(id)}, 'open')");
    }

    /// <returns><c>open</c>, <c>undone</c>, or null where the server has no such marker: then it is not the server the journal was written for.</returns>
    public static async Task<string?> ReadMarkerAsync(AdminConnection server, string id) =>
        await server.ScalarAsync(
            $"SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA='{PrivilegeRules.OwnSchema}' AND TABLE_NAME='rewind'") is null
            ? null
            : await server.ScalarAsync($"SELECT state FROM {MarkerTable} WHERE id = {Sql.Text(id)}");

    /// <summary>Undoes the changes, unless the marker says that it has been done.</summary>
    /// <exception cref="MySqlConnector.MySqlException">A row did not fit, or the connection was lost: nothing was changed.</exception>
    public static async Task RunAsync(AdminConnection server, string id, TailReader file, TailScan scan, CancellationToken cancellationToken)
    {
        RequireNoTrace(server);
        await server.ExecuteAsync(Binlog(file.Read(scan.Format)));
        await server.ExecuteAsync("START TRANSACTION");
        try
        {
            await server.ExecuteAsync($"UPDATE {MarkerTable} SET state = 'undone' WHERE id = {Sql.Text(id)} AND state = 'open'");
            if (await server.ScalarAsync("SELECT ROW_COUNT()") != "1")
                throw new DatabaseException($"The rewind {id} has no open marker on this server.");
            foreach (var statement in Statements(file, scan))
            {
                cancellationToken.ThrowIfCancellationRequested();
                await server.ExecuteAsync(statement, Longest);
            }

            await server.ExecuteAsync("COMMIT", Longest);
        }
        catch
        {
            if (server.IsOpen)
                await server.ExecuteAsync("ROLLBACK", Longest);
            throw;
        }
    }

    private static IEnumerable<string> Statements(TailReader file, TailScan scan)
    {
        var statement = new StringBuilder();
        for (var i = scan.Changes.Count - 1; i >= 0; i--)
        {
            var change = scan.Changes[i];
            var map = file.Read(change.Map);
            var table = TableColumns.Read(map.AsSpan()[EventHeader.Size..^EventChecksum.Size]);
            var rows = RowReversal.Reverse(file.Read(change.Rows), table, out _);
            if (statement.Length > 0 && statement.Length + ((map.Length + rows.Length) / 3 * 4) > StatementBytes)
            {
                yield return statement.Append('\'').ToString();
                statement.Clear();
            }

            _ = statement.Append(statement.Length == 0 ? "BINLOG '" : "").Append(Convert.ToBase64String(map)).Append('\n')
                .Append(Convert.ToBase64String(rows)).Append('\n');
        }

        if (statement.Length > 0)
            yield return statement.Append('\'').ToString();
    }

    private static string Binlog(byte[] @event) => $"BINLOG '{Convert.ToBase64String(@event)}'";

    // Logged, the undo would be an errant transaction of its own.
    private static void RequireNoTrace(AdminConnection server)
    {
        if (!server.LeavesNoTrace)
            throw new DatabaseException("The account may not set sql_log_bin=0, so nothing can be undone: GRANT BINLOG ADMIN to it.");
    }
}
