using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>What COM_CHANGE_USER says of the session that begins with it.</summary>
/// <param name="User">In the client's character set, as the schema.</param>
/// <param name="Answer">The proof of the password, for the plugin that the client has used last.</param>
/// <param name="Schema">Null for none: that of the session before does not stay.</param>
/// <param name="Collation">Its id, of the client.</param>
internal sealed record UserChange(byte[] User, byte[] Answer, byte[]? Schema, ushort Collation)
{
    public ClientCharset Charset => LoginPacket.CharsetOf(Collation);

    /// <param name="payload">Code 1 · user, NUL · answer with its length before it, or NUL behind it · schema, NUL · collation 2 · …</param>
    /// <param name="client">What the client has said at its login.</param>
    /// <returns>Null for a packet that ends early: what the server makes of it is not known.</returns>
    public static UserChange? Read(ReadOnlySpan<byte> payload, Capabilities client)
    {
        try
        {
            var reader = new PayloadReader(payload[1..]);
            var user = reader.ReadNullTerminated().ToArray();
            var answer = ((client & Capabilities.SecureConnection) != 0 ? reader.ReadBytes(reader.ReadByte()) : reader.ReadNullTerminated()).ToArray();
            var schema = reader.ReadNullTerminated().ToArray();
            return new UserChange(user, answer, schema.Length > 0 ? schema : null, reader.ReadUInt16());
        }
        catch (ProtocolException)
        {
            return null;
        }
    }
}
