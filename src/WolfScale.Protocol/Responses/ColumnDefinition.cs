using System.Text;

namespace WolfScale.Protocol.Responses;

/// <summary>
/// One column of a result set: catalog, schema, table, original table, name, original name (length-encoded) · 0x0C · character set 2 ·
/// length 4 · type 1 · flags 2 · decimals 1 · filler 2.
/// </summary>
public sealed record ColumnDefinition(string Name)
{
    /// <summary>Collation id: 33 is <c>utf8mb3_general_ci</c>.</summary>
    public ushort CharacterSet { get; init; } = 33;

    public uint Length { get; init; } = 255;

    /// <summary>Field type: 253 is VAR_STRING.</summary>
    public byte Type { get; init; } = 253;

    public ushort Flags { get; init; }

    public byte Decimals { get; init; }

    public string Schema { get; init; } = "";

    public string Table { get; init; } = "";

    /// <exception cref="ProtocolException">The packet ends early.</exception>
    public static ColumnDefinition Read(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        _ = reader.ReadLengthEncodedBytes();
        var schema = Encoding.UTF8.GetString(reader.ReadLengthEncodedBytes());
        var table = Encoding.UTF8.GetString(reader.ReadLengthEncodedBytes());
        _ = reader.ReadLengthEncodedBytes();
        var name = Encoding.UTF8.GetString(reader.ReadLengthEncodedBytes());
        _ = reader.ReadLengthEncodedBytes();
        _ = reader.ReadLengthEncodedInteger();
        return new ColumnDefinition(name)
        {
            Schema = schema,
            Table = table,
            CharacterSet = reader.ReadUInt16(),
            Length = reader.ReadUInt32(),
            Type = reader.ReadByte(),
            Flags = reader.ReadUInt16(),
            Decimals = reader.ReadByte(),
        };
    }

    /// <param name="writer">Gets one packet.</param>
    /// <param name="extended">The client has <see cref="Handshake.MariaDbCapabilities.ExtendedMetadata"/>.</param>
    public void Write(PacketWriter writer, bool extended = false)
    {
        _ = writer.Begin()
            .LengthEncodedText("def")
            .LengthEncodedText(Schema)
            .LengthEncodedText(Table)
            .LengthEncodedText(Table)
            .LengthEncodedText(Name)
            .LengthEncodedText("");
        if (extended)
            _ = writer.LengthEncodedText("");
        writer.LengthEncodedInteger(0x0C)
            .UInt16(CharacterSet)
            .UInt32(Length)
            .Byte(Type)
            .UInt16(Flags)
            .Byte(Decimals)
            .Zeros(2)
            .End();
    }
}
