using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using WolfScale.MariaDb;
using WolfScale.Protocol;
using WolfScale.Proxy.Routing;
using WolfScale.Server.Tracing;

namespace WolfScale.Unit.Server;

/// <summary>The spans of a write follow one another without a gap, from the client's command to its OK.</summary>
public sealed class WriteTracingTests : IAsyncDisposable
{
    private static readonly Gtid Written = new(0, 1, 42);

    private readonly FakeTimeProvider _time = new();
    private readonly WriteTracing _tracing;
    private readonly ActivityListener _listener;
    private readonly ConcurrentQueue<Activity> _ended = new();

    public WriteTracingTests()
    {
        _tracing = new WriteTracing("node-1", _time);
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == WriteTracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    [Fact]
    public async Task The_stages_add_up_to_the_whole()
    {
        _tracing.Trail.Note(Written.Sequence, new CommitSteps(Ticks(1300), Ticks(1350), Ticks(2100)));
        var spans = await TraceAsync(new WriteTimes(Written, 1000, 1010, 2400, 2450));

        Assert.Equal(["route 10", "execute 290", "capture 50", "quorum 750", "commit 300", "gate 50", "wolfscale.write 1450"], spans.Select(s => $"{s.OperationName} {s.Duration.TotalMicroseconds:0}"));
        var root = spans[^1];
        Assert.Equal(root.StartTimeUtc, spans[0].StartTimeUtc);
        Assert.All(spans[..^1].Zip(spans[1..^1]), pair => Assert.Equal(pair.First.StartTimeUtc + pair.First.Duration, pair.Second.StartTimeUtc));
        Assert.All(spans[..^1], s => Assert.Equal((root.TraceId, root.SpanId), (s.TraceId, s.ParentSpanId)));
        Assert.Equal(("0-1-42", "node-1"), (root.GetTagItem("wolfscale.gtid"), root.GetTagItem("wolfscale.node")));
    }

    /// <summary>Where neighbours in the queue of commits were merged, or so many came meanwhile that its stages are forgotten.</summary>
    [Fact]
    public async Task A_commit_whose_stages_are_not_known_has_one_span_for_all_of_them()
    {
        var spans = await TraceAsync(new WriteTimes(Written, 1000, 1010, 2400, 2450));
        Assert.Equal(["route 10", "execute 1390", "gate 50", "wolfscale.write 1450"], spans.Select(s => $"{s.OperationName} {s.Duration.TotalMicroseconds:0}"));
    }

    /// <summary>Another leader has used the same number: its stages were at other times.</summary>
    [Fact]
    public async Task Stages_of_another_time_are_not_this_writes()
    {
        _tracing.Trail.Note(Written.Sequence, new CommitSteps(Ticks(300), Ticks(350), Ticks(900)));
        var spans = await TraceAsync(new WriteTimes(Written, 1000, 1010, 2400, 2450));
        Assert.DoesNotContain(spans, s => s.OperationName == "quorum");
    }

    public async ValueTask DisposeAsync()
    {
        await _tracing.DisposeAsync();
        _listener.Dispose();
    }

    private async Task<Activity[]> TraceAsync(WriteTimes times)
    {
        _tracing.Passed(times);
        await _tracing.DisposeAsync();
        return [.. _ended];
    }

    private long Ticks(long microseconds) => microseconds * (_time.TimestampFrequency / 1_000_000);
}
