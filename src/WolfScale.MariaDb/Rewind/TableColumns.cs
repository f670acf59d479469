using System.Collections.Immutable;
using System.Text;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Rewind;

/// <summary>
/// A TABLE_MAP event with its columns, as far as the length of a row needs them (<c>Table_map_log_event</c> and <c>calc_field_size</c> in
/// <c>sql/log_event.cc</c>).
/// </summary>
/// <param name="TableId">The number the row events use.</param>
/// <param name="Schema">Schema name.</param>
/// <param name="Table">Table name.</param>
/// <param name="Columns">Type and metadata of every column.</param>
internal sealed record TableColumns(ulong TableId, string Schema, string Table, ImmutableArray<ColumnLayout> Columns)
{
    /// <param name="body">What follows the event's header, without the checksum.</param>
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static TableColumns Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var id = reader.ReadUInt48();
        reader.Skip(2);
        var schema = Encoding.UTF8.GetString(reader.ReadBytes(reader.ReadByte()));
        reader.Skip(1);
        var table = Encoding.UTF8.GetString(reader.ReadBytes(reader.ReadByte()));
        reader.Skip(1);
        var count = checked((int)reader.ReadLengthEncodedInteger());
        var types = reader.ReadBytes(count);
        var metadata = new PayloadReader(reader.ReadLengthEncodedBytes());
        var columns = ImmutableArray.CreateBuilder<ColumnLayout>(count);
        foreach (var type in types)
            columns.Add(ColumnLayout.Read((ColumnType)type, ref metadata));
        return new TableColumns(id, schema, table, columns.MoveToImmutable());
    }

    /// <summary>Length in bytes of the full row image at the start of <paramref name="rows"/>.</summary>
    /// <exception cref="ProtocolException">A column type whose length is not known, or the bytes end early.</exception>
    public int RowLength(ReadOnlySpan<byte> rows)
    {
        var reader = new PayloadReader(rows);
        var nulls = reader.ReadBytes((Columns.Length + 7) / 8);
        for (var i = 0; i < Columns.Length; i++)
        {
            if ((nulls[i >> 3] & (1 << (i & 7))) == 0)
                reader.Skip(Columns[i].Length(reader.Rest));
        }

        return reader.Position;
    }
}
