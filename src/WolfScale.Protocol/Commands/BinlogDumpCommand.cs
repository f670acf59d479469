using System.Text;

namespace WolfScale.Protocol.Commands;

/// <summary>What a replica asks for with its dump (<c>BINLOG_*</c> flags).</summary>
[Flags]
public enum BinlogDumpFlags : ushort
{
    None = 0,

    /// <summary>End with EOF instead of waiting for more.</summary>
    NonBlocking = 1,

    /// <summary>Send ANNOTATE_ROWS events as well.</summary>
    SendAnnotateRows = 2,
}

/// <summary>
/// COM_BINLOG_DUMP: 0x12 · position 4 · flags 2 · server id 4 · file name up to the end. After <c>SET @slave_connect_state</c> the server
/// goes by that GTID position, and file and position are not looked at.
/// </summary>
public readonly record struct BinlogDumpCommand(uint Position, BinlogDumpFlags Flags, uint ServerId, string FileName)
{
    /// <exception cref="ProtocolException">The packet ends early.</exception>
    public static BinlogDumpCommand Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        reader.Skip(1);
        return new BinlogDumpCommand(
            reader.ReadUInt32(), (BinlogDumpFlags)reader.ReadUInt16(), reader.ReadUInt32(), Encoding.UTF8.GetString(reader.ReadRest()));
    }

    public void Write(PacketWriter writer) =>
        SimpleCommands.Begin(writer, CommandCode.BinlogDump).UInt32(Position).UInt16((ushort)Flags).UInt32(ServerId).Text(FileName).End();
}
