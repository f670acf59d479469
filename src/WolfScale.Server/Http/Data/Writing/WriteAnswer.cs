using System.Globalization;
using System.Text;
using System.Text.Json;
using WolfScale.Server.Http.Data.Committed;

namespace WolfScale.Server.Http.Data.Writing;

/// <summary>What one body of a write has done.</summary>
/// <param name="AffectedRows">Rows that are different now.</param>
/// <param name="LastInsertId">AUTO_INCREMENT's value; 0 for none.</param>
/// <param name="Id">The Snowflake id that was filled in.</param>
internal readonly record struct WriteResult(long AffectedRows, ulong LastInsertId, long? Id);

/// <summary>The answer to a write.</summary>
/// <param name="Place">The transaction's; null where nothing had to be written.</param>
/// <param name="Results">Of each body.</param>
/// <param name="Repeated">It was given before, to the same Idempotency-Key.</param>
internal sealed record WriteAnswer(CommittedPlace? Place, IReadOnlyList<WriteResult> Results, bool Repeated)
{
    /// <summary>JavaScript and jq read numbers as binary fractions of 53 bits: beyond these an integer is written as a string.</summary>
    public const long LargestSafe = (1L << 53) - 1;

    /// <summary>As they are kept with an Idempotency-Key: an array with an object for each body.</summary>
    public static string Describe(IReadOnlyList<WriteResult> results)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
            WriteAll(json, results);
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>What <see cref="Describe"/> has made.</summary>
    public static IReadOnlyList<WriteResult> Read(string described)
    {
        using var document = JsonDocument.Parse(described);
        return [.. document.RootElement.EnumerateArray().Select(one => new WriteResult(
            one.GetProperty("affected_rows").GetInt64(),
            one.GetProperty("last_insert_id") is { ValueKind: not JsonValueKind.Null } id ? id.ValueKind == JsonValueKind.String ? ulong.Parse(id.GetString()!, CultureInfo.InvariantCulture) : id.GetUInt64() : 0,
            one.TryGetProperty("id", out var made) ? long.Parse(made.GetString()!, CultureInfo.InvariantCulture) : null))];
    }

    /// <param name="json">Where to.</param>
    /// <param name="isBatch">The request was an array.</param>
    /// <param name="lacking">Members that do not show it yet; null where nobody asked.</param>
    public void Write(Utf8JsonWriter json, bool isBatch, IReadOnlyList<string>? lacking)
    {
        json.WriteStartObject();
        json.WriteBoolean("success", true);
        WritePlace(json, Place);
        if (isBatch)
        {
            json.WritePropertyName("results");
            WriteAll(json, Results);
        }
        else
        {
            Write(json, Results[0]);
        }

        WriteLacking(json, lacking);
        json.WriteEndObject();
    }

    private static void WriteAll(Utf8JsonWriter json, IReadOnlyList<WriteResult> results)
    {
        json.WriteStartArray();
        foreach (var result in results)
        {
            json.WriteStartObject();
            Write(json, result);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, WriteResult result)
    {
        json.WriteNumber("affected_rows", result.AffectedRows);
        WriteInteger(json, "last_insert_id", result.LastInsertId);
        if (result.Id is { } id)
            json.WriteString("id", id.ToString(CultureInfo.InvariantCulture));
    }

    public static void WritePlace(Utf8JsonWriter json, CommittedPlace? place)
    {
        if (place?.Lsn is { } lsn)
            json.WriteNumber("lsn", lsn);
        else
            json.WriteNull("lsn");
        json.WriteString("gtid", place?.Gtid.ToString());
    }

    public static void WriteLacking(Utf8JsonWriter json, IReadOnlyList<string>? lacking)
    {
        if (lacking is null)
            return;
        json.WriteBoolean("applied_everywhere", lacking.Count == 0);
        json.WriteStartArray("not_applied_on");
        foreach (var node in lacking)
            json.WriteStringValue(node);
        json.WriteEndArray();
    }

    public static void WriteInteger(Utf8JsonWriter json, string name, ulong value)
    {
        if (value == 0)
            json.WriteNull(name);
        else if (value <= LargestSafe)
            json.WriteNumber(name, value);
        else
            json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
    }
}
