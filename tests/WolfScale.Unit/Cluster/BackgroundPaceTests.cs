using Microsoft.Extensions.Time.Testing;
using WolfScale.Cluster;
using WolfScale.Cluster.Transport;

namespace WolfScale.Unit.Cluster;

/// <summary>Catching up and copies take what commits leave over, and never so little that they do not end.</summary>
public class BackgroundPaceTests
{
    private const int Piece = 64 << 10;
    private const double UsualMs = 2;
    private const double MegabytesPerSecond = 1 << 20;

    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly BackgroundPace _pace;
    private readonly Random _random = new(4);
    private TimeSpan _now;
    private TimeSpan _free;

    public BackgroundPaceTests() => _pace = new BackgroundPace(_time, Heartbeat);

    [Fact]
    public void Without_commits_it_is_as_fast_as_it_is_taken()
    {
        Send(seconds: 5, commit: null);
        Assert.True(Sent(seconds: 1, commit: null) > 50 * MegabytesPerSecond);
        Assert.InRange(_pace.Spend(Piece), TimeSpan.Zero, Tick);
    }

    [Fact]
    public void It_begins_slowly_each_time()
    {
        Send(seconds: 5, commit: null);
        _time.Advance(TimeSpan.FromSeconds(6));
        _ = _pace.Spend(Piece);
        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
    }

    /// <summary>Nothing is heard of it, and that is not to mean that there is nothing to spare for: this leader knows, and another's heartbeat says it.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_commit_that_is_stuck_is_not_taken_for_none(bool waitsHere, bool told)
    {
        Usual();
        for (var i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            if (told)
                _pace.LeaderTold("", new CommitTimes([]));
            for (var piece = 0; piece < 8; piece++) // 5 MiB/s: the pace is reached
                _ = _pace.Spend(Piece, waitsHere);
        }

        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
    }

    [Fact]
    public void It_falls_while_commits_take_longer_than_usual_down_to_a_floor_at_which_it_ends()
    {
        Usual();
        Send(seconds: 5, commit: _ => 1.4 * UsualMs);
        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
        Assert.InRange(Sent(seconds: 10, commit: _ => 1.4 * UsualMs), 0.95 * BackgroundPace.SlowestBytesPerSecond, 1.05 * BackgroundPace.SlowestBytesPerSecond);
    }

    [Fact]
    public void It_rises_while_commits_take_what_they_usually_do()
    {
        Usual();
        Send(seconds: 5, commit: _ => 2 * UsualMs);
        Send(seconds: 20, commit: _ => 1.1 * UsualMs);
        Assert.True(_pace.BytesPerSecond > 4 * BackgroundPace.SlowestBytesPerSecond, $"{_pace.BytesPerSecond}");
    }

    /// <summary>
    /// The faster the sender, the more commits wait behind what it sends; up to 8 MiB/s fewer than one in twenty. On average they take hardly longer at any pace: the tail is what counts.
    /// </summary>
    [Theory]
    [InlineData(10)]
    [InlineData(50)]
    [InlineData(1000)]
    public void It_comes_to_rest_where_one_commit_in_twenty_takes_longer_than_is_allowed(int commitsPerSecond)
    {
        Usual();
        var took = new List<double>();
        double Commit(double pace)
        {
            took.Add(_random.NextDouble() < 0.05 * pace / (8 * MegabytesPerSecond) ? 3 * UsualMs : UsualMs);
            return took[^1];
        }

        Send(seconds: 120, Commit, commitsPerSecond);
        took.Clear();
        var sent = Sent(seconds: 600, Commit, commitsPerSecond);
        Assert.InRange(took.Count(ms => ms > UsualMs) / (double)took.Count, 0.04, 0.06);
        Assert.InRange(sent, 6 * MegabytesPerSecond, 10 * MegabytesPerSecond);
    }

    /// <summary>What is sent now shows in commits a while later: it does not run away in between.</summary>
    [Fact]
    public void However_many_commits_there_are_it_rises_no_faster_than_by_a_hundred_a_second()
    {
        Usual();
        Send(seconds: 5, commit: _ => UsualMs, commitsPerSecond: 1000);
        Assert.InRange(_pace.BytesPerSecond, 8 * BackgroundPace.SlowestBytesPerSecond, 13 * BackgroundPace.SlowestBytesPerSecond);
    }

