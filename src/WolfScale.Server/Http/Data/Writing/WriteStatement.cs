using System.Text;
using System.Text.Json;
using MySqlConnector;
using WolfScale.Server.Http.Data.Catalogue;
using WolfScale.Server.Http.Data.Values;

namespace WolfScale.Server.Http.Data.Writing;

/// <summary>
/// The SQL of one write. Every name in it is the catalogue's own, quoted; every value is a placeholder: nothing of the request's text gets into the statement's.
/// </summary>
/// <param name="Sql">With a placeholder for each value.</param>
/// <param name="Values">In their order.</param>
/// <param name="Id">The Snowflake id that was filled in.</param>
internal sealed record WriteStatement(string Sql, IReadOnlyList<BoundValue> Values, long? Id)
{
    /// <param name="operation">What is asked for.</param>
    /// <param name="table">Its table.</param>
    /// <param name="nextId">Makes an id where the table wants one.</param>
    /// <exception cref="DataProblemException">A column is not there, or cannot hold its value.</exception>
    public static WriteStatement Make(WriteOperation operation, TableDescription table, Func<long> nextId)
    {
        var written = Columns(table, operation.Values);
        var values = new List<BoundValue>(written.Count + operation.Where.Count + 1);
        var sql = new StringBuilder();
        long? id = null;
        switch (operation.Kind)
        {
            case WriteKind.Insert or WriteKind.Upsert:
                if (operation.Kind == WriteKind.Insert && table.SnowflakeKey is { } key && !written.Exists(w => w.Column == key))
                {
                    id = nextId();
                    values.Add(new BoundValue(MySqlDbType.Int64, id));
                }

                Insert(sql, table, id is null ? null : table.SnowflakeKey, written);
                Bind(values, written);
                if (operation.Kind == WriteKind.Upsert)
                    UpdateExisting(sql, table, written, operation.UpdateColumns);
                break;
            case WriteKind.Update:
                _ = sql.Append("UPDATE ").Append(table.QuotedName).Append(" SET ").AppendJoin(", ", written.Select(w => Quoted(w.Column) + " = ?"));
                Bind(values, written);
                Where(sql, values, Columns(table, operation.Where));
                break;
            case WriteKind.Delete:
                _ = sql.Append("DELETE FROM ").Append(table.QuotedName);
                Where(sql, values, Columns(table, operation.Where));
                break;
        }

        return new WriteStatement(sql.ToString(), values, id);
    }

    /// <summary>In the table's order, so that the same columns always make the same statement, which is prepared once.</summary>
    private static List<(TableColumn Column, JsonElement Value)> Columns(TableDescription table, IReadOnlyList<JsonProperty> given)
    {
        var found = new Dictionary<TableColumn, JsonElement>();
        foreach (var property in given)
        {
            var column = Column(table, WriteOperation.Name(property));
            if (!found.TryAdd(column, property.Value))
                throw DataProblemException.BadRequest("duplicate_key", $"Column {column.Name} is given twice, in different letters.");
        }

        return [.. table.Columns.Where(found.ContainsKey).Select(c => (c, found[c]))];
    }

    private static TableColumn Column(TableDescription table, string name)
    {
        TableCatalogue.Check("column", name);
        if (table.Find(name) is { } column)
            return column;
        var nearest = NearestName.Find(name, table.Columns.Select(c => c.Name));
        throw new DataProblemException(
            422, "unknown_column", "The request does not fit the database", $"Table {table.Schema}.{table.Name} has no column {name}{(nearest is null ? "." : $"; did you mean {nearest}?")}") { Nearest = nearest };
    }

    private static void Bind(List<BoundValue> values, List<(TableColumn Column, JsonElement Value)> written) =>
        values.AddRange(written.Select(w => TypedValue.Bind(w.Column, w.Value)));

    private static void Insert(StringBuilder sql, TableDescription table, TableColumn? filled, List<(TableColumn Column, JsonElement Value)> written)
    {
        var columns = written.Select(w => w.Column).ToList();
        if (filled is not null)
            columns.Insert(0, filled);
        _ = sql.Append("INSERT INTO ").Append(table.QuotedName).Append(" (").AppendJoin(", ", columns.Select(Quoted))
            .Append(") VALUES (").AppendJoin(", ", columns.Select(_ => "?")).Append(')');
    }

    /// <summary>Nothing to update: the row stays as it is, by an assignment that changes nothing.</summary>
    private static void UpdateExisting(StringBuilder sql, TableDescription table, List<(TableColumn Column, JsonElement Value)> written, IReadOnlyList<string>? wanted)
    {
        var updated = wanted is null
            ? written.Select(w => w.Column).Where(c => !c.InPrimaryKey).ToList()
            : wanted.Select(name => Column(table, name)).Distinct().ToList();
        if (updated.Find(c => !written.Exists(w => w.Column == c)) is { } absent)
            throw DataProblemException.Unfit("unknown_column", $"\"update_columns\" names {absent.Name}, which \"values\" does not hold.");
        _ = sql.Append(" ON DUPLICATE KEY UPDATE ").AppendJoin(
            ", ", updated.Count > 0 ? updated.Select(c => $"{Quoted(c)} = VALUES({Quoted(c)})") : [$"{Quoted(written[0].Column)} = {Quoted(written[0].Column)}"]);
    }

    private static void Where(StringBuilder sql, List<BoundValue> values, List<(TableColumn Column, JsonElement Value)> keys)
    {
        _ = sql.Append(" WHERE ");
        for (var i = 0; i < keys.Count; i++)
        {
            var (column, value) = keys[i];
            if (column.Kind is ColumnKind.Json or ColumnKind.Other)
                throw DataProblemException.Unfit("unsupported_type", $"Column {column.Name} ({column.Type}) cannot stand in \"where_key\": there is no way to compare it that always means the same.");
            _ = sql.Append(i == 0 ? "" : " AND ").Append(Quoted(column)).Append(Condition(column, value));
            if (value.ValueKind != JsonValueKind.Null)
                values.Add(TypedValue.Bind(column, value));
        }
    }

    /// <summary>A decimal is sent as digits, and compared with digits as a binary fraction where nothing says what they are.</summary>
    private static string Condition(TableColumn column, JsonElement value) => value.ValueKind == JsonValueKind.Null
        ? " IS NULL"
        : column.Kind == ColumnKind.Decimal ? FormattableString.Invariant($" = CAST(? AS DECIMAL({column.Digits.Precision}, {column.Digits.Scale}))") : " = ?";

    private static string Quoted(TableColumn column) => TableDescription.Quote(column.Name);
}
