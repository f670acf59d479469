using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Comparing;

/// <summary>
/// A table's rows in words of our own, beside CHECKSUM TABLE: that one covers uninitialised bytes where a table has generated columns and then
/// differs from one copy of the same rows to the next (measured: MariaDB 10.11.19, stored generated column, copies within one server).
/// </summary>
internal sealed record RowText(string Schema, string Table, IReadOnlyList<(string Name, string Type)> Columns, bool HasGeneratedColumns, bool Versioned, bool ImplicitPeriod)
{
    public static async Task<RowText> OfAsync(MySqlConnection connection, string schema, string table, bool versioned)
    {
        var columns = await connection.RowsAsync(
            $"SELECT column_name, data_type, is_generated, generation_expression FROM information_schema.columns WHERE table_schema = {Sql.Literal(schema)} AND table_name = {Sql.Literal(table)} ORDER BY ordinal_position");
        return new RowText(schema, table, columns.ConvertAll(c => (c[0]!, c[1]!)), columns.Exists(c => c[2] == "ALWAYS"), versioned, !columns.Exists(c => c[3] == "ROW START"));
    }

    /// <summary>Rows, history included, and two order-free sums over the digests of all rows (every column, invisible ones and NULLs included).</summary>
    public async Task<string> DigestAsync(MySqlConnection connection)
    {
        var row = string.Join(", '|', ", AllColumns().Select(c => $"IFNULL(MD5({Value(c)}), 'NULL')"));
        var digest = $"CAST(CONV(LEFT(MD5(CONCAT({row})), 16), 16, 10) AS UNSIGNED)";
        var found = await connection.RowsAsync($"SELECT COUNT(*), BIT_XOR({digest}), SUM({digest}) FROM {Source}");
        return string.Create(CultureInfo.InvariantCulture, $"{found[0][0]} rows, xor {found[0][1]}, sum {found[0][2]}");
    }

    /// <summary>One line a row, for people.</summary>
    public async Task<List<string>> LinesAsync(MySqlConnection connection)
    {
        var row = string.Join(", ", AllColumns().Select(c => $"CONCAT({Sql.Literal(c.Name + "=")}, {Readable(c)})"));
        var rows = await connection.RowsAsync($"SELECT CONCAT_WS(' ', {row}) FROM {Source}");
        return rows.ConvertAll(r => r[0] ?? "NULL");
    }

    private string Source => $"{Sql.Name(Schema)}.{Sql.Name(Table)}{(Versioned ? " FOR SYSTEM_TIME ALL" : "")}";

    private IEnumerable<(string Name, string Type)> AllColumns() =>
        Versioned && ImplicitPeriod ? [.. Columns, ("ROW_START", "timestamp"), ("ROW_END", "timestamp")] : Columns;

    /// <summary>FLOAT as text keeps six digits only, BIT as text is bytes of no character set.</summary>
    private static string Value((string Name, string Type) column) => column.Type switch
    {
        "float" => $"CAST({Sql.Name(column.Name)} AS DOUBLE)",
        "bit" => $"{Sql.Name(column.Name)} + 0",
        _ => Sql.Name(column.Name),
    };

    private static string Readable((string Name, string Type) column) => column.Type switch
    {
        "float" or "bit" => $"IFNULL({Value(column)}, 'NULL')",
        "tinyint" or "smallint" or "mediumint" or "int" or "bigint" or "decimal" or "double" or "date" or "time" or "datetime" or "timestamp" or "year" =>
            $"IFNULL({Sql.Name(column.Name)}, 'NULL')",
        "char" or "varchar" or "enum" or "set" or "uuid" or "inet4" or "inet6" => $"CONVERT(QUOTE(LEFT({Sql.Name(column.Name)}, 100)) USING utf8mb4)",
        _ => $"IFNULL(CONCAT('0x', LEFT(HEX({Sql.Name(column.Name)}), 40), ' (', MD5({Sql.Name(column.Name)}), ')'), 'NULL')",
    };
}
