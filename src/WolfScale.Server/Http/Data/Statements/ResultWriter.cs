using System.Data;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using MySqlConnector;
using WolfScale.Server.Http.Data.Writing;

namespace WolfScale.Server.Http.Data.Statements;

/// <summary>
/// Rows on their way to the client, as they come from the server: one row is held at a time. A result is whole when <c>row_count</c> stands behind its rows; what failed half-way has <c>error</c> there.
/// </summary>
internal sealed class ResultWriter(PipeWriter output, bool asLines) : IAsyncDisposable
{
    private const int FlushBytes = 16 << 10;
    private const int Piece = 4096; // characters or bytes of a value

    private readonly Utf8JsonWriter _json = new(output);
    private long _rows;

    /// <summary><c>{"columns":[…],"rows":[</c>, or the first line.</summary>
    public void Begin(MySqlDataReader reader)
    {
        _json.WriteStartObject();
        _json.WriteStartArray("columns");
        for (var i = 0; i < reader.FieldCount; i++)
        {
            _json.WriteStartObject();
            _json.WriteString("name", reader.GetName(i));
            _json.WriteString("type", reader.GetDataTypeName(i).ToLowerInvariant());
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
        if (asLines)
        {
            _json.WriteEndObject();
            EndLine();
        }
        else
        {
            _json.WriteStartArray("rows");
        }
    }

    public async ValueTask RowAsync(MySqlDataReader reader, CancellationToken aborted)
    {
        _json.WriteStartArray();
        for (var i = 0; i < reader.FieldCount; i++)
            WriteValue(reader, i);
        _json.WriteEndArray();
        _rows++;
        if (asLines)
            EndLine();
        if (output.UnflushedBytes + _json.BytesPending > FlushBytes)
        {
            _json.Flush();
            _ = await output.FlushAsync(aborted);
        }
    }

    /// <summary>The end: what belongs to the whole.</summary>
    /// <param name="more">Writes what else there is to say.</param>
    /// <param name="error">What has broken it off.</param>
    public async Task EndAsync(Action<Utf8JsonWriter>? more, DataProblemException? error)
    {
        if (asLines)
            _json.WriteStartObject();
        else
            _json.WriteEndArray();
        if (error is null)
        {
            _json.WriteNumber("row_count", _rows);
            more?.Invoke(_json);
        }
        else
        {
            _json.WriteStartObject("error");
            _json.WriteString("code", error.Code);
            _json.WriteString("title", error.Title);
            _json.WriteString("detail", error.Message);
            _json.WriteEndObject();
        }

        _json.WriteEndObject();
        if (asLines)
            EndLine();
        await _json.FlushAsync(CancellationToken.None);
        _ = await output.FlushAsync(CancellationToken.None);
    }

    public ValueTask DisposeAsync() => _json.DisposeAsync();

    private void EndLine()
    {
        _json.Flush();
        output.GetSpan(1)[0] = (byte)'\n';
        output.Advance(1);
        _json.Reset();
    }

    /// <summary>Integers beyond 2^53 and decimals are strings, because most readers of JSON would round them.</summary>
    private void WriteValue(MySqlDataReader reader, int i)
    {
        if (reader.IsDBNull(i))
        {
            _json.WriteNullValue();
            return;
        }

        if (reader.GetDataTypeName(i) == "DECIMAL")
        {
            _json.WriteStringValue(reader.GetMySqlDecimal(i).ToString());
            return;
        }

        switch (reader.GetValue(i))
        {
            case ulong value when value > WriteAnswer.LargestSafe:
                _json.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
                break;
            case long value when value is > WriteAnswer.LargestSafe or < -WriteAnswer.LargestSafe:
                _json.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
                break;
            case ulong value:
                _json.WriteNumberValue(value);
                break;
            case float value:
                _json.WriteNumberValue(value);
                break;
            case double value:
                _json.WriteNumberValue(value);
                break;
            case MySqlDateTime value:
                _json.WriteStringValue(Text(value, reader.GetDataTypeName(i) == "DATE"));
                break;
            case TimeSpan value:
                _json.WriteStringValue(Text(value));
                break;
            case byte[] value:
                _json.WriteStartObject();
                _json.WritePropertyName("base64");
                WriteBytes(_json, value);
                _json.WriteEndObject();
                break;
            case string value:
                WriteText(_json, value);
                break;
            case IConvertible value:
                _json.WriteNumberValue(value.ToInt64(CultureInfo.InvariantCulture));
                break;
            case var value:
                _json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    /// <summary>In pieces where it is long: in one the writer would want room for the longest that it could become, three bytes for each character, next to each other.</summary>
    public static void WriteText(Utf8JsonWriter json, ReadOnlySpan<char> value)
    {
        if (value.Length <= Piece)
        {
            json.WriteStringValue(value);
            return;
        }

        for (; value.Length > Piece; value = value[Piece..])
            json.WriteStringValueSegment(value[..Piece], isFinalSegment: false);
        json.WriteStringValueSegment(value, isFinalSegment: true);
    }

    /// <summary>The same of bytes, as base64.</summary>
    public static void WriteBytes(Utf8JsonWriter json, ReadOnlySpan<byte> value)
    {
        for (; value.Length > Piece; value = value[Piece..])
            json.WriteBase64StringSegment(value[..Piece], isFinalSegment: false);
        json.WriteBase64StringSegment(value, isFinalSegment: true);
    }

    /// <summary>As MariaDB writes it; a zero date, too.</summary>
    public static string Text(MySqlDateTime value, bool isDate) =>
        string.Create(CultureInfo.InvariantCulture, $"{value.Year:0000}-{value.Month:00}-{value.Day:00}") + (isDate
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $" {value.Hour:00}:{value.Minute:00}:{value.Second:00}") + Fraction(value.Microsecond));

    public static string Text(TimeSpan value) =>
        (value < TimeSpan.Zero ? "-" : "") + string.Create(CultureInfo.InvariantCulture, $"{Math.Abs((int)value.TotalHours):00}:{Math.Abs(value.Minutes):00}:{Math.Abs(value.Seconds):00}")
        + Fraction((int)(Math.Abs(value.Ticks) / 10 % 1_000_000));

    private static string Fraction(int microseconds) => microseconds == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $".{microseconds:000000}");
}
