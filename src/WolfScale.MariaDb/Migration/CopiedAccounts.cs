using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Dump;

namespace WolfScale.MariaDb.Migration;

/// <summary>
/// Puts the source's accounts, grants and the like from where they were loaded into force. WolfScale's own account is each server's own: its rows are never touched, so that a
/// crash at any point leaves a way in. Doing it twice is the same as doing it once.
/// </summary>
internal static class CopiedAccounts
{
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
        var others = columns.Contains("User", StringComparer.OrdinalIgnoreCase) ? $" WHERE User <> {Sql.Text(ownUser)}" : "";
        var names = string.Join(", ", columns.Select(Sql.Name));
        await server.ExecuteAsync($"DELETE FROM {here}{others}", DumpFormat.Longest);
        await server.ExecuteAsync($"INSERT INTO {here} ({names}) SELECT {names} FROM {copied}{others}", DumpFormat.Longest);
    }

    /// <summary>
    /// Created by a statement, an event has the time of the copy and not its own, by which a promotion tells whether it knows the event's state. And on a follower an
    /// event that the leader has enabled stands as SLAVESIDE_DISABLED.
    /// </summary>
    private static async Task EventsAsync(AdminConnection server)
    {
        // One by one: a statement that writes a table of this kind may not read any other.
        foreach (var row in await server.QueryAsync(
            "SELECT db, name, CAST(created AS CHAR) AS created, CAST(modified AS CHAR) AS modified, CAST(last_executed AS CHAR) AS last_executed, originator, status "
            + $"FROM `{DumpFormat.IncomingSchema}`.event"))
        {
            var executed = row.Find("last_executed") is { } at ? Sql.Text(at) : "NULL";
            await server.ExecuteAsync(
                $"UPDATE mysql.event SET created = {Sql.Text(row["created"])}, modified = {Sql.Text(row["modified"])}, last_executed = {executed}, originator = {row["originator"]}, "
                + $"status = {Sql.Text(row["status"] == "ENABLED" ? "SLAVESIDE_DISABLED" : row["status"])} WHERE db = {Sql.Text(row["db"])} AND name = {Sql.Text(row["name"])}");
        }
    }

    private static async Task<IReadOnlyList<string>> CommonColumnsAsync(AdminConnection server, string table) =>
        [.. (await server.QueryAsync(
            "SELECT a.COLUMN_NAME FROM information_schema.COLUMNS AS a JOIN information_schema.COLUMNS AS b ON a.COLUMN_NAME = b.COLUMN_NAME "
            + $"WHERE a.TABLE_SCHEMA = 'mysql' AND a.TABLE_NAME = {Sql.Text(table)} AND b.TABLE_SCHEMA = '{DumpFormat.IncomingSchema}' AND b.TABLE_NAME = {Sql.Text(table)}"))
            .Select(r => r.First ?? "")];
}
