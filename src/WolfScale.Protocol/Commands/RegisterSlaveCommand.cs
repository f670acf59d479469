using System.Text;

namespace WolfScale.Protocol.Commands;

/// <summary>
/// COM_REGISTER_SLAVE: 0x15 · server id 4 · host, user and password with a length of 1 byte each · port 2 · rank 4 · master id 4.
/// Makes the replica appear in <c>SHOW SLAVE HOSTS</c>.
/// </summary>
public readonly record struct RegisterSlaveCommand(uint ServerId, string Host, ushort Port)
{
    /// <exception cref="ProtocolException">The packet ends early.</exception>
    public static RegisterSlaveCommand Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        reader.Skip(1);
        var serverId = reader.ReadUInt32();
        var host = Encoding.UTF8.GetString(reader.ReadBytes(reader.ReadByte()));
        reader.Skip(reader.ReadByte());
        reader.Skip(reader.ReadByte());
        return new RegisterSlaveCommand(serverId, host, reader.ReadUInt16());
    }

    /// <summary>Writes one packet; user and password stay empty.</summary>
    public void Write(PacketWriter writer) =>
        SimpleCommands.Begin(writer, CommandCode.RegisterSlave)
            .UInt32(ServerId)
            .Byte(checked((byte)Encoding.UTF8.GetByteCount(Host)))
            .Text(Host)
            .Byte(0)
            .Byte(0)
            .UInt16(Port)
            .UInt32(0)
            .UInt32(0)
            .End();
}
