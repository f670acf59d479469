using Microsoft.Extensions.Time.Testing;
using WolfScale.Client;
using WolfScale.Server.Dashboard;
using WolfScale.Server.Metrics;
using WolfScale.Wal;

namespace WolfScale.Unit.Server;

/// <summary>The charts' points: what a second held, and no more.</summary>
public sealed class ChartRecorderTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);
    private readonly LatencyHistogram _capture = new();
    private readonly LatencyHistogram _quorum = new();
    private readonly LatencyHistogram _total = new();
    private readonly LatencyHistogram _syncs = new();
    private readonly ChartRecorder _recorder;
    private long _commit;

    public ChartRecorderTests() => _recorder = new ChartRecorder(_time);

    [Fact]
    public void The_two_stages_add_up_to_what_a_commit_took()
    {
        Note("LEADER", commits: 100, captureMs: 1, quorumMs: 3); // a past that counts no more
        Note("LEADER", commits: 100, captureMs: 90, quorumMs: 900);
        Note("LEADER", commits: 50, captureMs: 1, quorumMs: 3);

        var point = _recorder.Last!;
        Assert.Equal((50, 1, 3), (point.CommitsPerSecond, point.CaptureMs, point.QuorumMs));
        Assert.InRange(point.CommitP95Ms!.Value, 4, 4.5); // a histogram's buckets
        Assert.Equal(2, point.SyncMs);
    }

    [Fact]
    public void Of_a_second_without_commits_there_are_no_times()
    {
        Note("LEADER", commits: 10, captureMs: 1, quorumMs: 3);
        Note("LEADER", commits: 0, captureMs: 0, quorumMs: 0);
        var point = _recorder.Last!;
        Assert.Equal((0.0, null, null, null), (point.CommitsPerSecond, point.CaptureMs, point.QuorumMs, point.CommitP95Ms));
    }

    [Fact]
    public void A_follower_shows_the_leaders_times_when_it_has_asked_and_none_else()
    {
        Note("FOLLOWER", commits: 5, captureMs: 0, quorumMs: 0);
        Note("FOLLOWER", commits: 5, captureMs: 0, quorumMs: 0);
        Assert.Null(_recorder.Last!.QuorumMs);

        var told = new DashboardPoint(0, 5, 1.5, 2.5, 9, 0.5, []);
        Note("FOLLOWER", commits: 5, captureMs: 0, quorumMs: 0, new DashboardNode(Report("LEADER") with { Id = "node-2", ProxySessions = 12 }, null!, told));
        Assert.Equal((1.5, 2.5, 9, 0.5), (_recorder.Last!.CaptureMs, _recorder.Last.QuorumMs, _recorder.Last.CommitP95Ms, _recorder.Last.SyncMs));
        Assert.Equal<(string, long?, int)>([("node-1", 7, 3), ("node-2", null, 12)], _recorder.Last.Nodes.Select(n => (n.Id, n.LagEntries, n.Sessions!.Value))); // a leader does not lag
    }

    [Fact]
    public void A_commit_LSN_that_falls_is_no_negative_rate()
    {
        Note("LEADER", commits: 10, captureMs: 1, quorumMs: 1);
        _commit -= 20; // mode available
        Note("LEADER", commits: 0, captureMs: 1, quorumMs: 1);
        Assert.Equal(0, _recorder.Last!.CommitsPerSecond);
    }

    [Fact]
    public void Minutes_are_kept_and_not_more()
    {
        for (var second = 0; second < ChartRecorder.Seconds + 10; second++)
            Note("LEADER", commits: 1, captureMs: 1, quorumMs: 1);
        Assert.Equal(ChartRecorder.Seconds, _recorder.Kept.Count);
        Assert.Equal(_time.GetUtcNow().ToUnixTimeMilliseconds(), _recorder.Kept[^1].AtMs);
        Assert.Equal(1000, _recorder.Kept[1].AtMs - _recorder.Kept[0].AtMs);
    }

    private static NodeReport Report(string role) => new()
    {
        Id = "node-1", Mode = "consistent", Role = role, Leader = role == "LEADER" ? "node-1" : "node-2", Version = "0", StartedAt = DateTimeOffset.UnixEpoch, Pid = 1, ProxySessions = 3,
        Nodes = [new MemberReport { Id = "node-1", LagEntries = 7 }, new MemberReport { Id = "node-2", LagEntries = 0 }],
    };

    private void Note(string role, int commits, int captureMs, int quorumMs, params DashboardNode[] others)
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        _commit += commits;
        for (var i = 0; i < commits; i++)
        {
            _capture.Record(TimeSpan.FromMilliseconds(captureMs));
            _quorum.Record(TimeSpan.FromMilliseconds(quorumMs));
            _total.Record(TimeSpan.FromMilliseconds(captureMs + quorumMs));
            _syncs.Record(TimeSpan.FromMilliseconds(2));
        }

        _recorder.Note(
            Report(role), new Figures(_time.GetTimestamp(), _commit, 0, 0, _capture.Copy(), _quorum.Copy(), _total.Copy(), _syncs.Copy(), 0, 0, 0), [.. others]);
    }
}
