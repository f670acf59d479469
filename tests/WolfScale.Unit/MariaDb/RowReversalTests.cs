using System.Buffers.Binary;
using System.Text;
using WolfScale.MariaDb.Rewind;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.Unit.MariaDb;

/// <summary>Row events of a table (a INT, b VARCHAR(300)), built by hand. What real servers write is reversed in the integration tests.</summary>
public class RowReversalTests
{
    private static readonly TableColumns Table = TableColumns.Read(TableMap());

    [Fact]
    public void A_table_map_gives_names_and_layout()
    {
        Assert.Equal(("d", "t"), (Table.Schema, Table.Table));
        Assert.Equal([new ColumnLayout(ColumnType.Long, 0), new ColumnLayout(ColumnType.Varchar, 300)], Table.Columns);
    }

    [Fact]
    public void An_insert_becomes_a_delete_of_the_same_rows_in_reverse_order()
    {
        var reversed = RowReversal.Reverse(Rows(EventType.WriteRowsV1, Row(1, "one"), Row(2, null)), Table, out var count);
        Assert.Equal(2, count);
        Assert.Equal(Rows(EventType.DeleteRowsV1, Row(2, null), Row(1, "one")), Normalised(reversed));
        Assert.True(EventChecksum.IsValid(reversed));
    }

    [Fact]
    public void A_delete_becomes_an_insert() =>
        Assert.Equal(
            Rows(EventType.WriteRowsV1, Row(2, "two"), Row(1, "one")),
            Normalised(RowReversal.Reverse(Rows(EventType.DeleteRowsV1, Row(1, "one"), Row(2, "two")), Table, out _)));

    [Fact]
    public void An_update_goes_from_after_to_before_the_last_row_first()
    {
        var @event = Rows(EventType.UpdateRowsV1, Row(1, "a"), Row(2, "longer"), Row(2, "b"), Row(3, null));
        var reversed = RowReversal.Reverse(@event, Table, out var count);
        Assert.Equal(2, count);
        Assert.Equal(Rows(EventType.UpdateRowsV1, Row(3, null), Row(2, "b"), Row(2, "longer"), Row(1, "a")), Normalised(reversed));
    }

    [Fact]
    public void Reversing_twice_gives_the_event_back()
    {
        foreach (var type in new[] { EventType.WriteRowsV1, EventType.DeleteRowsV1, EventType.UpdateRowsV1 })
        {
            var @event = Rows(type, Row(1, "x"), Row(2, ""), Row(3, new string('y', 290)), Row(4, null));
            Assert.Equal(@event, Normalised(RowReversal.Reverse(RowReversal.Reverse(@event, Table, out _), Table, out _)));
        }
    }

    [Fact]
    public void The_undo_checks_no_foreign_keys_because_a_cascade_of_ours_must_not_reach_other_rows()
    {
        var reversed = RowReversal.Reverse(Rows(EventType.WriteRowsV1, Row(1, "x")), Table, out _);
        var flags = RowsEventHeader.Read(reversed.AsSpan()[EventHeader.Size..^EventChecksum.Size]).Flags;
        Assert.Equal(RowsFlags.EndOfStatement | RowsFlags.NoForeignKeyChecks | RowsFlags.NoCheckConstraintChecks, flags);
    }

    [Fact]
    public void A_partial_image_a_cut_row_and_an_uncertain_type_are_refused()
    {
        var partial = Rows(EventType.WriteRowsV1, Row(1, "x"));
        partial[EventHeader.Size + 9] = 0b01;
        _ = Assert.Throws<ProtocolException>(() => RowReversal.Reverse(partial, Table, out _));

        var cut = Rows(EventType.WriteRowsV1, Row(1, "x")[..^1]);
        _ = Assert.Throws<ProtocolException>(() => RowReversal.Reverse(cut, Table, out _));

        var old = Table with { Columns = [new ColumnLayout(ColumnType.OldDatetime, 0), Table.Columns[1]] };
        _ = Assert.Throws<ProtocolException>(() => RowReversal.Reverse(Rows(EventType.WriteRowsV1, Row(1, "x")), old, out _));
    }

    private static byte[] TableMap() =>
        [9, 0, 0, 0, 0, 0, 1, 0, 1, (byte)'d', 0, 1, (byte)'t', 0, 2, (byte)ColumnType.Long, (byte)ColumnType.Varchar, 2, 300 & 0xFF, 300 >> 8, 0b10];

    private static byte[] Row(int a, string? b)
    {
        var row = new List<byte> { b is null ? (byte)0b10 : (byte)0 };
        var number = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(number, a);
        row.AddRange(number);
        if (b is not null)
            row.AddRange([(byte)b.Length, (byte)(b.Length >> 8), .. Encoding.ASCII.GetBytes(b)]);
        return [.. row];
    }

    private static byte[] Rows(EventType type, params byte[][] rows)
    {
        byte[] bitmap = type == EventType.UpdateRowsV1 ? [0b11, 0b11] : [0b11];
        byte[] body = [9, 0, 0, 0, 0, 0, 1, 0, 2, .. bitmap, .. rows.SelectMany(r => r)];
        return EventBuilder.Build(new EventHeader(1_700_000_000, type, 1, 0, 4711, EventHeaderFlags.None), body);
    }

    /// <summary>With the flags a server writes, so that only rows and type are compared.</summary>
    private static byte[] Normalised(byte[] @event)
    {
        var copy = @event.ToArray();
        copy[EventHeader.Size + 6] = 1;
        copy[EventHeader.Size + 7] = 0;
        EventChecksum.Set(copy);
        return copy;
    }
}
