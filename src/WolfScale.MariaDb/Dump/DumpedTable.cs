using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Dump;

/// <summary>How a column's value is written.</summary>
internal enum ValueForm
{
    /// <summary>As the server prints it.</summary>
    Number,

    /// <summary>Printed, in quotes: dates and times, UUIDs and addresses.</summary>
    Text,

    /// <summary>The stored bytes, whatever their character set: texts, BLOBs, geometries, bits.</summary>
    Bytes,
}

/// <summary>A column of a dump: how it is read and how its value is written.</summary>
internal sealed record DumpedColumn(string Name, string Expression, ValueForm Form)
{
    /// <summary>
    /// A FLOAT is printed with six digits, which is not its value (16777216 reads 16777200; <c>mariadb-dump</c> has no cure); as a DOUBLE it is printed exactly.
    /// ENUM and SET go by number, because their texts need not be unique under the column's character set.
    /// </summary>
    public static DumpedColumn Of(string name, string type, bool isText)
    {
        var quoted = Sql.Name(name);
        return type.ToLowerInvariant() switch
        {
            "float" => new(name, $"CAST({quoted} AS DOUBLE)", ValueForm.Number),
            "enum" or "set" => new(name, $"CAST({quoted} AS UNSIGNED)", ValueForm.Number),
            "tinyint" or "smallint" or "mediumint" or "int" or "bigint" or "decimal" or "year" or "double" => new(name, quoted, ValueForm.Number),
            "date" or "time" or "datetime" or "timestamp" or "uuid" or "inet4" or "inet6" => new(name, quoted, ValueForm.Text),
            "bit" or "binary" or "varbinary" or "tinyblob" or "blob" or "mediumblob" or "longblob" or "vector" => new(name, quoted, ValueForm.Bytes),
            "geometry" or "point" or "linestring" or "polygon" or "multipoint" or "multilinestring" or "multipolygon" or "geometrycollection" => new(name, quoted, ValueForm.Bytes),
            _ when isText => new(name, quoted, ValueForm.Bytes),
            _ => throw new DumpException($"Column {name} is of type {type}, which this version cannot copy exactly."),
        };
    }
}

/// <summary>A table whose rows are dumped.</summary>
internal sealed record DumpedTable(string Schema, string Name, bool IsVersioned, IReadOnlyList<DumpedColumn> Columns)
{
    /// <summary>Engines whose rows lie elsewhere.</summary>
    private const string WithoutRows = "'MRG_MYISAM','FEDERATED','CONNECT','SPIDER','BLACKHOLE','S3','OQGRAPH','SPHINX','MROONGA'";


    /// <summary>From MariaDB 10.11 on a session may write the history of a system-versioned table.</summary>
    private static readonly Version History = new(10, 11, 0);

    public string FullName => Sql.Name(Schema, Name);

    /// <summary>The users' schemas, by name.</summary>
    public static async Task<IReadOnlyList<string>> SchemasAsync(AdminConnection server) =>
        [.. (await server.QueryAsync($"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE {UserSchemas.Are("SCHEMA_NAME")} ORDER BY 1")).Select(r => r.First ?? "")];

    /// <summary>Bytes of the users' rows, as the engines estimate them; for a progress bar.</summary>
    public static async Task<long> EstimateAsync(AdminConnection server) =>
        long.Parse(
            await server.ScalarAsync(
                $"SELECT CAST(IFNULL(SUM(DATA_LENGTH), 0) AS UNSIGNED) FROM information_schema.TABLES WHERE {UserSchemas.Are("TABLE_SCHEMA")}",
                DumpFormat.Longest) ?? "0",
            System.Globalization.CultureInfo.InvariantCulture);

    /// <exception cref="DumpException">A table cannot be copied exactly.</exception>
    public static async Task<IReadOnlyList<DumpedTable>> ListAsync(AdminConnection server, string schema)
    {
        var tables = await server.QueryAsync(
            $"SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = {Sql.Text(schema)} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') "
            + $"AND (ENGINE IS NULL OR UPPER(ENGINE) NOT IN ({WithoutRows})) ORDER BY 1",
            DumpFormat.Longest);
        var columns = (await server.QueryAsync(
            "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_SET_NAME, IS_GENERATED, IFNULL(GENERATION_EXPRESSION, '') AS EXPR FROM information_schema.COLUMNS "
            + $"WHERE TABLE_SCHEMA = {Sql.Text(schema)} ORDER BY TABLE_NAME, ORDINAL_POSITION",
            DumpFormat.Longest)).ToLookup(r => r["TABLE_NAME"]);
        return [.. tables.Select(t => Of(schema, t["TABLE_NAME"], t["TABLE_TYPE"] == "SYSTEM VERSIONED", columns[t["TABLE_NAME"]]))];
    }

    /// <exception cref="DumpException">The server cannot tell its history in a way that another can take.</exception>
    public void CheckVersion(MariaDbVersion version)
    {
        if (IsVersioned && version.Number < History)
            throw new DumpException($"{FullName} is system-versioned, and a server before 10.11 cannot take over its history: copy the data directory with mariadb-backup instead.");
    }

    private static DumpedTable Of(string schema, string name, bool isVersioned, IEnumerable<Row> rows)
    {
        var columns = new List<DumpedColumn>();
        var hasPeriod = false;
        foreach (var row in rows)
        {
            // The period's columns are generated too, and are part of the history.
            var isPeriod = isVersioned && row["EXPR"].ToUpperInvariant() is "ROW START" or "ROW END";
            hasPeriod |= isPeriod;
            if (row["IS_GENERATED"] == "NEVER" || isPeriod)
                columns.Add(DumpedColumn.Of(row["COLUMN_NAME"], row["DATA_TYPE"], row["CHARACTER_SET_NAME"].Length > 0));
        }

        if (isVersioned && !hasPeriod && columns.Count > 0)
            columns.AddRange([new("row_start", "row_start", ValueForm.Text), new("row_end", "row_end", ValueForm.Text)]);
        return new DumpedTable(schema, name, isVersioned, columns);
    }
}
