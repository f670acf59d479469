using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace WolfScale.Server.Logging;

/// <summary>Formats one log entry: for people (<c>text</c>) or for a collector (<c>json</c>, one object a line).</summary>
internal static class LogLine
{
    public static string Text(DateTimeOffset time, LogLevel level, string category, EventId id, string message, Exception? exception)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {Word(level),-5} {Short(category)}[{id.Id}] {message}");
        return exception is null ? line : line + Environment.NewLine + exception;
    }

    public static string Json(DateTimeOffset time, LogLevel level, string category, EventId id, string message, Exception? exception, object? state)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("time", time.UtcDateTime);
            json.WriteString("level", Word(level));
            json.WriteString("category", category);
            json.WriteNumber("event_id", id.Id);
            if (id.Name is not null)
                json.WriteString("event", id.Name);
            json.WriteString("message", message);
            if (exception is not null)
                json.WriteString("exception", exception.ToString());
            WriteFields(json, state);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The journal's priority mark, so that <c>journalctl -p warning</c> finds what it should.</summary>
    public static string JournalPrefix(LogLevel level) => level switch
    {
        LogLevel.Critical => "<2>",
        LogLevel.Error => "<3>",
        LogLevel.Warning => "<4>",
        LogLevel.Information => "<6>",
        _ => "<7>",
    };

    /// <summary>The values of a message's placeholders, as text: their types belong to the code that logs, not to the log.</summary>
    private static void WriteFields(Utf8JsonWriter json, object? state)
    {
        if (state is not IReadOnlyList<KeyValuePair<string, object?>> fields)
            return;
        json.WriteStartObject("fields");
        foreach (var (name, value) in fields)
        {
            if (name != "{OriginalFormat}")
                json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture));
        }

        json.WriteEndObject();
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    /// <summary><c>WolfScale.Cluster.Transport.PeerLink</c> → <c>Cluster.PeerLink</c>.</summary>
    private static string Short(string category)
    {
        var parts = category.Split('.');
        return parts is ["WolfScale", var part, .., var last] ? $"{part}.{last}" : category;
    }
}
