namespace WolfScale.Protocol.Commands;

/// <summary>Commands that are one byte, or one byte and a text. Each starts a new exchange: its sequence number is 0.</summary>
public static class SimpleCommands
{
    public static void WriteQuery(PacketWriter writer, ReadOnlySpan<char> sql) => Begin(writer, CommandCode.Query).Text(sql).End();

    public static void WritePing(PacketWriter writer) => Begin(writer, CommandCode.Ping).End();

    public static void WriteQuit(PacketWriter writer) => Begin(writer, CommandCode.Quit).End();

    internal static PacketWriter Begin(PacketWriter writer, CommandCode code)
    {
        writer.Sequence = 0;
        return writer.Begin().Byte((byte)code);
    }
}
