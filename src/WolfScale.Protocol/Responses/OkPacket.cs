using WolfScale.Protocol.Handshake;

namespace WolfScale.Protocol.Responses;

/// <summary>
/// OK: 0x00 · affected rows · last insert id · status 2 · warnings 2 · message. Session-track data after it is not read here.
/// </summary>
public readonly record struct OkPacket(ulong AffectedRows, ulong LastInsertId, ServerStatus Status, ushort Warnings)
{
    public const byte Marker = 0x00;

    /// <exception cref="ProtocolException">Not an OK packet, or one that ends early.</exception>
    public static OkPacket Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        if (reader.ReadByte() != Marker)
            ProtocolException.Throw($"An OK packet was expected; the packet begins with 0x{payload[0]:X2}.");
        return new OkPacket(
            reader.ReadLengthEncodedInteger(), reader.ReadLengthEncodedInteger(), (ServerStatus)reader.ReadUInt16(), reader.ReadUInt16());
    }

    public void Write(PacketWriter writer) =>
        writer.Begin()
            .Byte(Marker)
            .LengthEncodedInteger(AffectedRows)
            .LengthEncodedInteger(LastInsertId)
            .UInt16((ushort)Status)
            .UInt16(Warnings)
            .End();

    /// <summary>"Done, nothing to tell": the answer to SET and the like.</summary>
    public static void WriteEmpty(PacketWriter writer) => new OkPacket(0, 0, ServerStatus.AutoCommit, 0).Write(writer);
}
