using System.Text;

namespace WolfScale.Protocol.Responses;

/// <summary>
/// ERR: 0xFF · error number 2 · '#' and SQLSTATE 5 · message. Before the login is done, the SQLSTATE is missing.
/// </summary>
/// <param name="Code">MariaDB's error number, for example 1236.</param>
/// <param name="SqlState">Five characters; <c>HY000</c> where the packet has none.</param>
/// <param name="Message">Text for people.</param>
public sealed record ErrPacket(ushort Code, string SqlState, string Message)
{
    public const byte Marker = 0xFF;

    /// <exception cref="ProtocolException">Not an ERR packet, or one that ends early.</exception>
    public static ErrPacket Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        if (reader.ReadByte() != Marker)
            ProtocolException.Throw($"An ERR packet was expected; the packet begins with 0x{payload[0]:X2}.");
        var code = reader.ReadUInt16();
        var state = "HY000";
        if (reader.Remaining >= 6 && reader.PeekByte() == '#')
        {
            reader.Skip(1);
            state = Encoding.ASCII.GetString(reader.ReadBytes(5));
        }

        return new ErrPacket(code, state, Encoding.UTF8.GetString(reader.ReadRest()));
    }

    public void Write(PacketWriter writer) =>
        writer.Begin().Byte(Marker).UInt16(Code).Byte((byte)'#').Text(SqlState).Text(Message).End();

    public override string ToString() => $"{Code} ({SqlState}) {Message}";
}
