using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Comparing;

/// <summary>Which rows of a table differ between two servers, for the report of a difference.</summary>
internal static class RowDifference
{
    private const int Shown = 3;

    /// <summary>A few rows that only one of the two servers has; a line that says so when the rows read as text are equal.</summary>
    public static async Task<string> DescribeAsync(SqlServer one, SqlServer other, RowText table)
    {
        var left = await ReadAsync(one, table);
        var right = await ReadAsync(other, table);
        var onlyLeft = Subtract(left, right);
        var onlyRight = Subtract(right, left);
        if (onlyLeft.Count + onlyRight.Count == 0)
            return "    (as text all rows are equal)";
        return string.Join("\n", Lines(one, onlyLeft).Concat(Lines(other, onlyRight)));
    }

    private static async Task<List<string>> ReadAsync(SqlServer server, RowText table)
    {
        await using var connection = await server.RootAsync();
        await connection.RunAsync("SET NAMES utf8mb4, time_zone='+00:00'");
        return await table.LinesAsync(connection);
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
}
