using System.Collections.Concurrent;
using System.Globalization;
using MySqlConnector;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Http.Data.Values;

namespace WolfScale.Server.Http.Data.Catalogue;

/// <summary>
/// What the leader's catalogue says of tables, kept for some seconds: whatever is not found in what is kept, and whatever MariaDB then refuses, is looked up anew. It decides how names are quoted and values are
/// sent; whether a row is right is MariaDB's to say.
/// </summary>
internal sealed class TableCatalogue(ApiSessions sessions, TimeProvider time)
{
    /// <summary>MariaDB's longest name, in characters.</summary>
    public const int MaxNameLength = 64;

    private const int MostKept = 1000;

    // The hints stand behind the first word, because the connector drops what stands before it.
    private const string TableSql =
        "SELECT /* wolfscale: leader */ TABLE_NAME, TABLE_TYPE, IFNULL(ENGINE, ''), @@lower_case_table_names FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";

    private const string ColumnsSql =
        "SELECT /* wolfscale: leader */ COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE, IS_NULLABLE, COLUMN_DEFAULT IS NOT NULL, EXTRA, IFNULL(GENERATION_EXPRESSION, ''), "
        + "COLUMN_KEY = 'PRI', TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";

    private const string JsonSql =
        "SELECT /* wolfscale: leader */ CONSTRAINT_NAME, CHECK_CLAUSE, TABLE_NAME FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?";

    private const string SchemasSql = "SELECT /* wolfscale: leader */ SCHEMA_NAME FROM information_schema.SCHEMATA";
    private const string TablesSql = "SELECT /* wolfscale: leader */ TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? LIMIT 5000";

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(10);

    /// <summary>What is in use is read anew before it is too old, so that no request waits for that.</summary>
    private static readonly TimeSpan Ripe = Fresh / 2;

    private readonly ConcurrentDictionary<(string Schema, string Table), Kept> _kept = new();
    private readonly ConcurrentDictionary<(string Schema, string Table), Task<TableDescription>> _reading = new();

    /// <exception cref="DataProblemException">There is no such table, or it is not for the API.</exception>
    public ValueTask<TableDescription> FindAsync(string schema, string table)
    {
        var age = _kept.TryGetValue((schema, table), out var kept) ? time.GetElapsedTime(kept.ReadAt) : TimeSpan.MaxValue;
        if (kept is null || age >= Fresh)
        {
            Check("table", table);
            CheckSchema(schema);
            return new ValueTask<TableDescription>(ReadForAllAsync((schema, table)));
        }

        if (age >= Ripe)
            _ = ReadForAllAsync((schema, table)).ContinueWith(static read => _ = read.Exception, TaskScheduler.Default); // a failure is told to who has to wait for it
        return new ValueTask<TableDescription>(kept.Table);
    }

