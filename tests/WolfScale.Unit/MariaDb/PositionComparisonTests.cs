using WolfScale.MariaDb.Positions;
using WolfScale.Protocol;

namespace WolfScale.Unit.MariaDb;

public class PositionComparisonTests
{
    [Fact]
    public void A_server_stands_at_the_later_of_its_two_positions()
    {
        Assert.Equal("0-1-7", At("0-1-7", "0-1-5").Current.ToString());
        Assert.Equal("0-1-7", At("", "0-1-7").Current.ToString());
        Assert.Equal("0-2-9,5-1-3", At("0-2-9", "0-1-7,5-1-3").Current.ToString());
    }

    [Fact]
    public void A_server_at_a_committed_group_stands_exactly_there()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2", "0-1-3");
        Assert.Equal(new Standing.Exact(3, true), Compare(At("0-1-2"), log));
        Assert.Equal(new Standing.Exact(4, true), Compare(At("0-1-3"), log));
    }

    [Fact]
    public void A_group_that_is_logged_and_not_committed_has_no_fate_yet()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2") { CommitLsn = 2 };
        Assert.Equal(new Standing.Exact(3, false), Compare(At("0-1-2"), log));
    }

    [Fact]
    public void Domain_server_and_sequence_must_all_match()
    {
        var log = new FakeLog("", null, "0-1-1", "0-2-2");
        Assert.IsType<Standing.NeedsHistory>(Compare(At("0-1-2"), log));
        Assert.IsType<Standing.NeedsHistory>(Compare(At("1-2-2"), log));
    }

    [Fact]
    public void C2_an_empty_server_joins_a_cluster_that_began_empty() =>
        Assert.Equal(new Standing.Exact(0, true), Compare(At("", data: false), new FakeLog("", true, "0-1-1")));

    [Fact]
    public void C2_a_server_with_data_and_an_empty_position_is_not_taken_for_an_empty_one() =>
        Assert.IsType<Standing.Unrelated>(Compare(At("", data: true), new FakeLog("", true, "0-1-1")));

    [Fact]
    public void C2_an_empty_server_does_not_join_a_cluster_that_began_with_data()
    {
        var log = new FakeLog("0-1-40", false, "0-1-41");
        Assert.IsType<Standing.Unrelated>(Compare(At("", data: false), log));

        // Nor does one whose position was set by hand, without the data.
        Assert.IsType<Standing.Unrelated>(Compare(At("0-1-40", data: false), log));
        Assert.Equal(new Standing.Exact(0, true), Compare(At("0-1-40", data: true), log));
    }

    [Fact]
    public void Domains_of_the_time_before_the_cluster_stay_where_they_were()
    {
        var log = new FakeLog("0-1-40,5-9-7", false, "0-1-41");
        Assert.Equal(new Standing.Exact(2, true), Compare(At("0-1-41", "5-9-7"), log));
        Assert.IsType<Standing.NeedsHistory>(Compare(At("0-1-41,5-9-8"), log));
        Assert.IsType<Standing.NeedsHistory>(Compare(At("0-1-41"), log));
    }

    [Fact]
    public void A_server_older_than_the_retained_log_cannot_be_brought_up()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2", "0-1-3", "0-1-4") { FirstLsn = 4 };
        Assert.IsType<Standing.BehindUnknown>(Compare(At("0-1-1"), log));

        // The last pruned group is where the retained log begins.
        Assert.Equal(new Standing.Exact(3, true), Compare(At("0-1-2"), log));
        Assert.Equal(new Standing.Exact(4, true), Compare(At("0-1-3"), log));
    }

    [Fact]
    public void An_empty_server_cannot_be_fed_from_a_pruned_log() =>
        Assert.IsType<Standing.BehindUnknown>(Compare(At("", data: false), new FakeLog("", true, "0-1-1", "0-1-2") { FirstLsn = 3 }));

    [Fact]
    public void Groups_of_its_own_after_the_whole_log_continue_it()
    {
        var log = new FakeLog("", null, "0-2-1", "0-1-2");
        var standing = Compare(At("0-1-4"), log, History("", "0-2-1", "0-1-2", "0-1-3", "0-1-4"));
        var ahead = Assert.IsType<Standing.AheadOfLog>(standing);
        Assert.Equal("0-1-2", ahead.Ancestor.ToString());
        Assert.Equal(["0-1-3", "0-1-4"], ahead.Groups.Select(g => g.ToString()));
    }

    [Fact]
    public void Another_leaders_group_after_the_ancestor_makes_it_a_divergence()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2", "0-2-3");
        var diverged = Assert.IsType<Standing.Diverged>(Compare(At("0-1-4"), log, History("0-1-1", "0-1-2", "0-1-3", "0-1-4")));
        Assert.Equal("0-1-2", diverged.Ancestor.ToString());
        Assert.Equal(3, diverged.AncestorLsn);
        Assert.Equal(["0-1-3", "0-1-4"], diverged.Tail.Select(g => g.ToString()));
    }

    [Fact]
    public void Someone_elses_group_after_the_log_is_not_a_continuation()
    {
        var log = new FakeLog("", null, "0-1-1");
        Assert.IsType<Standing.Diverged>(Compare(At("0-3-2"), log, History("", "0-1-1", "0-3-2")));
        Assert.IsType<Standing.Diverged>(Compare(At("0-1-1,9-1-1"), log, History("", "0-1-1", "9-1-1"))); // another domain
    }

    [Fact]
    public void Groups_of_the_log_after_an_errant_one_are_part_of_the_tail()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2", "0-1-3");
        var diverged = Assert.IsType<Standing.Diverged>(Compare(At("0-1-3,9-5-1"), log, History("", "0-1-1", "9-5-1", "0-1-2", "0-1-3")));
        Assert.Equal("0-1-1", diverged.Ancestor.ToString());
        Assert.Equal(3, diverged.Tail.Length);
    }

    [Fact]
    public void Without_the_binlogs_back_to_the_parting_nothing_can_be_shown()
    {
        var log = new FakeLog("", null, "0-1-1", "0-2-2");
        Assert.IsType<Standing.Unrelated>(Compare(At("0-1-3"), log, null));
        Assert.IsType<Standing.Unrelated>(Compare(At("0-1-3"), log, History("0-1-2", "0-1-3"))); // begins after the parting
        Assert.IsType<Standing.Unrelated>(Compare(At("0-1-5"), log, History("", "0-1-1", "0-1-2"))); // ends before the position
    }

    [Fact]
    public void A_seeded_server_without_binlog_at_an_unknown_position_is_unrelated() =>
        Assert.IsType<Standing.Unrelated>(Compare(At("", "0-7-9"), new FakeLog("", null, "0-1-1")));

    [Fact]
    public void A_gap_in_the_binlog_hides_changes() =>
        Assert.IsType<Standing.Unrelated>(Compare(At("0-1-3"), new FakeLog("", null, "0-1-1"), History("", "0-1-1", "0-1-3")));

    [Fact]
    public void The_ancestor_of_a_seeded_server_is_its_seed_and_not_the_start_of_its_binlog()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2");
        var diverged = Assert.IsType<Standing.Diverged>(Compare(At("0-3-3", "0-1-2"), log, History("", "0-3-3")));
        Assert.Equal("0-1-2", diverged.Ancestor.ToString());

        // Without a seed the same binlog cannot begin at an empty server: something is missing.
        Assert.IsType<Standing.Unrelated>(Compare(At("0-3-3"), log, History("", "0-3-3")));
    }

    [Fact]
    public void History_may_begin_below_what_the_log_retains()
    {
        var log = new FakeLog("", null, "0-1-1", "0-1-2", "0-1-3", "0-1-4") { FirstLsn = 4 };
        var diverged = Assert.IsType<Standing.Diverged>(
            Compare(At("0-3-4"), log, History("0-1-1", "0-1-2", "0-1-3", "0-3-4")));
        Assert.Equal("0-1-3", diverged.Ancestor.ToString());
    }

    private static ServerPosition At(string binlog, string slave = "", bool data = true) =>
        new(GtidPosition.Parse(binlog), GtidPosition.Parse(slave), ServerId: 1, Domain: 0, data);

    private static BinlogHistory History(string start, params string[] groups) =>
        new(GtidPosition.Parse(start), [.. groups.Select(g => Gtid.Parse(g))]);

    private static Standing Compare(ServerPosition server, FakeLog log) => PositionComparison.Compare(server, log);

    private static Standing Compare(ServerPosition server, FakeLog log, BinlogHistory? history) => PositionComparison.Compare(server, log, history);
}
