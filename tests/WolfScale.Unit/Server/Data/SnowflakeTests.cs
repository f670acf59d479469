using Microsoft.Extensions.Time.Testing;
using WolfScale.Server.Http.Data;
using WolfScale.Server.Http.Data.Snowflakes;

namespace WolfScale.Unit.Server.Data;

/// <summary>Ids that never come twice, whatever the clock does.</summary>
public class SnowflakeTests
{
    private readonly MemoryState _state = new();
    private readonly FakeTimeProvider _time = new(Snowflake.Epoch.AddDays(365)) { AutoAdvanceAmount = TimeSpan.Zero };

    [Fact]
    public void An_id_holds_time_node_and_sequence()
    {
        var first = Clock(5).Next();

        Assert.Equal((365L * 86_400_000, 5, 0), (first >> 22, (int)((first >> 12) & 0x3FF), (int)(first & 0xFFF)));
    }

    [Fact]
    public void Ids_grow_when_the_clock_steps_back()
    {
        var clock = Clock(1);
        var ids = clock.Next(5000).ToList(); // more than a millisecond has
        _time.AdjustTime(_time.GetUtcNow() - TimeSpan.FromHours(1));
        ids.AddRange(clock.Next(5000));
        _time.Advance(TimeSpan.FromHours(2));
        ids.AddRange(clock.Next(5000));

        Assert.Equal(ids.Order().Distinct(), ids);
    }

    [Fact]
    public void Ids_grow_over_a_restart_with_a_clock_that_stepped_back()
    {
        var before = Clock(1).Next(10_000);
        _time.AdjustTime(_time.GetUtcNow() - TimeSpan.FromDays(1));
        var after = Clock(1).Next(10_000);

        Assert.True(after[0] > before[^1], $"{after[0]} after {before[^1]}");
    }

    [Fact]
    public void The_disk_is_written_once_in_a_while()
    {
        var clock = Clock(1);
        for (var i = 0; i < 100; i++)
        {
            _ = clock.Next();
            _time.Advance(TimeSpan.FromMilliseconds(99));
        }

        Assert.Equal(1, _state.Puts);
    }

    /// <summary>What lies behind it may be another node's by then.</summary>
    [Fact]
    public void No_id_is_made_of_a_time_that_is_not_granted()
    {
        var until = Snowflake.Milliseconds(_time.GetUtcNow()) + 1000;
        var clock = new SnowflakeClock(_state, "until", 1, _time) { Granted = until };
        Assert.True(clock.Next() >> 22 < until);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("no_node_number", Assert.Throws<DataProblemException>(() => clock.Next()).Code);

        clock.Granted = until + 1;
        var ids = new List<long>();
        _ = Assert.Throws<DataProblemException>(() => // a millisecond has 4,096, and then the time goes on by itself
        {
            while (ids.Count <= Snowflake.PerMillisecond)
                ids.Add(clock.Next());
        });
        Assert.Equal(Snowflake.PerMillisecond, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Equal(until, id >> 22));
    }

    /// <summary>The number was this node's, another's, and is this node's again.</summary>
    [Fact]
    public void Ids_begin_where_the_numbers_last_node_ended()
    {
        var clock = Clock(1);
        _ = clock.Next();
        var end = Snowflake.Milliseconds(_time.GetUtcNow()) + 5000;
        clock.NotBefore(end);
        Assert.Equal(end, clock.Next() >> 22);
        clock.NotBefore(end - 1000);
        Assert.Equal(end, clock.Next() >> 22);
    }

    [Fact]
    public void A_free_number_is_taken_before_one_is_used_again()
    {
        Assert.Equal(new NumberChoice(1, false, [], []).ToString(), Choose(Taken(0, member: true), Taken(2, member: true)));
        Assert.Equal((1, false), Number(Taken(0, member: false, missed: true, longMissed: true)));
    }

    [Fact]
    public void A_number_is_used_again_only_after_its_node_was_missed_for_long()
    {
        var full = Enumerable.Range(0, Snowflake.Nodes).Select(i => Taken(i, member: true)).ToArray();

        Assert.Equal((-1, false), Number(full));
        full[7] = Taken(7, member: false);
        Assert.Equal((-1, false), Number(full));
        Assert.Equal([7], NodeNumbers.Choose(full).Missed);
        full[7] = Taken(7, member: false, missed: true);
        Assert.Equal((-1, false), Number(full));
        full[7] = Taken(7, member: false, missed: true, longMissed: true);
        Assert.Equal((7, true), Number(full));
        full[7] = Taken(7, member: true, missed: true, longMissed: true); // it is back
        Assert.Equal((-1, false), Number(full));
        Assert.Equal([7], NodeNumbers.Choose(full).Met);
    }

    private SnowflakeClock Clock(int node) => new(_state, "until", node, _time) { Granted = long.MaxValue };

    private static TakenNumber Taken(int number, bool member, bool missed = false, bool longMissed = false) => new(number, false, member, missed, longMissed, UntilMs: 0);

    private static (int, bool) Number(params TakenNumber[] rows) => NodeNumbers.Choose(rows) is var choice ? (choice.Number, choice.IsReused) : default;

    private static string Choose(params TakenNumber[] rows) => (NodeNumbers.Choose(rows) with { Missed = [], Met = [] }).ToString();
}
