using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace WolfScale.Cluster.History;

/// <summary>One thing that happened, as one node saw it.</summary>
/// <param name="Id">Rises by one with every event of this node, over restarts too; 0 before it is kept.</param>
/// <param name="Time">By this node's clock.</param>
/// <param name="Node">Whose history it is.</param>
/// <param name="Kind">One of <see cref="EventKinds"/>; stable, for scripts.</param>
/// <param name="Message">What happened and why, for a person.</param>
/// <param name="Details">The facts in it, a JSON object.</param>
public sealed record NodeEvent(long Id, DateTimeOffset Time, string Node, string Kind, string Message, string Details)
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Makes the JSON object of an event's facts. Numbers and truth values stay what they are; anything else becomes text.</summary>
    internal static string Json(ReadOnlySpan<(string Name, object? Value)> details)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Readable))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in details)
            {
                writer.WritePropertyName(name);
                switch (value)
                {
                    case null:
                        writer.WriteNullValue();
                        break;
                    case bool truth:
                        writer.WriteBooleanValue(truth);
                        break;
                    case int or long:
                        writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                        break;
                    default:
                        writer.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                        break;
                }
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
