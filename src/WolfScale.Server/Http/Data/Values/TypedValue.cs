using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using MySqlConnector;

namespace WolfScale.Server.Http.Data.Values;

/// <summary>A value for a placeholder.</summary>
/// <param name="Type">How it is sent.</param>
/// <param name="Value">A .NET value of that type; null for NULL.</param>
internal readonly record struct BoundValue(MySqlDbType Type, object? Value);

/// <summary>
/// Makes of a JSON value what the column's type means by it, or says why it cannot be. Nothing is left to the server's own conversions that could change it: <c>'abc'</c> would be 0
/// where a number is compared, and a decimal would be compared as a binary fraction.
/// </summary>
internal static partial class TypedValue
{
    /// <exception cref="DataProblemException">The column cannot hold this.</exception>
    public static BoundValue Bind(TableColumn column, JsonElement value) => value.ValueKind == JsonValueKind.Null
        ? new BoundValue(MySqlDbType.Null, null)
        : column.Kind switch
        {
            ColumnKind.Integer => Integer(column, value, column.Unsigned),
            ColumnKind.Bit => Integer(column, value, isUnsigned: true),
            ColumnKind.Decimal => new BoundValue(MySqlDbType.VarString, Decimal(column, value)),
            ColumnKind.Real => new BoundValue(MySqlDbType.Double, Real(column, value)),
            ColumnKind.Text => new BoundValue(MySqlDbType.VarString, value.ValueKind == JsonValueKind.String ? Text(value) : throw Wrong(column, value, "a string")),
            ColumnKind.Json => new BoundValue(MySqlDbType.VarString, value.GetRawText()),
            ColumnKind.Binary => new BoundValue(MySqlDbType.Blob, Binary(value) ?? throw Wrong(column, value, "{\"base64\": \"…\"} or {\"hex\": \"…\"}")),
            ColumnKind.Date => Moment(column, value, Date(), "a string as \"2026-01-31\""),
            ColumnKind.DateTime => DateAndTime(column, value),
            ColumnKind.Time => Moment(column, value, Time(), "a string as \"12:34:56\""),
            _ => throw DataProblemException.Unfit(
                "unsupported_type", $"Column {column.Name} is of type {column.Type}, which has no form in JSON. Write it with POST /sql and a function, as ST_GeomFromText(?)."),
        };

