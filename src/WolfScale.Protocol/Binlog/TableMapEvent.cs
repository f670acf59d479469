namespace WolfScale.Protocol.Binlog;

/// <summary>
/// Type 19: gives a table a number for the row events that follow. table id 6 · flags 2 · schema with length 1, NUL · table with length 1, NUL ·
/// columns, which are not read here.
/// </summary>
public readonly ref struct TableMapEvent
{
    private TableMapEvent(ulong tableId, ReadOnlySpan<byte> schema, ReadOnlySpan<byte> table)
    {
        TableId = tableId;
        Schema = schema;
        Table = table;
    }

    public ulong TableId { get; }

    public ReadOnlySpan<byte> Schema { get; }

    public ReadOnlySpan<byte> Table { get; }

    /// <param name="body">What follows the header, without the checksum.</param>
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static TableMapEvent Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var tableId = reader.ReadUInt48();
        reader.Skip(2);
        var schema = reader.ReadBytes(reader.ReadByte());
        reader.Skip(1);
        var table = reader.ReadBytes(reader.ReadByte());
        reader.Skip(1);
        return new TableMapEvent(tableId, schema, table);
    }
}
