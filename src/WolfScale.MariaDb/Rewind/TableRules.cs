using System.Globalization;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.MariaDb.Rewind;

/// <summary>Whether the tables of a tail allow an exact undo: InnoDB, no sequence, no parent of a cascading foreign key.</summary>
internal static class TableRules
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The applier finds a row of a table without any index by looking at all of them: minutes for so many comparisons, while a copy of a member's
    /// data would be done sooner.
    /// </summary>
    private const double TooManyComparisons = 2e9;

    /// <returns>What speaks against it; empty when nothing does.</returns>
    public static async Task<IReadOnlyList<string>> CheckAsync(AdminConnection server, IReadOnlyDictionary<(string Schema, string Table), long> tables)
    {
        var problems = new List<string>();
        foreach (var ((schema, table), changes) in tables)
        {
            if (schema is "mysql" || schema == PrivilegeRules.OwnSchema)
                problems.Add($"{schema}.{table} is a system table");
            else if (await CheckTableAsync(server, schema, table, changes) is { } problem)
                problems.Add(problem);
            else if (await CascadingChildAsync(server, schema, table) is { } child)
                problems.Add($"{schema}.{table} is the parent of a cascading foreign key of {child}: rows that a cascade changed are not in the binlog");
        }

        return problems;
    }

    private static async Task<string?> CheckTableAsync(AdminConnection server, string schema, string table, long changes)
    {
        var rows = await server.QueryAsync(
            "SELECT ENGINE, TABLE_TYPE, TABLE_ROWS, (SELECT COUNT(*) FROM information_schema.STATISTICS s "
            + $"WHERE s.TABLE_SCHEMA={Sql.Text(schema)} AND s.TABLE_NAME={Sql.Text(table)}) AS indexes FROM information_schema.TABLES "
            + $"WHERE TABLE_SCHEMA={Sql.Text(schema)} AND TABLE_NAME={Sql.Text(table)}", Longest);
        if (rows is not [var row, ..])
            return $"{schema}.{table} is not there any more";
        if (row["TABLE_TYPE"] == "SEQUENCE")
            return $"{schema}.{table} is a sequence";
        if (row["ENGINE"] != "InnoDB")
            return $"{schema}.{table} is a table of {row["ENGINE"]}, not of InnoDB";
        return row["indexes"] == "0" && changes * double.Parse(row["TABLE_ROWS"], CultureInfo.InvariantCulture) > TooManyComparisons
            ? $"{changes} rows of {schema}.{table} would have to be found among {row["TABLE_ROWS"]} without an index"
            : null;
    }

    /// <summary>
    /// From InnoDB's own dictionary: information_schema.REFERENTIAL_CONSTRAINTS shows nothing to an account that may only SELECT (measured), and a foreign
    /// key that is overlooked here means children that stay lost. Its names are in the file system's encoding.
    /// </summary>
    private static async Task<string?> CascadingChildAsync(AdminConnection server, string schema, string table) =>
        await server.ScalarAsync(
            $"SELECT CONCAT({Name("FOR_NAME", 1)}, '.', {Name("FOR_NAME", -1)}) FROM information_schema.INNODB_SYS_FOREIGN "
            + $"WHERE TYPE & {AnyCascade} <> 0 AND LOWER({Name("REF_NAME", 1)}) = LOWER({Sql.Text(schema)}) AND LOWER({Name("REF_NAME", -1)}) = LOWER({Sql.Text(table)}) LIMIT 1",
            Longest);

    /// <summary>ON DELETE CASCADE 1, ON DELETE SET NULL 2, ON UPDATE CASCADE 4, ON UPDATE SET NULL 8 (<c>dict0mem.h</c>).</summary>
    private const int AnyCascade = 15;

    private static string Name(string column, int part) =>
        $"CONVERT(CONVERT(BINARY SUBSTRING_INDEX({column}, '/', {part}) USING filename) USING utf8mb4)";
}
