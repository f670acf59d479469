namespace WolfScale.Protocol.Binlog;

/// <summary>
/// What begins a row event of version 1 (types 23–25, 166–168), as MariaDB writes them: table id 6 · flags 2 · number of columns ·
/// bitmap of the columns present (for updates: before, then after). Rows follow.
/// </summary>
public readonly ref struct RowsEventHeader
{
    private RowsEventHeader(ulong tableId, RowsFlags flags, int columns, ReadOnlySpan<byte> present)
    {
        TableId = tableId;
        Flags = flags;
        ColumnCount = columns;
        PresentColumns = present;
    }

    public ulong TableId { get; }

    public RowsFlags Flags { get; }

    public int ColumnCount { get; }

    /// <summary>One bit for each column; all are set in a full row image. For updates: the image before the change.</summary>
    public ReadOnlySpan<byte> PresentColumns { get; }

    /// <summary>Whether every column is in the row image (<c>binlog_row_image=FULL</c>).</summary>
    public bool IsFullImage
    {
        get
        {
            for (var column = 0; column < ColumnCount; column++)
            {
                if ((PresentColumns[column >> 3] & (1 << (column & 7))) == 0)
                    return false;
            }

            return true;
        }
    }

    /// <param name="body">What follows the event's header, without the checksum.</param>
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static RowsEventHeader Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var tableId = reader.ReadUInt48();
        var flags = (RowsFlags)reader.ReadUInt16();
        var columns = reader.ReadLengthEncodedInteger();
        if (columns > 4096)
            ProtocolException.Throw($"A row event of {columns} columns: MariaDB has 4096 at most.");
        return new RowsEventHeader(tableId, flags, (int)columns, reader.ReadBytes(((int)columns + 7) / 8));
    }
}
