using Microsoft.Extensions.Time.Testing;
using WolfScale.Client;
using WolfScale.Server.Metrics;
using WolfScale.Wal;

namespace WolfScale.Unit.Server;

/// <summary><c>GET /stats</c>: rates and latencies of the last seconds.</summary>
public sealed class NodeStatsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly LatencyHistogram _commits = new();
    private readonly LatencyHistogram _syncs = new();
    private long _count;

    [Fact]
    public void Rates_and_latencies_are_those_of_the_last_seconds_and_not_of_the_whole_life()
    {
        var recent = new RecentFigures(Take, _time);
        for (var second = 0; second < 30; second++)
        {
            // A slow past, and a quick present.
            var (transactions, took) = second < 15 ? (1000, 100) : (50, 2);
            for (var i = 0; i < transactions; i++)
                _commits.Record(TimeSpan.FromMilliseconds(took));
            _count += transactions;
            _time.Advance(TimeSpan.FromSeconds(1));
            recent.Note();
        }

        var (before, now) = recent.Look();
        var stats = NodeStats.Make(Report("LEADER"), before, now, waiting: 3, _time);

        Assert.Equal(RecentFigures.Seconds - 1, stats.OverSeconds);
        Assert.Equal((50, 3), (stats.Leading!.TransactionsPerSecond, stats.Leading.Waiting));
        Assert.InRange(stats.Leading.Commits.P99Ms!.Value, 2, 2.3);
        Assert.Equal((50, 7, 50, 25, 5), (stats.EntriesPerSecond, stats.Proxy!.Sessions, stats.Proxy.StatementsPerSecond, stats.Proxy.LocalReadsPerSecond, stats.Proxy.ConnectionsPerSecond));
    }

    [Fact]
    public void What_there_was_none_of_is_null_and_only_a_leader_leads()
    {
        var recent = new RecentFigures(Take, _time);
        var (before, now) = recent.Look();
        var stats = NodeStats.Make(Report("FOLLOWER"), before, now, waiting: 0, _time);

        Assert.Null(stats.Leading);
        Assert.Equal(new TimesStats(0, null, null, null), stats.LogSyncs);
        Assert.Equal(0, stats.EntriesPerSecond);
    }

    private Figures Take() => new(_time.GetTimestamp(), _count, _count, _count * 100, null, null, _commits.Copy(), _syncs.Copy(), _count, _count / 2, _count / 10);

    private static NodeReport Report(string role) => new() { Id = "n1", Mode = "consistent", Role = role, Version = "1", StartedAt = DateTimeOffset.UnixEpoch, Pid = 1, ProxySessions = 7 };
}
