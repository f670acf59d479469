using System.Text;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>What COM_CHANGE_USER says of the session that begins with it.</summary>
/// <param name="Schema">Null for none: that of the session before does not stay.</param>
/// <param name="Charset">Of the client.</param>
internal sealed record UserChange(string? Schema, ClientCharset Charset)
{
    /// <param name="payload">Code 1 · user, NUL · answer with its length before it, or NUL behind it · schema, NUL · collation 2 · …</param>
    /// <param name="client">What the client has said at its login.</param>
    /// <returns>What the server makes of a packet that ends early is not known: then any byte may be part of a character.</returns>
    public static UserChange Read(ReadOnlySpan<byte> payload, Capabilities client)
    {
        try
        {
            var reader = new PayloadReader(payload[1..]);
            _ = reader.ReadNullTerminated();
            _ = (client & Capabilities.SecureConnection) != 0 ? reader.ReadBytes(reader.ReadByte()) : reader.ReadNullTerminated();
            var schema = Encoding.UTF8.GetString(reader.ReadNullTerminated());
            return new UserChange(schema.Length > 0 ? schema : null, LoginPacket.CharsetOf(reader.ReadUInt16()));
        }
        catch (ProtocolException)
        {
            return new UserChange(null, ClientCharset.AsciiUnsafe);
        }
    }
}
