using WolfScale.MariaDb;
using WolfScale.Protocol.Binlog;

namespace WolfScale.Unit.Protocol;

public sealed class BinlogPositionTests
{
    private const long GiB4 = 1L << 32;

    [Fact]
    public void A_file_that_passes_4_gib_is_counted_on()
    {
        var position = At(4);
        Advance(ref position, 3_000_000_000, 3_000_000_004);
        Advance(ref position, 2_000_000_000, unchecked((uint)5_000_000_004));
        Assert.Equal(5_000_000_004, position.Offset);
        Advance(ref position, 100, unchecked((uint)5_000_000_104));
        Assert.Equal(5_000_000_104, position.Offset);
    }

    [Fact]
    public void A_group_behind_others_that_were_left_out_stands_where_its_header_says()
    {
        var position = At(4);
        Advance(ref position, 42, 70_000);
        Assert.Equal(70_000, position.Offset);
    }

    [Fact]
    public void A_gap_that_reaches_over_4_gib_is_counted_on_as_well()
    {
        var position = At(4);
        Advance(ref position, 42, 3_000_000_000);
        Advance(ref position, 42, unchecked((uint)5_000_000_000));
        Assert.Equal(5_000_000_000, position.Offset);
    }

    [Fact]
    public void A_heartbeat_repairs_what_a_start_behind_a_huge_transaction_hid()
    {
        var position = At(4);
        Advance(ref position, 42, 1000); // really 4 GiB further on: 32 bits cannot say it
        Assert.Equal(GiB4, position.Correct(Beat(GiB4 + 1000, "binlog.000001")));
        Assert.Equal(GiB4 + 1000, position.Offset);
        Assert.Equal(0, position.Correct(Beat(GiB4 + 1000, "binlog.000001")));
        Assert.Equal(0, position.Correct(Beat(3 * GiB4, "binlog.000002"))); // of another file: says nothing
    }

    [Fact]
    public void A_server_that_stands_before_what_it_sent_is_not_believed()
    {
        var position = At(4);
        Advance(ref position, 42, 1000);
        Assert.True(position.Correct(Beat(900, "binlog.000001")) < 0);
    }

    private static BinlogPosition At(long offset)
    {
        var position = new BinlogPosition();
        var rotate = RotateEvent.BuildArtificial(1, (ulong)offset, "binlog.000001"u8);
        position.Rotate(RotateEvent.Read(rotate.AsSpan(EventHeader.Size, rotate.Length - EventHeader.Size - EventChecksum.Size)));
        return position;
    }

    private static void Advance(ref BinlogPosition position, uint length, uint logPosition) =>
        position.Advance(new EventHeader(1, EventType.Xid, 1, length, logPosition, EventHeaderFlags.None));

    private static HeartbeatEvent Beat(long at, string file)
    {
        var header = new EventHeader(0, EventType.Heartbeat, 1, 0, at < GiB4 ? (uint)at : 0, EventHeaderFlags.None);
        byte[] name = System.Text.Encoding.ASCII.GetBytes(file);
        return HeartbeatEvent.Read(header, at < GiB4 ? name : [.. BitConverter.GetBytes(at), .. name]);
    }
}
