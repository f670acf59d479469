using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Verifying;

/// <summary>How a column takes part in comparisons.</summary>
internal enum ColumnKind
{
    /// <summary>An exact number: its text is its value.</summary>
    Number,

    /// <summary>FLOAT and DOUBLE: as text they are rounded, so they are widened first.</summary>
    Real,

    /// <summary>A date or time.</summary>
    Time,

    /// <summary>CHAR, VARCHAR and TEXT.</summary>
    Text,

    /// <summary>BINARY, VARBINARY and BLOB.</summary>
    Binary,

    /// <summary>Everything else: its bytes are compared, its order is not known.</summary>
    Other,
}

/// <param name="Name">As it is.</param>
/// <param name="Kind">See there.</param>
/// <param name="Charset">Of text.</param>
/// <param name="Collation">Of text: the order of a key.</param>
internal sealed record VerifiedColumn(string Name, ColumnKind Kind, string Charset, string Collation)
{
    public static ColumnKind KindOf(string dataType) => dataType.ToLowerInvariant() switch
    {
        "tinyint" or "smallint" or "mediumint" or "int" or "bigint" or "decimal" or "year" => ColumnKind.Number,
        "float" or "double" => ColumnKind.Real,
        "date" or "datetime" or "timestamp" or "time" => ColumnKind.Time,
        "char" or "varchar" or "tinytext" or "text" or "mediumtext" or "longtext" => ColumnKind.Text,
        "binary" or "varbinary" or "tinyblob" or "blob" or "mediumblob" or "longblob" => ColumnKind.Binary,
        _ => ColumnKind.Other,
    };
}

/// <summary>
/// One table, and the statements that compare it piece by piece. A piece is a range of the key, open below and closed above, so that the pieces cover
/// every row that any node may have, also one that the node which set the bounds lacks. A key's value travels as the hexadecimal text of its bytes.
/// </summary>
/// <param name="schema">Of the table.</param>
/// <param name="name">The table's.</param>
/// <param name="columns">Stored ones, in order.</param>
/// <param name="key">Columns of a unique key without NULL, in order; empty: the table is one piece.</param>
internal sealed partial class VerifiedTable(string schema, string name, IReadOnlyList<VerifiedColumn> columns, IReadOnlyList<VerifiedColumn> key)
{
    public string Schema => schema;

    public string Name => name;

    public IReadOnlyList<VerifiedColumn> Key => key;

    /// <summary>
    /// Number of rows, and the sums of the halves of each row's MD5. A sum, because two equal rows would cancel each other in an exclusive or, and MD5, because
    /// CRC32 is linear: the same change in two rows would cancel out too.
    /// </summary>
    public string SumSql(IReadOnlyList<string>? after, IReadOnlyList<string>? upTo) =>
        "SELECT COUNT(*) AS n, CAST(IFNULL(SUM(CAST(CONV(LEFT(h,16),16,10) AS DECIMAL(20))),0) AS CHAR) AS a, CAST(IFNULL(SUM(CAST(CONV(RIGHT(h,16),16,10) AS DECIMAL(20))),0) AS CHAR) AS b"
        + $" FROM (SELECT MD5(CONCAT_WS('#',{string.Join(',', columns.Select(Part))})) AS h FROM {Sql.Name(schema, name)}{Where(after, upTo)}) AS r";

    /// <summary>The key of the <paramref name="rows"/>-th row behind a bound: the upper bound of the next piece. No row: the rest is smaller than that.</summary>
    public string EdgeSql(IReadOnlyList<string>? after, int rows) => string.Create(
        CultureInfo.InvariantCulture,
        $"SELECT {string.Join(',', key.Select((column, i) => $"HEX(CAST({Sql.Name(column.Name)} AS BINARY)) AS k{i}"))} FROM {Sql.Name(schema, name)}{Where(after, null)} ORDER BY {string.Join(',', key.Select(k => Sql.Name(k.Name)))} LIMIT {rows - 1},1");

