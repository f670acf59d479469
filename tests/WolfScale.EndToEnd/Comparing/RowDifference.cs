using MySqlConnector;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Comparing;

/// <summary>Which rows of a table differ between two servers, for the report of a differing checksum: invisible columns included.</summary>
internal static class RowDifference
{
    private const int Shown = 3;

    /// <summary>A few rows that only one of the two servers has, as text; a line that says so when the rows read as text are equal.</summary>
    public static async Task<string> DescribeAsync(SqlServer one, SqlServer other, string schema, string table)
    {
        var left = await ReadAsync(one, schema, table);
        var right = await ReadAsync(other, schema, table);
        var onlyLeft = Subtract(left, right);
        var onlyRight = Subtract(right, left);
        if (onlyLeft.Count + onlyRight.Count == 0)
            return "    (as text all rows are equal)";
        return string.Join("\n", Lines(one, onlyLeft).Concat(Lines(other, onlyRight)));
    }

    private static IEnumerable<string> Lines(SqlServer server, List<string> rows) =>
        rows.Take(Shown).Select(r => $"    only on {server}: {(r.Length > 400 ? r[..400] + " …" : r)}").Append($"    {rows.Count} rows only on {server}");

    private static List<string> Subtract(List<string> rows, List<string> others)
    {
        var counts = others.CountBy(r => r, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        return rows.FindAll(r =>
        {
            var left = counts.GetValueOrDefault(r);
            counts[r] = left - 1;
            return left <= 0;
        });
    }

    private static async Task<List<string>> ReadAsync(SqlServer server, string schema, string table)
    {
        await using var connection = await server.RootAsync();
        await connection.RunAsync("SET NAMES utf8mb4, time_zone='+00:00'");
        var columns = await connection.RowsAsync(
            $"SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = '{Escape(schema)}' AND table_name = '{Escape(table)}' ORDER BY ordinal_position");
        var expressions = columns.Select(c => $"'{Escape(c[0]!)}=', {Expression(c[0]!, c[1]!)}");
        var rows = await connection.RowsAsync($"SELECT CONCAT_WS(' ', {string.Join(", ", expressions)}) FROM {Name(schema)}.{Name(table)}");
        return rows.ConvertAll(r => r[0] ?? "NULL");
    }

    private static string Expression(string column, string type) =>
        type.Contains("blob", StringComparison.Ordinal) || type.Contains("binary", StringComparison.Ordinal) || type is "bit" or "point" or "geometry" || type.Contains("polygon", StringComparison.Ordinal)
            || type.Contains("string", StringComparison.Ordinal) || type.StartsWith("multi", StringComparison.Ordinal) || type.EndsWith("collection", StringComparison.Ordinal)
            ? $"IFNULL(LEFT(HEX({Name(column)}), 60), 'NULL'), IFNULL(MD5({Name(column)}), '')"
            : $"CONVERT(QUOTE({Name(column)}) USING utf8mb4)";

    private static string Name(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);
}
