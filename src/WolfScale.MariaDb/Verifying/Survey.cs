using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Verifying;

/// <summary>Something that all nodes must have alike.</summary>
/// <param name="Kind">TABLE, VIEW, TRIGGER, PROCEDURE, FUNCTION or SEQUENCE.</param>
/// <param name="Schema">Where it is.</param>
/// <param name="Name">Its.</param>
/// <param name="Digest">Of its definition.</param>
/// <param name="Skipped">Of a table: why its rows are not compared; null where they are.</param>
/// <param name="Rows">Of a table: about how many it has, for a progress bar.</param>
public sealed record SurveyedObject(string Kind, string Schema, string Name, string Digest, string? Skipped, long Rows);

/// <summary>Looks at what a server has. Definitions are not part of a snapshot: what differs is looked at again before it is believed.</summary>
internal static partial class Survey
{
    private static readonly string[] Needed = ["SHOW VIEW", "TRIGGER"];

    /// <exception cref="DatabaseException">WolfScale's account may not see everything; the message gives the cure.</exception>
    public static async Task<IReadOnlyList<SurveyedObject>> ReadAsync(AdminConnection server, TimeSpan limit)
    {
        // Without these a server does not show what it has, and what no node shows would pass for equal.
        if ((await ServerFacts.ReadAsync(server)) is { Privileges: { } held } facts && !held.Contains("ALL PRIVILEGES")
            && Needed.Where(p => !held.Contains(p)).ToList() is { Count: > 0 } missing)
            throw new DatabaseException($"WolfScale's account lacks {string.Join(" and ", missing)} on this server. As root on it: SET sql_log_bin=0; GRANT {string.Join(", ", missing)} ON *.* TO {Sql.Account(facts.Account)};");
        var found = new List<SurveyedObject>();
        foreach (var row in await server.QueryAsync(
            $"SELECT TABLE_SCHEMA AS s, TABLE_NAME AS n, TABLE_TYPE AS t, IFNULL(ENGINE,'') AS e, IFNULL(TABLE_ROWS,0) AS r FROM information_schema.TABLES WHERE {UserSchemas.Are("TABLE_SCHEMA")} ORDER BY 1,2", limit))
        {
            var kind = row["t"] switch { "BASE TABLE" or "SYSTEM VERSIONED" => "TABLE", "VIEW" => "VIEW", "SEQUENCE" => "SEQUENCE", _ => null };
            if (kind is null)
                continue;
            var skipped = kind == "TABLE" && row["e"] != "InnoDB" ? $"its engine is {(row["e"].Length > 0 ? row["e"] : "not known")}, which has no snapshots" : null;
            found.Add(new SurveyedObject(kind, row["s"], row["n"], Digest(await CreateAsync(server, kind, row["s"], row["n"], limit)), skipped, long.TryParse(row["r"], out var rows) ? rows : 0));
        }

        foreach (var row in await server.QueryAsync(
            $"SELECT TRIGGER_SCHEMA AS s, TRIGGER_NAME AS n, CONCAT_WS('#',EVENT_OBJECT_TABLE,ACTION_TIMING,EVENT_MANIPULATION,ACTION_ORDER,ACTION_STATEMENT,SQL_MODE,DEFINER) AS d FROM information_schema.TRIGGERS WHERE {UserSchemas.Are("TRIGGER_SCHEMA")} ORDER BY 1,2", limit))
            found.Add(new SurveyedObject("TRIGGER", row["s"], row["n"], Digest(row["d"]), null, 0));
        foreach (var row in await server.QueryAsync(
            $"SELECT ROUTINE_SCHEMA AS s, ROUTINE_NAME AS n, ROUTINE_TYPE AS t, CONCAT_WS('#',DTD_IDENTIFIER,ROUTINE_DEFINITION,IS_DETERMINISTIC,SQL_DATA_ACCESS,SECURITY_TYPE,SQL_MODE,DEFINER) AS d FROM information_schema.ROUTINES WHERE {UserSchemas.Are("ROUTINE_SCHEMA")} ORDER BY 1,3,2", limit))
            found.Add(new SurveyedObject(row["t"], row["s"], row["n"], Digest(row["d"]), null, 0));
        return found;
    }

    /// <summary>The columns and the key of a table.</summary>
    /// <exception cref="DatabaseException">There is no such table.</exception>
    public static async Task<VerifiedTable> TableAsync(AdminConnection server, string schema, string name, TimeSpan limit)
    {
        var where = $"TABLE_SCHEMA={Sql.Text(schema)} AND TABLE_NAME={Sql.Text(name)}";
        var columns = (await server.QueryAsync(
                $"SELECT COLUMN_NAME AS n, DATA_TYPE AS t, IFNULL(CHARACTER_SET_NAME,'') AS c, IFNULL(COLLATION_NAME,'') AS o, EXTRA AS e, IS_NULLABLE AS u FROM information_schema.COLUMNS WHERE {where} ORDER BY ORDINAL_POSITION", limit))
            .Where(row => !row["e"].Contains("VIRTUAL", StringComparison.OrdinalIgnoreCase)) // computed from the others, perhaps at every look
            .Select(row => (Column: new VerifiedColumn(row["n"], VerifiedColumn.KindOf(row["t"]), row["c"], row["o"]), IsNullable: row["u"] == "YES"))
            .ToList();
        if (columns.Count == 0)
            throw new DatabaseException($"There is no table {schema}.{name} on this server.");
        var indexes = (await server.QueryAsync(
                $"SELECT INDEX_NAME AS i, COLUMN_NAME AS n, SUB_PART AS p FROM information_schema.STATISTICS WHERE {where} AND NON_UNIQUE=0 ORDER BY INDEX_NAME<>'PRIMARY', INDEX_NAME, SEQ_IN_INDEX", limit))
            .GroupBy(row => row["i"]);
        var key = indexes
            .Where(index => index.All(part => part["p"].Length == 0))
            .Select(index => index.Select(part => columns.Find(c => c.Column.Name == part["n"])).ToList())
            .FirstOrDefault(parts => parts.TrueForAll(c => c.Column is not null && !c.IsNullable && VerifiedTable.CanBeKey(c.Column)));
        return new VerifiedTable(schema, name, [.. columns.Select(c => c.Column)], key is null ? [] : [.. key.Select(c => c.Column)]);
    }

    private static async Task<string> CreateAsync(AdminConnection server, string kind, string schema, string name, TimeSpan limit)
    {
        if (kind == "SEQUENCE")
            return ""; // where it stands is told by what was drawn from it, and how far it is cached is each server's own
        var row = (await server.QueryAsync($"SHOW CREATE {kind} {Sql.Name(schema, name)}", limit))[0];
        return Counter().Replace(row[kind == "VIEW" ? "Create View" : "Create Table"], "");
    }

    private static string Digest(string definition) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(definition)).AsSpan(0, 16));

    /// <summary>The next number is on a server what it was when it last counted.</summary>
    [GeneratedRegex(@" AUTO_INCREMENT=\d+", RegexOptions.CultureInvariant)]
    private static partial Regex Counter();
}
