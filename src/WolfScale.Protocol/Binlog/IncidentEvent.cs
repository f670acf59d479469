using System.Text;

namespace WolfScale.Protocol.Binlog;

/// <summary>Type 26: the server lost events on their way into its binary log. number 2 · message with length 1. Nothing after it can be trusted.</summary>
public static class IncidentEvent
{
    /// <returns>The server's own words.</returns>
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static string Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        reader.Skip(2);
        return Encoding.UTF8.GetString(reader.ReadBytes(reader.ReadByte()));
    }
}