    /// <summary>One reading for all who want it meanwhile.</summary>
    private Task<TableDescription> ReadForAllAsync((string Schema, string Table) name)
    {
        if (_reading.TryGetValue(name, out var reading))
            return reading;
        var mine = new TaskCompletionSource<TableDescription>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_reading.TryAdd(name, mine.Task))
            return ReadForAllAsync(name); // somebody was quicker
        _ = ReadAndTellAsync(name, mine);
        return mine.Task;
    }

    private async Task ReadAndTellAsync((string Schema, string Table) name, TaskCompletionSource<TableDescription> waiting)
    {
        try
        {
            var read = await ReadAsync(name.Schema, name.Table);
            _ = _reading.TryRemove(name, out _);
            waiting.SetResult(read);
        }
        catch (Exception e)
        {
            _ = _reading.TryRemove(name, out _);
            waiting.SetException(e);
        }
    }

    /// <summary>The same, read just now.</summary>
    /// <exception cref="DataProblemException">There is no such table.</exception>
    public async Task<TableDescription> ReadAsync(string schema, string table)
    {
        var session = await sessions.RentAsync(SessionKind.Question);
        try
        {
            var readAt = time.GetTimestamp();
            var described = await DescribeAsync(session, schema, table);
            if (_kept.Count >= MostKept)
                _kept.Clear();
            _kept[(schema, table)] = new Kept(described, readAt);
            return described;
        }
        catch (MySqlException e)
        {
            throw MariaDbErrors.Translate(e, mayHaveWritten: false);
        }
        finally
        {
            await sessions.ReturnAsync(session);
        }
    }

    public void Forget(string schema, string table) => _ = _kept.TryRemove((schema, table), out _);

    /// <summary>After DDL, which may have changed any table.</summary>
    public void ForgetAll() => _kept.Clear();

    /// <exception cref="DataProblemException">No name that a schema can have, or one that is not for the API.</exception>
    public static void CheckSchema(string schema)
    {
        Check("database", schema);
        if (ProtectedSchemas.Contains(schema))
            throw ProtectedSchemas.Refusal(schema);
    }

    /// <exception cref="DataProblemException">No name that MariaDB could have.</exception>
    public static void Check(string what, string name)
    {
        if (name.Length is 0 or > MaxNameLength)
            throw DataProblemException.BadRequest("invalid_name", string.Create(CultureInfo.InvariantCulture, $"A {what}'s name has 1 to {MaxNameLength} characters; this one has {name.Length}."));
        if (name.Any(c => c == '\0' || char.IsSurrogate(c)) || name[^1] == ' ')
            throw DataProblemException.BadRequest("invalid_name", $"A {what}'s name holds no NUL and no character beyond U+FFFF, and does not end in a blank.");
    }

    private static async Task<TableDescription> DescribeAsync(ApiSession session, string schema, string table)
    {
        BoundValue[] names = [new(MySqlDbType.VarString, schema), new(MySqlDbType.VarString, table)];
        var found = (await session.QueryAsync(TableSql, names)).Find(r => Matches((string)r[0]!, table, Convert.ToInt32(r[3], CultureInfo.InvariantCulture)))
            ?? throw await MissingAsync(session, schema, table);
        var (name, type, engine) = ((string)found[0]!, (string)found[1]!, (string)found[2]!);
        if (type is not ("BASE TABLE" or "SYSTEM VERSIONED"))
            throw DataProblemException.Unfit("not_a_table", $"{schema}.{name} is a {type.ToLowerInvariant()}, not a table: write to it with POST /sql.");
        var columns = await session.QueryAsync(ColumnsSql, names);
        var checks = (await session.QueryAsync(JsonSql, names)).Where(r => (string)r[2]! == name).Select(r => (string)r[1]!).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return new TableDescription(schema, name, engine.ToUpperInvariant() is "INNODB" or "ROCKSDB", [.. columns.Where(r => (string)r[10]! == name).Select(r => Column(r, checks))]);
    }

    /// <summary>information_schema compares names without case, a server's files need not.</summary>
    private static bool Matches(string found, string wanted, int lowerCaseTableNames) =>
        lowerCaseTableNames == 0 ? found == wanted : found.Equals(wanted, StringComparison.OrdinalIgnoreCase);

    private static TableColumn Column(object?[] row, HashSet<string> checks)
    {
        var (name, type, data) = ((string)row[0]!, (string)row[1]!, ((string)row[2]!).ToLowerInvariant());
        var extra = (string)row[7]!;
        return new TableColumn(name, type, Kind(data, checks.Contains($"json_valid({TableDescription.Quote(name)})")))
        {
            Unsigned = type.Contains("unsigned", StringComparison.OrdinalIgnoreCase),
            Digits = data == "decimal" ? (Convert.ToInt32(row[3], CultureInfo.InvariantCulture), Convert.ToInt32(row[4], CultureInfo.InvariantCulture)) : default,
            Nullable = (string)row[5]! == "YES",
            HasDefault = Convert.ToInt32(row[6], CultureInfo.InvariantCulture) != 0,
            AutoIncrement = extra.Contains("auto_increment", StringComparison.OrdinalIgnoreCase),
            Generated = ((string)row[8]!).Length > 0,
            InPrimaryKey = Convert.ToInt32(row[9], CultureInfo.InvariantCulture) != 0,
        };
    }

    private static ColumnKind Kind(string data, bool holdsJson) => data switch
    {
        "tinyint" or "smallint" or "mediumint" or "int" or "bigint" or "year" => ColumnKind.Integer,
        "bit" => ColumnKind.Bit,
        "decimal" => ColumnKind.Decimal,
        "float" or "double" => ColumnKind.Real,
        "longtext" when holdsJson => ColumnKind.Json,
        "char" or "varchar" or "tinytext" or "text" or "mediumtext" or "longtext" or "enum" or "set" or "uuid" or "inet4" or "inet6" => ColumnKind.Text,
        "binary" or "varbinary" or "tinyblob" or "blob" or "mediumblob" or "longblob" => ColumnKind.Binary,
        "date" => ColumnKind.Date,
        "datetime" or "timestamp" => ColumnKind.DateTime,
        "time" => ColumnKind.Time,
        _ => ColumnKind.Other,
    };

    private static async Task<DataProblemException> MissingAsync(ApiSession session, string schema, string table)
    {
        var schemas = (await session.QueryAsync(SchemasSql)).Select(r => (string)r[0]!).Where(s => !ProtectedSchemas.Contains(s)).ToList();
        if (!schemas.Contains(schema, StringComparer.OrdinalIgnoreCase))
        {
            var meant = NearestName.Find(schema, schemas);
            return new DataProblemException(404, "unknown_database", "There is no such database", $"There is no database {schema}{Guess(meant)}") { Nearest = meant };
        }

        var tables = (await session.QueryAsync(TablesSql, new BoundValue(MySqlDbType.VarString, schema))).Select(r => (string)r[0]!);
        var nearest = NearestName.Find(table, tables);
        return new DataProblemException(404, "unknown_table", "There is no such table", $"The database {schema} has no table {table}{Guess(nearest)}") { Nearest = nearest };
    }

    private static string Guess(string? nearest) => nearest is null ? "." : $"; did you mean {nearest}?";

    private sealed record Kept(TableDescription Table, long ReadAt);
}
