using System.Buffers.Binary;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb.Rewind;

/// <summary>
/// Turns a row event into the one that undoes it: an insert into a delete, a delete into an insert, an update into one with before and
/// after exchanged; the rows in reverse order. Exact because the images are full and taken over byte for byte. Pure.
/// </summary>
internal static class RowReversal
{
    private const int FlagsOffset = EventHeader.Size + 6;

    /// <summary>Whether the type is a row event that can be reversed.</summary>
    public static bool IsRows(EventType type) => type is EventType.WriteRowsV1 or EventType.UpdateRowsV1 or EventType.DeleteRowsV1;

    /// <param name="event">A whole row event of version 1, with checksum.</param>
    /// <param name="table">The table it belongs to.</param>
    /// <param name="rowCount">Number of rows in it.</param>
    /// <returns>The reversed event; its checksum is right.</returns>
    /// <exception cref="ProtocolException">Not a full image, or a row cannot be taken apart.</exception>
    public static byte[] Reverse(ReadOnlySpan<byte> @event, TableColumns table, out int rowCount)
    {
        var header = EventHeader.Read(@event);
        var isUpdate = header.Type == EventType.UpdateRowsV1;
        var rowsOffset = RowsOffset(@event, table, isUpdate);
        var rows = @event[rowsOffset..^EventChecksum.Size];

        var reversed = @event.ToArray();
        (header with { Type = Opposite(header.Type) }).Write(reversed);

        // Going back passes through states that the server has been in, so no constraint can fail; and with the checks off no cascade
        // of ours can reach a row that the binlog does not mention. Unique keys stay checked: they find what does not fit.
        var flags = RowsFlags.EndOfStatement | RowsFlags.NoForeignKeyChecks | RowsFlags.NoCheckConstraintChecks;
        BinaryPrimitives.WriteUInt16LittleEndian(reversed.AsSpan(FlagsOffset), (ushort)flags);

        rowCount = 0;
        var end = reversed.Length - EventChecksum.Size;
        while (!rows.IsEmpty)
        {
            var first = table.RowLength(rows);
            var second = isUpdate ? table.RowLength(rows[first..]) : 0;
            end -= first + second;
            rowCount++;
            if (isUpdate)
            {
                rows.Slice(first, second).CopyTo(reversed.AsSpan(end));
                rows[..first].CopyTo(reversed.AsSpan(end + second));
            }
            else
            {
                rows[..first].CopyTo(reversed.AsSpan(end));
            }

            rows = rows[(first + second)..];
        }

        EventChecksum.Set(reversed);
        return reversed;
    }

    /// <summary>Where the rows begin, after the bitmaps; checks that the images are full.</summary>
    private static int RowsOffset(ReadOnlySpan<byte> @event, TableColumns table, bool isUpdate)
    {
        var reader = new PayloadReader(@event[..^EventChecksum.Size]);
        reader.Skip(FlagsOffset + 2);
        var columns = reader.ReadLengthEncodedInteger();
        if (columns != (ulong)table.Columns.Length)
            throw new ProtocolException($"A row event of {table.Schema}.{table.Table} has {columns} columns, and its table map {table.Columns.Length}.");
        CheckFull(reader.ReadBytes((table.Columns.Length + 7) / 8), table);
        if (isUpdate)
            CheckFull(reader.ReadBytes((table.Columns.Length + 7) / 8), table);
        return reader.Position;
    }

    private static void CheckFull(ReadOnlySpan<byte> present, TableColumns table)
    {
        for (var i = 0; i < table.Columns.Length; i++)
        {
            if ((present[i >> 3] & (1 << (i & 7))) == 0)
                throw new ProtocolException($"A row event of {table.Schema}.{table.Table} does not hold all columns (binlog_row_image was not FULL).");
        }
    }

    private static EventType Opposite(EventType type) => type switch
    {
        EventType.WriteRowsV1 => EventType.DeleteRowsV1,
        EventType.DeleteRowsV1 => EventType.WriteRowsV1,
        _ => type,
    };
}
