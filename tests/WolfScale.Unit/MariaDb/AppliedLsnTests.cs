using WolfScale.MariaDb.Following;
using WolfScale.Protocol;

namespace WolfScale.Unit.MariaDb;

public class AppliedLsnTests
{
    [Fact]
    public void Entries_without_a_group_count_as_applied_with_the_group_before_them()
    {
        // LSN 1 is the no-op, groups follow from LSN 2 on.
        var log = new FakeLog("", null, "0-1-1", "0-1-2", "0-1-3");
        Assert.Equal((4, 0), Of(log, "0-1-3"));
        Assert.Equal((3, 1), Of(log, "0-1-2"));
        Assert.Equal((0, 4), Of(log, ""));
        Assert.Equal((1, 0), Of(new FakeLog("", null), ""));
    }

    [Fact]
    public void What_is_not_committed_does_not_count()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2") { CommitLsn = 2 };
        Assert.Equal((2, 0), Of(log, "0-1-1"));
        Assert.Equal((2, 0), Of(log, "0-1-2"));
    }

    [Fact]
    public void A_server_at_the_last_pruned_group_stands_where_the_log_begins()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2", "0-1-3") { FirstLsn = 4 };
        Assert.Equal((3, 1), Of(log, "0-1-2"));
    }

    [Fact]
    public void A_group_that_the_log_does_not_know_is_errant()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2");
        Assert.Null(Errant(log, "0-1-2", "0-1-2"));
        Assert.Equal(Gtid.Parse("0-3-3"), Errant(log, "0-3-3", "0-1-2", "0-3-3"));
        Assert.Equal(Gtid.Parse("9-3-1"), Errant(log, "0-1-2,9-3-1", "0-1-2", "9-3-1"));
    }

    [Fact]
    public void A_write_of_its_own_is_seen_even_after_others_have_followed_it()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2", "0-1-3");
        Assert.Equal(Gtid.Parse("0-3-2"), Errant(log, "0-1-3", "0-3-2", "0-1-3"));
    }

    [Fact]
    public void What_a_server_wrote_when_it_led_is_not_errant()
    {
        var log = new FakeLog("", null, "0-3-1", "0-1-2");
        Assert.Null(Errant(log, "0-1-2", "0-3-1", "0-1-2"));
        log.FirstLsn = 3; // pruned since
        Assert.Null(Errant(log, "0-1-2", "0-3-1", "0-1-2"));
    }

    private static (long, long) Of(FakeLog log, string position) => AppliedLsn.Of(log, GtidPosition.Parse(position), 0);

    private static Gtid? Errant(FakeLog log, string position, params string[] state) =>
        AppliedLsn.Errant(log, GtidPosition.Parse(position), state.Select(g => Gtid.Parse(g)), serverId: 3, domain: 0);
}
