using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.MariaDb.Rewind;

/// <summary>Whether the tables of a tail allow an exact undo: InnoDB, no sequence, no parent of a cascading foreign key.</summary>
internal static class TableRules
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    /// <returns>What speaks against it; empty when nothing does.</returns>
    public static async Task<IReadOnlyList<string>> CheckAsync(AdminConnection server, IEnumerable<(string Schema, string Table)> tables)
    {
        var problems = new List<string>();
        foreach (var (schema, table) in tables)
        {
            if (schema is "mysql" || schema == PrivilegeRules.OwnSchema)
                problems.Add($"{schema}.{table} is a system table");
            else if (await CheckTableAsync(server, schema, table) is { } problem)
                problems.Add(problem);
            else if (await CascadingChildAsync(server, schema, table) is { } child)
                problems.Add($"{schema}.{table} is the parent of a cascading foreign key of {child}: rows that a cascade changed are not in the binlog");
        }

        return problems;
    }

    private static async Task<string?> CheckTableAsync(AdminConnection server, string schema, string table)
    {
        var rows = await server.QueryAsync(
            "SELECT ENGINE, TABLE_TYPE FROM information_schema.TABLES "
            + $"WHERE TABLE_SCHEMA={Sql.Text(schema)} AND TABLE_NAME={Sql.Text(table)}", Longest);
        if (rows is not [var row, ..])
            return $"{schema}.{table} is not there any more";
        if (row["TABLE_TYPE"] == "SEQUENCE")
            return $"{schema}.{table} is a sequence";
        return row["ENGINE"] == "InnoDB" ? null : $"{schema}.{table} is a table of {row["ENGINE"]}, not of InnoDB";
    }

    private static async Task<string?> CascadingChildAsync(AdminConnection server, string schema, string table) =>
        await server.ScalarAsync(
            "SELECT CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME) FROM information_schema.REFERENTIAL_CONSTRAINTS "
            + $"WHERE UNIQUE_CONSTRAINT_SCHEMA={Sql.Text(schema)} AND REFERENCED_TABLE_NAME={Sql.Text(table)} "
            + "AND (DELETE_RULE IN ('CASCADE','SET NULL','SET DEFAULT') OR UPDATE_RULE IN ('CASCADE','SET NULL','SET DEFAULT')) LIMIT 1", Longest);
}
