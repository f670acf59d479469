using System.Text;

namespace WolfScale.Protocol.Handshake;

/// <summary>
/// Initial handshake, protocol version 10: the first packet, from the server. Layout (MariaDB Knowledge Base, "Connection"):
/// version 1 · server version, NUL · connection id 4 · salt 8, NUL · capabilities 2 · character set 1 · status 2 · capabilities 2 ·
/// salt length 1 · filler 6 · MariaDB's extended capabilities 4 · salt 12, NUL · plugin, NUL.
/// </summary>
public sealed record ServerGreeting
{
    public const byte ProtocolVersion = 10;

    /// <summary>Bytes of the random salt that the password is scrambled with.</summary>
    public const int SaltLength = 20;

    /// <summary>As the server says it, for example <c>5.5.5-10.11.19-MariaDB</c>: MariaDB puts <c>5.5.5-</c> before its own version.</summary>
    public required string ServerVersion { get; init; }

    /// <summary>The connection's thread id on the server.</summary>
    public required uint ConnectionId { get; init; }

    /// <summary><see cref="SaltLength"/> bytes.</summary>
    public required ReadOnlyMemory<byte> Salt { get; init; }

    public required Capabilities Capabilities { get; init; }

    public byte CharacterSet { get; init; } = 8;

    public ServerStatus Status { get; init; } = ServerStatus.AutoCommit;

    public string AuthPlugin { get; init; } = NativePassword.PluginName;

    /// <exception cref="ProtocolException">Not a greeting of protocol version 10.</exception>
    public static ServerGreeting Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        var version = reader.ReadByte();
        if (version != ProtocolVersion)
            ProtocolException.Throw($"The server greets with protocol version {version}; {ProtocolVersion} is spoken here.");
        var serverVersion = Encoding.ASCII.GetString(reader.ReadNullTerminated());
        var connectionId = reader.ReadUInt32();
        var salt = new byte[SaltLength];
        reader.ReadBytes(8).CopyTo(salt);
        reader.Skip(1);
        var capabilities = (Capabilities)reader.ReadUInt16();
        var characterSet = reader.ReadByte();
        var status = (ServerStatus)reader.ReadUInt16();
        capabilities |= (Capabilities)((uint)reader.ReadUInt16() << 16);
        if ((capabilities & (Capabilities.Protocol41 | Capabilities.SecureConnection)) != (Capabilities.Protocol41 | Capabilities.SecureConnection))
            ProtocolException.Throw($"The server ({serverVersion}) does not speak the 4.1 protocol.");
        _ = reader.ReadByte();
        reader.Skip(10);
        reader.ReadBytes(SaltLength - 8).CopyTo(salt.AsSpan(8));
        reader.Skip(1);
        var plugin = (capabilities & Capabilities.PluginAuth) != 0
            ? Encoding.ASCII.GetString(reader.Rest.Contains((byte)0) ? reader.ReadNullTerminated() : reader.ReadRest())
            : NativePassword.PluginName;
        return new ServerGreeting
        {
            ServerVersion = serverVersion,
            ConnectionId = connectionId,
            Salt = salt,
            Capabilities = capabilities,
            CharacterSet = characterSet,
            Status = status,
            AuthPlugin = plugin,
        };
    }

    /// <summary>Writes one packet.</summary>
    public void Write(PacketWriter writer)
    {
        var salt = Salt.Span;
        writer.Begin()
            .Byte(ProtocolVersion)
            .NullTerminated(ServerVersion)
            .UInt32(ConnectionId)
            .Bytes(salt[..8])
            .Byte(0)
            .UInt16((ushort)Capabilities)
            .Byte(CharacterSet)
            .UInt16((ushort)Status)
            .UInt16((ushort)((uint)Capabilities >> 16))
            .Byte(SaltLength + 1)
            .Zeros(10)
            .Bytes(salt[8..SaltLength])
            .Byte(0)
            .NullTerminated(AuthPlugin)
            .End();
    }
}