    [Fact]
    public void A_tail_as_long_as_it_usually_is_slows_nothing()
    {
        var commits = 0;
        double Commit(double pace) => ++commits % 14 == 0 ? 3 * UsualMs : UsualMs;
        Usual(Commit);
        Send(seconds: 20, Commit);
        Assert.True(_pace.BytesPerSecond > 4 * BackgroundPace.SlowestBytesPerSecond, $"{_pace.BytesPerSecond}");
    }

    /// <summary>A follower's own part in a commit may be as quick as ever while what it sends takes the cores from others.</summary>
    [Theory]
    [InlineData(1.1, false)]
    [InlineData(2, true)]
    public void A_follower_goes_by_what_the_leader_tells_of_its_commits(double meanwhile, bool falls)
    {
        for (var i = 0; i < 20; i++)
            Told("node-1", UsualMs);
        _time.Advance(TimeSpan.FromSeconds(20));
        for (var i = 0; i < 40; i++)
        {
            Send(seconds: 0.5, commit: null);
            Told("node-1", meanwhile * UsualMs);
        }

        Assert.Equal(falls, _pace.BytesPerSecond == BackgroundPace.SlowestBytesPerSecond);
    }

    /// <summary>
    /// A leader of an earlier version tells nothing of its commits. That its log grows, or waits for its quorum, its heartbeats say; without either there is nothing to spare, and one that tells is
    /// believed.
    /// </summary>
    [Theory]
    [InlineData(true, false, false, true)]
    [InlineData(false, true, false, true)]
    [InlineData(false, false, false, false)]
    [InlineData(true, false, true, false)]
    public void A_leader_that_does_not_tell_of_its_commits_is_spared_them(bool commits, bool waits, bool tells, bool slowest)
    {
        for (var i = 0; tells && i < 20; i++)
            Told("node-1", UsualMs);
        _time.Advance(TimeSpan.FromSeconds(20));
        for (var i = 0; i < 40; i++)
        {
            _pace.LeaderStands("node-1", commitLsn: commits ? 100 + i : 100, lastLsn: commits ? 100 + i : waits ? 101 : 100);
            if (tells)
                Told("node-1", UsualMs);
            Send(seconds: 0.5, commit: null);
        }

        Assert.Equal(slowest, _pace.BytesPerSecond == BackgroundPace.SlowestBytesPerSecond);
        Assert.True(slowest || _pace.BytesPerSecond > 4 * BackgroundPace.SlowestBytesPerSecond, $"{_pace.BytesPerSecond}");
    }

    /// <summary>That another one's log is longer is no commit.</summary>
    [Fact]
    public void A_new_leader_that_is_idle_slows_nothing()
    {
        for (var i = 0; i < 20; i++)
        {
            _pace.LeaderStands(i % 2 == 0 ? "node-1" : "node-2", commitLsn: 100 + i, lastLsn: 100 + i);
            Send(seconds: 0.5, commit: null);
        }

        Assert.True(_pace.BytesPerSecond > 4 * BackgroundPace.SlowestBytesPerSecond, $"{_pace.BytesPerSecond}");
    }

    /// <summary>One leader's disk and network are not another's.</summary>
    [Fact]
    public void What_one_leaders_commits_took_is_not_held_against_anothers()
    {
        for (var i = 0; i < 20; i++)
            Told("node-1", UsualMs);
        for (var i = 0; i < 40; i++)
        {
            Send(seconds: 0.5, commit: null);
            Told("node-2", 5 * UsualMs);
        }

        Assert.True(_pace.BytesPerSecond > 2 * BackgroundPace.SlowestBytesPerSecond, $"{_pace.BytesPerSecond}");
    }

    [Fact]
    public void The_leader_tells_of_its_commits_once()
    {
        Assert.Empty(_pace.TakeCommits());
        _pace.Committed(TimeSpan.FromMilliseconds(2));
        _pace.Committed(TimeSpan.FromMilliseconds(3));
        Assert.Equal([2, 3], _pace.TakeCommits().Select(t => t.TotalMilliseconds));
        Assert.Empty(_pace.TakeCommits());
    }

    [Theory]
    [InlineData(64, 1)]
    [InlineData(65, 2)]
    [InlineData(1000, 16)]
    public void Of_many_commits_it_tells_of_some_from_all_of_the_time(int commits, int every)
    {
        var sample = new DurationSample();
        for (var i = 0; i < commits; i++)
            sample.Add(TimeSpan.FromTicks(i));
        Assert.Equal(Enumerable.Range(0, commits).Where(i => i % every == 0), sample.Take().Select(t => (int)t.Ticks));
    }