    /// <summary>Of <c>POST /sql</c>, where no column tells the type.</summary>
    /// <exception cref="DataProblemException">No value that can be bound.</exception>
    public static BoundValue Bind(JsonElement value, int number)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Null:
                return new BoundValue(MySqlDbType.Null, null);
            case JsonValueKind.True or JsonValueKind.False:
                return new BoundValue(MySqlDbType.Int64, value.ValueKind == JsonValueKind.True ? 1L : 0L);
            case JsonValueKind.String:
                return new BoundValue(MySqlDbType.VarString, Text(value));
            case JsonValueKind.Number when value.TryGetInt64(out var signed):
                return new BoundValue(MySqlDbType.Int64, signed);
            case JsonValueKind.Number when value.TryGetUInt64(out var unsigned):
                return new BoundValue(MySqlDbType.UInt64, unsigned);
            case JsonValueKind.Number when DecimalText.TryParse(value.GetRawText(), out var text):
                return decimal.TryParse(text.ToString(), NumberStyles.Number, CultureInfo.InvariantCulture, out var exact) && DecimalText.TryParse(exact.ToString(CultureInfo.InvariantCulture), out var back) && back == text
                    ? new BoundValue(MySqlDbType.NewDecimal, exact)
                    : throw DataProblemException.Unfit("value_out_of_range", $"Parameter {number} has more than 28 digits: send it as a string, and write CAST(? AS DECIMAL(65, 30)) in the statement.");
            case JsonValueKind.Object when Binary(value) is { } bytes:
                return new BoundValue(MySqlDbType.Blob, bytes);
            case JsonValueKind.Object or JsonValueKind.Array:
                return new BoundValue(MySqlDbType.VarString, value.GetRawText());
            default:
                throw DataProblemException.Unfit("value_out_of_range", $"Parameter {number} is no number that MariaDB knows.");
        }
    }

    /// <summary>A JSON string as text.</summary>
    /// <exception cref="DataProblemException">Half a surrogate pair: no text.</exception>
    public static string Text(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw DataProblemException.BadRequest("invalid_utf8", "A string holds half of a surrogate pair (\\ud800 to \\udfff), which is no character.");
        }
    }

    private static BoundValue Integer(TableColumn column, JsonElement value, bool isUnsigned)
    {
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return isUnsigned ? new BoundValue(MySqlDbType.UInt64, value.ValueKind == JsonValueKind.True ? 1UL : 0UL) : new BoundValue(MySqlDbType.Int64, value.ValueKind == JsonValueKind.True ? 1L : 0L);
        var number = Number(column, value, "an integer");
        if (!number.IsWhole)
            throw Wrong(column, value, "an integer");
        if (isUnsigned && ulong.TryParse(number.ToString(), CultureInfo.InvariantCulture, out var unsigned))
            return new BoundValue(MySqlDbType.UInt64, unsigned);
        return !isUnsigned && long.TryParse(number.ToString(), CultureInfo.InvariantCulture, out var signed)
            ? new BoundValue(MySqlDbType.Int64, signed)
            : throw OutOfRange(column, value);
    }

    private static string Decimal(TableColumn column, JsonElement value)
    {
        var number = Number(column, value, "a number, or a string of digits");
        return number.Fits(column.Digits.Precision, column.Digits.Scale) && !(column.Unsigned && number.Negative) ? number.ToString() : throw OutOfRange(column, value);
    }

    private static double Real(TableColumn column, JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : value.ValueKind == JsonValueKind.String ? Text(value) : throw Wrong(column, value, "a number");
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real) ? real : throw Wrong(column, value, "a finite number");
    }

    /// <summary>A number, or a string that holds one: identifiers beyond 2^53 come as strings, because JavaScript would round them.</summary>
    private static DecimalText Number(TableColumn column, JsonElement value, string wanted)
    {
        var text = value.ValueKind switch
        {
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.String => Text(value),
            _ => throw Wrong(column, value, wanted),
        };
        return DecimalText.TryParse(text, out var number) ? number : throw Wrong(column, value, wanted);
    }

    /// <summary><c>{"base64": "…"}</c> or <c>{"hex": "…"}</c>; null for anything else.</summary>
    private static byte[]? Binary(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object || value.GetPropertyCount() != 1)
            return null;
        try
        {
            if (value.TryGetProperty("base64", out var base64) && base64.ValueKind == JsonValueKind.String)
                return base64.GetBytesFromBase64();
            if (value.TryGetProperty("hex", out var hex) && hex.ValueKind == JsonValueKind.String)
                return Convert.FromHexString(Text(hex));
        }
        catch (FormatException)
        {
            throw DataProblemException.Unfit("wrong_type", "A binary value's base64 or hex cannot be decoded.");
        }

        return null;
    }

    private static BoundValue Moment(TableColumn column, JsonElement value, Regex form, string wanted) =>
        value.ValueKind == JsonValueKind.String && Text(value) is var text && form.IsMatch(text) ? new BoundValue(MySqlDbType.VarString, text) : throw Wrong(column, value, wanted);

    /// <summary>The sessions' time zone is UTC, so Z says what is meant anyway.</summary>
    private static BoundValue DateAndTime(TableColumn column, JsonElement value)
    {
        var bound = Moment(column, value, DateTime(), "a string as \"2026-01-31 12:34:56\" or \"2026-01-31T12:34:56.5Z\"");
        return bound with { Value = ((string)bound.Value!).TrimEnd('Z') };
    }

    private static DataProblemException Wrong(TableColumn column, JsonElement value, string wanted) => DataProblemException.Unfit(
        "wrong_type", $"Column {column.Name} ({column.Type}) wants {wanted}; {Shorten(value)} was given.");

    private static DataProblemException OutOfRange(TableColumn column, JsonElement value) => DataProblemException.Unfit(
        "value_out_of_range", $"Column {column.Name} ({column.Type}) cannot hold {Shorten(value)} exactly.");

    private static string Shorten(JsonElement value) => value.GetRawText() is { Length: > 60 } text ? text[..60] + "…" : value.GetRawText();

    [GeneratedRegex(@"\A\d{4}-\d{2}-\d{2}\z")]
    private static partial Regex Date();

    [GeneratedRegex(@"\A\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?Z?\z")]
    private static partial Regex DateTime();

    [GeneratedRegex(@"\A-?\d{1,3}:\d{2}(:\d{2}(\.\d{1,6})?)?\z")]
    private static partial Regex Time();
}
