using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.Unit.Protocol;

public sealed class GroupTrackerTests
{
    [Fact]
    public void Every_recorded_group_ends_where_its_statement_ended()
    {
        var tracker = default(GroupTracker);
        var groups = new List<(GtidFlags Flags, EventType Last)>();
        foreach (var recorded in RecordedBinlog.Events())
        {
            var header = EventHeader.Read(recorded);
            var wasOpen = tracker.IsOpen;
            switch (tracker.Observe(header, RecordedBinlog.Body(recorded)))
            {
                case GroupStep.Begin:
                    Assert.False(wasOpen);
                    Assert.Equal((ulong)groups.Count + 1, tracker.Gtid.Sequence);
                    break;
                case GroupStep.Inside:
                    Assert.True(tracker.IsOpen);
                    break;
                case GroupStep.End:
                    Assert.False(tracker.IsOpen);
                    groups.Add((tracker.Flags & ~GtidFlags.AllowParallel, header.Type));
                    break;
                case GroupStep.Outside:
                    Assert.Contains(header.Type, (EventType[])
                        [EventType.FormatDescription, EventType.GtidList, EventType.BinlogCheckpoint, EventType.Rotate]);
                    break;
                case var other:
                    Assert.Fail($"{header.Type} was taken for {other}");
                    break;
            }
        }

        Assert.Equal(RecordedBinlog.Groups, groups);
    }

    [Theory]
    [InlineData(EventType.Rotate)]
    [InlineData(EventType.FormatDescription)]
    [InlineData(EventType.Stop)]
    [InlineData(EventType.Incident)]
    public void A_group_cut_short_by_a_crash_of_the_server_is_abandoned(EventType next)
    {
        var tracker = Open();
        Assert.Equal(GroupStep.Abandoned, tracker.Observe(Header(next), []));
        Assert.False(tracker.IsOpen);
    }

    [Fact]
    public void Another_gtid_begins_anew()
    {
        var tracker = Open();
        Assert.Equal(GroupStep.Begin, tracker.Observe(Header(EventType.Gtid), Gtid(6)));
        Assert.Equal(new Gtid(0, 1, 6), tracker.Gtid);
    }

    [Theory]
    [InlineData(EventType.Heartbeat)]
    [InlineData(EventType.BinlogCheckpoint)]
    [InlineData(EventType.GtidList)]
    public void What_is_of_no_group_leaves_the_open_one_open(EventType type)
    {
        var tracker = Open();
        Assert.Equal(GroupStep.Outside, tracker.Observe(Header(type), []));
        Assert.True(tracker.IsOpen);
    }

    [Fact]
    public void An_event_without_a_group_is_a_stray()
    {
        var tracker = default(GroupTracker);
        Assert.Equal(GroupStep.Stray, tracker.Observe(Header(EventType.Xid), new byte[8]));
    }

    [Fact]
    public void A_statement_that_only_ends_like_a_commit_in_a_huge_event_does_not_end_the_group()
    {
        var tracker = Open();
        var header = Header(EventType.Query) with { EventLength = GroupTracker.MaxCommitEventBytes + 1 };
        Assert.Equal(GroupStep.Inside, tracker.Observe(header, [.. new byte[14], .. "\0COMMIT"u8]));
    }

    private static GroupTracker Open()
    {
        var tracker = default(GroupTracker);
        Assert.Equal(GroupStep.Begin, tracker.Observe(Header(EventType.Gtid), Gtid(5)));
        return tracker;
    }

    private static byte[] Gtid(byte sequence) => [sequence, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)GtidFlags.Transactional, 0, 0, 0, 0, 0, 0];

    private static EventHeader Header(EventType type) => new(1, type, 1, 100, 500, EventHeaderFlags.None);
}
