using System.Text;

namespace WolfScale.Protocol.Handshake;

/// <summary>The server asks for another authentication plugin: 0xFE · plugin, NUL · salt, NUL. The client answers with the scrambled password alone.</summary>
public readonly ref struct AuthSwitchRequest
{
    public const byte Marker = 0xFE;

    private AuthSwitchRequest(string plugin, ReadOnlySpan<byte> salt)
    {
        Plugin = plugin;
        Salt = salt;
    }

    public string Plugin { get; }

    /// <summary>Without the NUL that ends it.</summary>
    public ReadOnlySpan<byte> Salt { get; }

    /// <param name="payload">Begins with <see cref="Marker"/>. The marker alone asks for the password hash of before 4.1, which nobody may get.</param>
    /// <exception cref="ProtocolException">The packet ends early.</exception>
    public static AuthSwitchRequest Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        reader.Skip(1);
        if (reader.IsAtEnd)
            ProtocolException.Throw("The server asks for mysql_old_password, which is not spoken.");
        var plugin = Encoding.ASCII.GetString(reader.ReadNullTerminated());
        var salt = reader.ReadRest();
        return new AuthSwitchRequest(plugin, salt is [.. var bytes, 0] ? bytes : salt);
    }

    public static void Write(PacketWriter writer, string plugin, ReadOnlySpan<byte> salt) =>
        writer.Begin().Byte(Marker).NullTerminated(plugin).Bytes(salt).Byte(0).End();
}
