using System.Text.Json;
using WolfScale.Server.Http.Data.Values;

namespace WolfScale.Server.Http.Data.Writing;

internal enum WriteKind
{
    Insert,
    Update,
    Delete,
    Upsert,
}

/// <summary>One body of a write route, read and not yet compared with the database.</summary>
/// <param name="Kind">Of the route.</param>
/// <param name="Database">The schema, or null for the node's default.</param>
/// <param name="Table">The table.</param>
/// <param name="Values">What is written: <c>values</c> or <c>set</c>.</param>
/// <param name="Where">Which rows: <c>where_key</c>.</param>
/// <param name="UpdateColumns">Of an upsert: what an existing row gets; null for all that is not its key.</param>
internal sealed record WriteOperation(
    WriteKind Kind, string? Database, string Table, IReadOnlyList<JsonProperty> Values, IReadOnlyList<JsonProperty> Where, IReadOnlyList<string>? UpdateColumns)
{
    /// <summary>Bodies in one request.</summary>
    public const int MostInBatch = 1000;

    /// <summary>Reads one body, or an array of them.</summary>
    /// <exception cref="DataProblemException">It is not what the route takes.</exception>
    public static (bool IsBatch, IReadOnlyList<WriteOperation> Operations) Read(WriteKind kind, JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Array)
            return (false, [ReadOne(kind, body, "")]);
        if (body.GetArrayLength() is 0 or > MostInBatch)
            throw DataProblemException.BadRequest("batch_size", $"A batch has 1 to {MostInBatch} bodies; this one has {body.GetArrayLength()}.");
        return (true, [.. body.EnumerateArray().Select((one, i) => ReadOne(kind, one, $"[{i}]"))]);
    }

    private static WriteOperation ReadOne(WriteKind kind, JsonElement body, string where)
    {
        if (body.ValueKind != JsonValueKind.Object)
            throw DataProblemException.BadRequest("invalid_request", $"The body{where} must be {Form(kind)}.");
        var known = Fields(kind);
        foreach (var field in body.EnumerateObject())
        {
            var name = Name(field);
            if (!known.Contains(name))
                throw new DataProblemException(400, "unknown_field", "The request could not be understood", $"The body{where} has a field \"{(name.Length > 60 ? name[..60] + "…" : name)}\" that POST /write/{kind.ToString().ToLowerInvariant()} does not take: it wants {Form(kind)}.") { Nearest = NearestName.Find(name.Length > 60 ? name[..60] : name, known) };
        }

        return new WriteOperation(
            kind, Text(body, "database", where), Text(body, "table", where) ?? throw Missing(kind, "table", where),
            kind switch { WriteKind.Insert => Object(body, "values", where, kind, mayBeEmpty: true), WriteKind.Upsert => Object(body, "values", where, kind), WriteKind.Update => Object(body, "set", where, kind), _ => [] },
            kind is WriteKind.Update or WriteKind.Delete ? Object(body, "where_key", where, kind) : [],
            kind == WriteKind.Upsert ? Names(body, where) : null);
    }

    private static string[] Fields(WriteKind kind) => kind switch
    {
        WriteKind.Insert => ["table", "values", "database"],
        WriteKind.Update => ["table", "set", "where_key", "database"],
        WriteKind.Delete => ["table", "where_key", "database"],
        _ => ["table", "values", "update_columns", "database"],
    };

    private static string Form(WriteKind kind) => kind switch
    {
        WriteKind.Insert => "{\"table\", \"values\": {…}, \"database\"?}",
        WriteKind.Update => "{\"table\", \"set\": {…}, \"where_key\": {…}, \"database\"?}",
        WriteKind.Delete => "{\"table\", \"where_key\": {…}, \"database\"?}",
        _ => "{\"table\", \"values\": {…}, \"update_columns\"?: […], \"database\"?}",
    };

    private static string? Text(JsonElement body, string field, string where) => !body.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null
        ? null
        : value.ValueKind == JsonValueKind.String ? TypedValue.Text(value) : throw DataProblemException.BadRequest("invalid_request", $"\"{field}\" of the body{where} must be a string.");

    private static List<JsonProperty> Object(JsonElement body, string field, string where, WriteKind kind, bool mayBeEmpty = false)
    {
        if (!body.TryGetProperty(field, out var value))
            throw Missing(kind, field, where);
        if (value.ValueKind != JsonValueKind.Object)
            throw DataProblemException.BadRequest("invalid_request", $"\"{field}\" of the body{where} must be an object of columns and their values.");
        var properties = value.EnumerateObject().ToList();
        return properties.Count > 0 || mayBeEmpty
            ? properties
            : throw DataProblemException.BadRequest(
                field == "where_key" ? "empty_where_key" : "invalid_request",
                field == "where_key" ? $"\"where_key\" of the body{where} is empty, which would mean every row of the table." : $"\"{field}\" of the body{where} is empty.");
    }

    private static List<string>? Names(JsonElement body, string where)
    {
        if (!body.TryGetProperty("update_columns", out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.String))
            throw DataProblemException.BadRequest("invalid_request", $"\"update_columns\" of the body{where} must be an array of column names.");
        return [.. value.EnumerateArray().Select(TypedValue.Text)];
    }

    /// <summary>A property's name as text.</summary>
    /// <exception cref="DataProblemException">Half a surrogate pair.</exception>
    public static string Name(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw DataProblemException.BadRequest("invalid_utf8", "A name holds half of a surrogate pair (\\ud800 to \\udfff), which is no character.");
        }
    }

    private static DataProblemException Missing(WriteKind kind, string field, string where) =>
        DataProblemException.BadRequest("invalid_request", $"The body{where} has no \"{field}\": it must be {Form(kind)}.");
}
