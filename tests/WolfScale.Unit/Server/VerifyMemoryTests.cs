using System.Globalization;
using WolfScale.Client;
using WolfScale.Server.Hosting.Verifying;

namespace WolfScale.Unit.Server;

/// <summary>What a node remembers of comparisons, and when the next one is due.</summary>
public class VerifyMemoryTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly MemoryState _state = new();

    [Fact]
    public void It_is_remembered_over_restarts_when_all_were_last_identical()
    {
        var memory = new VerifyMemory(_state);
        Assert.Null(memory.Last);
        memory.Note(Outcome(0, lsn: 10, identical: true));
        memory.Note(Outcome(1, lsn: 20, identical: false));

        var last = new VerifyMemory(_state).Last!;
        Assert.Equal((false, 20L, Noon.AddHours(1)), (last.Identical, last.Lsn, last.At));
        Assert.Equal((10L, Noon), (last.IdenticalLsn, last.IdenticalAt));
        Assert.Equal(["node-2"], last.Different);
        Assert.Equal(
            $"node-2 DIFFERENT, last compared at LSN 20, {Noon.AddHours(1):u}; all were last proven identical at LSN 10, {Noon:u}",
            string.Create(CultureInfo.InvariantCulture, $"{ClusterTable.Describe(last)}"));
    }

    /// <summary>Before, a comparison that was cut short wiped out what an earlier one had found.</summary>
    [Fact]
    public void A_node_that_was_different_stays_so_until_it_was_compared_whole()
    {
        var memory = new VerifyMemory(_state);
        memory.Note(Outcome(0, lsn: 10, identical: true));
        memory.Note(Outcome(1, lsn: 20, identical: false));
        memory.Note(Outcome(2, lsn: 30, identical: false) with { Different = [] }); // a table was refused
        Assert.Equal(["node-2"], memory.Last!.Different);
        memory.Note(Outcome(3, lsn: 40, identical: false) with { Different = ["node-3"], Nodes = ["node-1", "node-3"], Whole = true }); // it was not there
        Assert.Equal(["node-3", "node-2"], memory.Last.Different);
        Assert.Equal((10L, Noon), (memory.Last.IdenticalLsn, memory.Last.IdenticalAt));

        memory.Note(Outcome(4, lsn: 50, identical: false) with { Different = [], Whole = true });
        Assert.Equal(["node-3"], memory.Last.Different);
        memory.Note(Outcome(5, lsn: 60, identical: true));
        Assert.Empty(memory.Last.Different);
    }

    [Fact]
    public void News_that_arrives_late_does_not_replace_newer()
    {
        var memory = new VerifyMemory(_state);
        memory.Note(Outcome(1, lsn: 20, identical: true));
        memory.Note(Outcome(0, lsn: 10, identical: false));

        Assert.Equal((true, 20L), (memory.Last!.Identical, memory.Last.Lsn));
    }

    [Fact]
    public void The_next_comparison_is_due_an_interval_after_the_last_one_whoever_led_it()
    {
        var memory = new VerifyMemory(_state);
        Assert.True(memory.IsOlderThan(TimeSpan.FromHours(6), Noon));

        memory.Note(Outcome(0, lsn: 10, identical: true));
        Assert.False(memory.IsOlderThan(TimeSpan.FromHours(6), Noon.AddHours(6).AddSeconds(-1)));
        Assert.True(memory.IsOlderThan(TimeSpan.FromHours(6), Noon.AddHours(6)));
    }

    private static VerifyOutcome Outcome(int hour, long lsn, bool identical) =>
        new(Noon.AddHours(hour), lsn, identical, ["node-1", "node-2"], identical ? [] : ["node-2"]);
}
