using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.Unit.Protocol;

/// <summary>Events read from a recorded binary log, and those built here read back.</summary>
public sealed class EventTests
{
    [Fact]
    public void Every_recorded_event_has_a_valid_checksum_which_a_flipped_bit_breaks()
    {
        foreach (var recorded in RecordedBinlog.Events())
        {
            Assert.True(EventChecksum.IsValid(recorded));
            recorded[recorded.Length / 2] ^= 0x10;
            Assert.False(EventChecksum.IsValid(recorded));
        }
    }

    [Fact]
    public void A_header_writes_the_bytes_it_was_read_from()
    {
        foreach (var recorded in RecordedBinlog.Events())
        {
            var written = new byte[EventHeader.Size];
            EventHeader.Read(recorded).Write(written);
            Assert.Equal(recorded[..EventHeader.Size], written);
        }
    }

    [Fact]
    public void Gtids_are_read_with_commit_id_and_xid()
    {
        var gtids = RecordedBinlog.Events().Where(e => EventHeader.Read(e).Type == EventType.Gtid).ToList();
        var group = GtidEvent.Read(EventHeader.Read(gtids[22]), RecordedBinlog.Body(gtids[22]));
        Assert.Equal(new Gtid(0, 1, 23), group.Gtid);
        Assert.Equal(99UL, group.CommitId);

        var prepared = GtidEvent.Read(EventHeader.Read(gtids[8]), RecordedBinlog.Body(gtids[8]));
        Assert.Equal(GtidFlags.Transactional | GtidFlags.AllowParallel | GtidFlags.PreparedXa, prepared.Flags);
        Assert.Equal(7, prepared.XidFormat);
        Assert.Equal("g"u8, prepared.XidGlobal);
        Assert.Equal("b"u8, prepared.XidBranch);
        Assert.Null(prepared.CommitId);
    }

    [Fact]
    public void The_format_description_is_rebuilt_byte_for_byte()
    {
        var recorded = RecordedBinlog.Events().First();
        var header = EventHeader.Read(recorded);
        var read = FormatDescriptionEvent.Read(RecordedBinlog.Body(recorded));
        Assert.Equal(ChecksumAlgorithm.Crc32, read.Checksum);
        Assert.Equal("10.11.19-MariaDB-0+deb12u1-log", read.ServerVersion);
        var built = read.Build(header.ServerId, header.LogPosition);
        EventHeader.Read(recorded).Write(built); // the time it was written is the server's
        EventChecksum.Set(built);
        Assert.Equal(recorded, built);
    }

    [Fact]
    public void Rotate_query_table_map_rows_and_xa_prepare_are_read()
    {
        Assert.Equal("binlog.000002"u8, RotateEvent.Read(RecordedBinlog.First(EventType.Rotate).Body).FileName);
        Assert.Equal(4UL, RotateEvent.Read(RecordedBinlog.First(EventType.Rotate).Body).Position);

        Assert.Equal("create database f"u8, QueryEvent.Read(RecordedBinlog.First(EventType.Query).Body).Sql);
        Assert.Equal("f"u8, QueryEvent.Read(RecordedBinlog.First(EventType.Query).Body).Schema);

        var table = TableMapEvent.Read(RecordedBinlog.First(EventType.TableMap).Body);
        Assert.Equal("f"u8, table.Schema);
        Assert.Equal("m"u8, table.Table);

        var rows = RowsEventHeader.Read(RecordedBinlog.First(EventType.WriteRowsV1).Body);
        Assert.Equal(table.TableId, rows.TableId);
        Assert.Equal(1, rows.ColumnCount);
        Assert.True(rows.IsFullImage);

        var prepare = XaPrepareEvent.Read(RecordedBinlog.First(EventType.XaPrepare).Body);
        Assert.False(prepare.IsOnePhase);
        Assert.Equal("g"u8, prepare.Global);
        Assert.Equal("b"u8, prepare.Branch);

        Assert.Equal(63UL, XidEvent.Read(RecordedBinlog.First(EventType.Xid).Body));
        Assert.Equal("binlog.000001"u8, BinlogCheckpointEvent.Read(RecordedBinlog.First(EventType.BinlogCheckpoint).Body));
        Assert.Equal(0, GtidListEvent.Read(RecordedBinlog.First(EventType.GtidList).Body).Count);
    }

    [Fact]
    public void A_row_image_that_lacks_a_column_is_not_full()
    {
        byte[] nine = [1, 0, 0, 0, 0, 0, 1, 0, 9, 0xFF, 0x01];
        Assert.True(RowsEventHeader.Read(nine).IsFullImage);
        nine[^1] = 0;
        Assert.False(RowsEventHeader.Read(nine).IsFullImage);
    }

    [Fact]
    public void Built_events_read_back()
    {
        var rotate = RotateEvent.BuildArtificial(9, 4, "wolf.000001"u8);
        Assert.True(EventChecksum.IsValid(rotate));
        Assert.Equal(EventHeaderFlags.Artificial, EventHeader.Read(rotate).Flags);
        Assert.Equal("wolf.000001"u8, RotateEvent.Read(RecordedBinlog.Body(rotate)).FileName);

        var list = GtidListEvent.Build(new EventHeader(0, default, 9, 0, 300, EventHeaderFlags.Artificial), GtidPosition.Parse("0-1-5,3-2-7"));
        Assert.True(EventChecksum.IsValid(list));
        var read = GtidListEvent.Read(RecordedBinlog.Body(list));
        Assert.Equal(2, read.Count);
        Assert.Equal(new Gtid(3, 2, 7), read[1]);

        var beat = HeartbeatEvent.Build(9, 1234, "wolf.000001"u8);
        var heartbeat = HeartbeatEvent.Read(EventHeader.Read(beat), RecordedBinlog.Body(beat));
        Assert.Equal(1234, heartbeat.Position);
        Assert.Equal("wolf.000001"u8, heartbeat.FileName);
    }

    [Fact]
    public void A_heartbeat_beyond_4_gib_has_its_position_before_the_file_name()
    {
        var header = new EventHeader(0, EventType.Heartbeat, 1, 0, 0, EventHeaderFlags.None);
        var heartbeat = HeartbeatEvent.Read(header, [4, 0, 0, 0, 1, 0, 0, 0, .. "b.1"u8]);
        Assert.Equal((1L << 32) + 4, heartbeat.Position);
        Assert.Equal("b.1"u8, heartbeat.FileName);
    }

    [Theory]
    [InlineData("COMMIT", true)]
    [InlineData("ROLLBACK", true)]
    [InlineData("ROLLBACK TO `s`", false)]
    [InlineData("commit", false)]
    [InlineData("XA COMMIT X'67'", false)]
    [InlineData("CREATE PROCEDURE p() COMMIT", false)]
    public void Only_the_servers_own_commit_ends_a_group(string sql, bool ends) =>
        Assert.Equal(ends, QueryEvent.IsCommitOrRollback([.. new byte[13], 0, .. System.Text.Encoding.UTF8.GetBytes(sql)]));
}
