using Microsoft.Extensions.Time.Testing;
using WolfScale.Cluster.Transport;

namespace WolfScale.Unit.Cluster;

/// <summary>Catching up takes what commits leave over, and never so little that it does not end.</summary>
public class BackgroundPaceTests
{
    private const int Chunk = 1 << 20;

    private readonly FakeTimeProvider _time = new();
    private readonly BackgroundPace _pace;

    public BackgroundPaceTests() => _pace = new BackgroundPace(_time);

    [Fact]
    public void Without_commits_it_is_as_fast_as_the_member_takes_it()
    {
        CatchUp(seconds: 5, commitMs: null);
        Assert.Equal(BackgroundPace.FastestBytesPerSecond, _pace.BytesPerSecond);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(_pace.Spend(Chunk), TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public void It_begins_slowly_each_time()
    {
        CatchUp(seconds: 5, commitMs: null);
        _time.Advance(TimeSpan.FromSeconds(6));
        _ = _pace.Spend(Chunk);
        Assert.InRange(_pace.BytesPerSecond, BackgroundPace.SlowestBytesPerSecond, 2 * BackgroundPace.SlowestBytesPerSecond);
    }

    [Fact]
    public void It_falls_while_commits_take_longer_than_usual_down_to_a_floor()
    {
        Usual(2);
        CatchUp(seconds: 5, commitMs: 4);
        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
        Assert.True(CatchUp(seconds: 10, commitMs: 4) >= 9 * BackgroundPace.SlowestBytesPerSecond / Chunk);
    }

    [Fact]
    public void It_rises_while_commits_take_what_they_usually_do()
    {
        Usual(2);
        CatchUp(seconds: 5, commitMs: 4);
        CatchUp(seconds: 10, commitMs: 2.1);
        Assert.True(_pace.BytesPerSecond > 4 * BackgroundPace.SlowestBytesPerSecond, $"{_pace.BytesPerSecond}");
    }

    /// <summary>A follower's sync is quicker than a commit, which would seem slow next to it.</summary>
    [Fact]
    public void What_a_follower_measured_is_not_held_against_a_leaders_commits()
    {
        Usual(2);
        for (var i = 0; i < 100; i++)
            _pace.Synced(TimeSpan.FromMilliseconds(0.3));
        CatchUp(seconds: 5, commitMs: 2);
        Assert.True(_pace.BytesPerSecond > 4 * BackgroundPace.SlowestBytesPerSecond, $"{_pace.BytesPerSecond}");
    }

    [Fact]
    public void It_falls_while_a_followers_syncs_take_longer_than_usual()
    {
        for (var i = 0; i < 100; i++)
            _pace.Synced(TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < 100; i++)
        {
            _ = _pace.Spend(Chunk);
            _pace.Synced(TimeSpan.FromMilliseconds(3));
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
    }

    /// <summary>Of a hundred commits seven wait behind what is sent: on average they take hardly longer.</summary>
    [Fact]
    public void It_falls_while_the_slowest_commits_take_longer_than_the_slowest_usually_do()
    {
        Usual(2);
        for (var i = 0; i < 1000; i++)
        {
            _pace.Committed(TimeSpan.FromMilliseconds(i % 14 == 0 ? 6 : 2));
            _ = _pace.Spend(Chunk);
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
    }

    [Fact]
    public void A_tail_as_long_as_it_usually_is_slows_nothing()
    {
        for (var i = 0; i < 1000; i++)
        {
            _pace.Committed(TimeSpan.FromMilliseconds(i % 14 == 0 ? 6 : 2));
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }

        for (var i = 0; i < 1000; i++)
        {
            _pace.Committed(TimeSpan.FromMilliseconds(i % 14 == 0 ? 6 : 2));
            _ = _pace.Spend(Chunk);
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.True(_pace.BytesPerSecond > 4 * BackgroundPace.SlowestBytesPerSecond, $"{_pace.BytesPerSecond}");
    }

    /// <summary>A follower's own syncs may be as quick as ever while what it sends takes the cores from others.</summary>
    [Theory]
    [InlineData(2, false)]
    [InlineData(4, true)]
    public void A_follower_goes_by_what_the_leader_tells_of_its_commits(double meanwhileMs, bool falls)
    {
        for (var i = 0; i < 400; i++)
        {
            if (i < 200 && i % 5 == 0)
                _pace.LeaderTold(TimeSpan.FromMilliseconds(2));
            if (i >= 200 && i % 5 == 0)
                _pace.LeaderTold(TimeSpan.FromMilliseconds(meanwhileMs));
            if (i >= 200)
                _ = _pace.Spend(Chunk);
            _pace.Synced(TimeSpan.FromMilliseconds(0.3));
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Equal(falls, _pace.BytesPerSecond == BackgroundPace.SlowestBytesPerSecond);
    }

    [Fact]
    public void The_leader_tells_of_its_commits_while_there_are_some()
    {
        Assert.Null(_pace.CommitsP95);
        Usual(2);
        Assert.Equal(TimeSpan.FromMilliseconds(2), _pace.CommitsP95);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_pace.CommitsP95);
        for (var i = 0; i < 100; i++)
            _pace.Synced(TimeSpan.FromMilliseconds(1));
        Assert.Null(_pace.CommitsP95);
    }

    /// <summary>Else a long catching up would make what it causes the measure of itself.</summary>
    [Fact]
    public void What_commits_take_meanwhile_never_becomes_the_usual()
    {
        Usual(2);
        CatchUp(seconds: 600, commitMs: 4);
        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
    }

    [Fact]
    public void All_links_together_keep_to_it()
    {
        Usual(2);
        CatchUp(seconds: 5, commitMs: 4);
        _time.Advance(TimeSpan.FromSeconds(2));
        var waits = Enumerable.Range(0, 3).Select(_ => _pace.Spend(Chunk / 2)).ToList();
        Assert.True(waits[0] > TimeSpan.Zero && waits[1] > waits[0] && waits[2] > waits[1], string.Join(", ", waits));
        Assert.Equal(TimeSpan.FromSeconds(1), _pace.Spend(1 << 30));
    }

    private void Usual(double commitMs)
    {
        for (var i = 0; i < 1000; i++)
        {
            _pace.Committed(TimeSpan.FromMilliseconds(commitMs));
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }
    }

    /// <summary>Sends chunks as a link does, with commits every 10 ms.</summary>
    /// <returns>How many were sent.</returns>
    private int CatchUp(int seconds, double? commitMs)
    {
        var sent = 0;
        var free = TimeSpan.Zero;
        for (var now = TimeSpan.Zero; now < TimeSpan.FromSeconds(seconds); now += TimeSpan.FromMilliseconds(10))
        {
            if (commitMs is { } ms)
                _pace.Committed(TimeSpan.FromMilliseconds(ms));
            for (; free <= now && sent < 1_000_000; sent++)
                free = now + _pace.Spend(Chunk) + TimeSpan.FromMilliseconds(1);
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }
        return sent;
    }
}
