using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Dump;

namespace WolfScale.MariaDb.Migration;

/// <summary>
/// Puts the source's accounts, grants and the like from where they were loaded into force. WolfScale's own account is each server's own: its rows are never touched, so that a
/// crash at any point leaves a way in. Doing it twice is the same as doing it once.
/// </summary>
internal static class CopiedAccounts
{
    /// <summary>Tables that servers are also given apart from one another: an empty one of the source's takes nothing away.</summary>
    private const string TimeZones = "time_zone";

    public static async Task ApplyAsync(AdminConnection server, string ownUser)
    {
        foreach (var table in DumpFormat.SystemTables.Where(t => t != "event"))
            await ReplaceAsync(server, table, ownUser);
        await EventsAsync(server);

        // The session has sql_log_bin=0, so none of these is logged.
        await server.ExecuteAsync("FLUSH PRIVILEGES");
    }

    private static async Task ReplaceAsync(AdminConnection server, string table, string ownUser)
    {
        var columns = await CommonColumnsAsync(server, table);
        if (columns.Count == 0)
            return; // the source's server, or this one, is of a version without that table
        var (here, copied) = (Sql.Name("mysql", table), Sql.Name(DumpFormat.IncomingSchema, table));
        if (table.StartsWith(TimeZones, StringComparison.Ordinal) && await server.ScalarAsync($"SELECT 1 FROM {copied} LIMIT 1") is null)
            return;
        var others = columns.Contains("User", StringComparer.OrdinalIgnoreCase) ? $" WHERE User <> {Sql.Text(ownUser)}" : "";
        var names = string.Join(", ", columns.Select(Sql.Name));
        await server.ExecuteAsync($"DELETE FROM {here}{others}", DumpFormat.Longest);
        await server.ExecuteAsync($"INSERT INTO {here} ({names}) SELECT {names} FROM {copied}{others}", DumpFormat.Longest);
    }

    /// <summary>
    /// Created by a statement, an event has the time of the copy and not its own, by which a promotion tells whether it knows the event's state. And on a follower an
    /// event that the leader has enabled stands as SLAVESIDE_DISABLED.
    /// </summary>
    private static Task EventsAsync(AdminConnection server) => server.ExecuteAsync(
        $"UPDATE mysql.event AS e JOIN `{DumpFormat.IncomingSchema}`.event AS s ON e.db = s.db AND e.name = s.name "
        + "SET e.created = s.created, e.modified = s.modified, e.last_executed = s.last_executed, e.originator = s.originator, "
        + "e.status = IF(s.status = 'ENABLED', 'SLAVESIDE_DISABLED', s.status)");

    private static async Task<IReadOnlyList<string>> CommonColumnsAsync(AdminConnection server, string table) =>
        [.. (await server.QueryAsync(
            "SELECT a.COLUMN_NAME FROM information_schema.COLUMNS AS a JOIN information_schema.COLUMNS AS b ON a.COLUMN_NAME = b.COLUMN_NAME "
            + $"WHERE a.TABLE_SCHEMA = 'mysql' AND a.TABLE_NAME = {Sql.Text(table)} AND b.TABLE_SCHEMA = '{DumpFormat.IncomingSchema}' AND b.TABLE_NAME = {Sql.Text(table)}"))
            .Select(r => r.First ?? "")];
}