    /// <summary>For people: a key's value as SQL.</summary>
    public string Describe(IReadOnlyList<string> values) =>
        "(" + string.Join(", ", key.Zip(values, (column, hex) => column.Kind switch
        {
            ColumnKind.Binary => $"x'{hex}'",
            ColumnKind.Number => Ascii(hex),
            _ => Sql.Text(Encoding.UTF8.GetString(Convert.FromHexString(hex))),
        })) + ")";

    /// <summary>Can bound a range of any of these: their order as literals is their order in the index.</summary>
    public static bool CanBeKey(VerifiedColumn column) => column.Kind is ColumnKind.Number or ColumnKind.Time or ColumnKind.Text or ColumnKind.Binary;

    private static string Part(VerifiedColumn column)
    {
        var name = Sql.Name(column.Name);
        var value = column.Kind switch
        {
            ColumnKind.Number or ColumnKind.Time => name,
            ColumnKind.Real => name + "+0E0",
            _ => $"MD5({name})",
        };
        return $"ISNULL({name}),IFNULL({value},'')"; // NULL is told apart from the empty text, and CONCAT_WS leaves nothing out
    }

    private string Where(IReadOnlyList<string>? after, IReadOnlyList<string>? upTo)
    {
        var conditions = new List<string>();
        if (after is not null)
            conditions.Add(Beyond(after, ">", ">"));
        if (upTo is not null)
            conditions.Add(Beyond(upTo, "<", "<="));
        return conditions.Count == 0 ? "" : " WHERE " + string.Join(" AND ", conditions);
    }

    /// <summary>A comparison of the whole key, written out: MariaDB finds no range in one of row constructors. The first column's own bound opens the index.</summary>
    private string Beyond(IReadOnlyList<string> bound, string strict, string last)
    {
        if (bound.Count != key.Count)
            throw new ArgumentException($"The key of {schema}.{name} has {key.Count} columns, and the bound {bound.Count}.");
        var literals = key.Zip(bound, Literal).ToList();
        var alternatives = new List<string>();
        for (var i = 0; i < key.Count; i++)
        {
            var equal = Enumerable.Range(0, i).Select(j => $"{Sql.Name(key[j].Name)}={literals[j]}");
            alternatives.Add(string.Join(" AND ", equal.Append($"{Sql.Name(key[i].Name)}{(i == key.Count - 1 ? last : strict)}{literals[i]}")));
        }

        return key.Count == 1 ? alternatives[0] : $"({Sql.Name(key[0].Name)}{strict}={literals[0]} AND ({string.Join(" OR ", alternatives.Select(a => $"({a})"))}))";
    }

    /// <summary>What came from elsewhere is never taken for SQL: hexadecimal, or of digits alone.</summary>
    private static string Literal(VerifiedColumn column, string hex)
    {
        if (!Hexadecimal().IsMatch(hex))
            throw new ArgumentException($"\"{hex}\" is not hexadecimal.");
        return column.Kind switch
        {
            ColumnKind.Number => Checked(Ascii(hex), Numeric()),
            ColumnKind.Time => $"'{Checked(Ascii(hex), Temporal())}'",
            ColumnKind.Text => $"_{column.Charset} x'{hex}' COLLATE {column.Collation}",
            _ => $"x'{hex}'",
        };
    }

    private static string Checked(string text, Regex shape) => shape.IsMatch(text) ? text : throw new ArgumentException($"\"{text}\" is no value of such a key.");

    private static string Ascii(string hex) => Encoding.ASCII.GetString(Convert.FromHexString(hex));

    [GeneratedRegex("^(?:[0-9A-Fa-f]{2})*$", RegexOptions.CultureInvariant)]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"^-?[0-9]+(\.[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Numeric();

    [GeneratedRegex(@"^-?[0-9:. \-]+$", RegexOptions.CultureInvariant)]
    private static partial Regex Temporal();
}
