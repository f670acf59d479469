using WolfScale.Protocol.Handshake;

namespace WolfScale.Protocol.Responses;

/// <summary>EOF: 0xFE · warnings 2 · status 2. Ends column definitions and rows where DEPRECATE_EOF was not agreed on.</summary>
public readonly record struct EofPacket(ushort Warnings, ServerStatus Status)
{
    public const byte Marker = 0xFE;

    /// <summary>A row may begin with 0xFE too, but is then at least 9 bytes long.</summary>
    public static bool IsEof(ReadOnlySpan<byte> payload) => payload.Length is > 0 and < 9 && payload[0] == Marker;

    /// <exception cref="ProtocolException">Not an EOF packet, or one that ends early.</exception>
    public static EofPacket Read(ReadOnlySpan<byte> payload)
    {
        if (!IsEof(payload))
            ProtocolException.Throw("An EOF packet was expected.");
        var reader = new PayloadReader(payload[1..]);
        return new EofPacket(reader.ReadUInt16(), (ServerStatus)reader.ReadUInt16());
    }

    public void Write(PacketWriter writer) => writer.Begin().Byte(Marker).UInt16(Warnings).UInt16((ushort)Status).End();
}