    /// <summary>Else a long catching up would make what it causes the measure of itself.</summary>
    [Fact]
    public void What_commits_take_meanwhile_and_right_after_it_never_becomes_the_usual()
    {
        Usual();
        for (var i = 0; i < 10; i++)
        {
            Send(seconds: 60, commit: _ => 2 * UsualMs);
            Commits(seconds: 9, _ => 2 * UsualMs);
        }

        Send(seconds: 20, commit: _ => 2 * UsualMs);
        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
    }

    [Fact]
    public void Where_nothing_is_known_what_commits_take_at_the_slowest_pace_is_the_usual()
    {
        Send(seconds: 5, commit: null);
        Send(seconds: 1, commit: _ => UsualMs);
        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
        Send(seconds: 20, commit: _ => UsualMs);
        Assert.True(_pace.BytesPerSecond > 4 * BackgroundPace.SlowestBytesPerSecond, $"{_pace.BytesPerSecond}");
        Send(seconds: 10, commit: _ => 2 * UsualMs);
        Assert.Equal(BackgroundPace.SlowestBytesPerSecond, _pace.BytesPerSecond);
    }

    /// <summary>Else it would have to fall for long before the first byte less is sent.</summary>
    [Fact]
    public void A_pace_that_the_receiver_does_not_reach_is_not_raised()
    {
        Usual();
        Send(seconds: 60, commit: _ => UsualMs, takenIn: TimeSpan.FromMilliseconds(10));
        Assert.InRange(_pace.BytesPerSecond, 5 * MegabytesPerSecond, 16 * MegabytesPerSecond);
    }

    [Fact]
    public void It_is_even_who_comes_late_has_one_piece_at_once_and_no_more()
    {
        Usual();
        Send(seconds: 5, commit: _ => 2 * UsualMs);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, _pace.Spend(Piece));
        Assert.Equal(TimeSpan.FromSeconds((double)Piece / BackgroundPace.SlowestBytesPerSecond), _pace.Spend(Piece));
    }

    [Fact]
    public void All_links_together_keep_to_it()
    {
        Usual();
        Send(seconds: 5, commit: _ => 2 * UsualMs);
        var waits = Enumerable.Range(0, 3).Select(_ => _pace.Spend(1 << 20)).ToList();
        Assert.True(waits[1] > waits[0] && waits[2] > waits[1], string.Join(", ", waits));
        Assert.Equal(TimeSpan.FromSeconds(1), _pace.Spend(1 << 30));
    }

    private void Usual(Func<double, double>? commit = null) => Commits(seconds: 20, commit ?? (_ => UsualMs));

    private void Told(string leader, double commitMs) => _pace.LeaderTold(leader, new CommitTimes([.. Enumerable.Repeat(TimeSpan.FromMilliseconds(commitMs), 25)]));

    private void Commits(int seconds, Func<double, double> commit)
    {
        for (var i = 0; i < seconds * 50; i++)
        {
            _pace.Committed(TimeSpan.FromMilliseconds(commit(0)));
            _time.Advance(TimeSpan.FromMilliseconds(20));
        }
    }

    private double Sent(int seconds, Func<double, double>? commit, int commitsPerSecond = 50) => Send(seconds, commit, commitsPerSecond) / seconds;

    /// <summary>Sends pieces as a copy does, while there are commits.</summary>
    /// <param name="seconds">For so long.</param>
    /// <param name="commit">What one takes, in milliseconds, by the pace in bytes/s; null for none.</param>
    /// <param name="commitsPerSecond">So many of them.</param>
    /// <param name="takenIn">How long the receiver takes for a piece.</param>
    /// <returns>Bytes sent.</returns>
    private double Send(double seconds, Func<double, double>? commit, int commitsPerSecond = 50, TimeSpan takenIn = default)
    {
        var sent = 0L;
        var interval = TimeSpan.FromSeconds(1.0 / commitsPerSecond);
        var next = _now;
        for (var until = _now + TimeSpan.FromSeconds(seconds); _now < until; _now += Tick)
        {
            for (; commit is not null && next <= _now; next += interval)
                _pace.Committed(TimeSpan.FromMilliseconds(commit(_pace.BytesPerSecond)));
            if (_free <= _now)
            {
                sent += Piece;
                _free = _now + _pace.Spend(Piece) + takenIn;
            }

            _time.Advance(Tick);
        }

        return sent;
    }
}
