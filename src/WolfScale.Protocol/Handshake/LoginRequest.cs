using System.Text;

namespace WolfScale.Protocol.Handshake;

/// <summary>
/// The client's answer to the greeting (handshake response, 4.1): capabilities 4 · longest packet 4 · character set 1 · filler 19 ·
/// MariaDB's extended capabilities 4 · user, NUL · scrambled password with its length · database, NUL · plugin, NUL.
/// </summary>
public sealed record LoginRequest
{
    public required string User { get; init; }

    /// <summary>The password, scrambled with the greeting's salt; empty for an empty password.</summary>
    public required ReadOnlyMemory<byte> AuthResponse { get; init; }

    public required Capabilities Capabilities { get; init; }

    public string? Database { get; init; }

    public string AuthPlugin { get; init; } = NativePassword.PluginName;

    /// <summary>Character set and collation: 45 is <c>utf8mb4_general_ci</c>.</summary>
    public byte CharacterSet { get; init; } = 45;

    public uint MaxPacketBytes { get; init; } = 1 << 30;

    /// <exception cref="ProtocolException">Not a 4.1 login, or one that wants TLS.</exception>
    public static LoginRequest Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        var capabilities = (Capabilities)reader.ReadUInt32();
        if ((capabilities & Capabilities.Protocol41) == 0)
            ProtocolException.Throw("The client does not speak the 4.1 protocol.");
        var maxPacket = reader.ReadUInt32();
        var characterSet = reader.ReadByte();
        reader.Skip(23);
        if (reader.IsAtEnd && (capabilities & Capabilities.Ssl) != 0)
            ProtocolException.Throw("The client wants TLS, which was not offered.");
        var user = Encoding.UTF8.GetString(reader.ReadNullTerminated());
        var auth = (capabilities & Capabilities.PluginAuthLengthEncodedData) != 0
            ? reader.ReadLengthEncodedBytes()
            : reader.ReadBytes(reader.ReadByte());
        var authResponse = auth.ToArray();
        string? database = null;
        if ((capabilities & Capabilities.ConnectWithDatabase) != 0)
            database = Encoding.UTF8.GetString(reader.ReadNullTerminated());
        var plugin = NativePassword.PluginName;
        if ((capabilities & Capabilities.PluginAuth) != 0 && !reader.IsAtEnd)
            plugin = Encoding.ASCII.GetString(reader.Rest.Contains((byte)0) ? reader.ReadNullTerminated() : reader.ReadRest());
        return new LoginRequest
        {
            User = user,
            AuthResponse = authResponse,
            Capabilities = capabilities,
            Database = database,
            AuthPlugin = plugin,
            CharacterSet = characterSet,
            MaxPacketBytes = maxPacket,
        };
    }

    /// <summary>Writes one packet. Database and plugin are written where the capabilities say so.</summary>
    public void Write(PacketWriter writer)
    {
        var capabilities = Capabilities & ~Capabilities.PluginAuthLengthEncodedData;
        writer.Begin()
            .UInt32((uint)capabilities)
            .UInt32(MaxPacketBytes)
            .Byte(CharacterSet)
            .Zeros(23)
            .NullTerminated(User)
            .Byte(checked((byte)AuthResponse.Length))
            .Bytes(AuthResponse.Span);
        if ((capabilities & Capabilities.ConnectWithDatabase) != 0)
            _ = writer.NullTerminated(Database);
        if ((capabilities & Capabilities.PluginAuth) != 0)
            _ = writer.NullTerminated(AuthPlugin);
        writer.End();
    }
}
