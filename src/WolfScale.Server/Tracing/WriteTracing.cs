using System.Diagnostics;
using System.Threading.Channels;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using WolfScale.MariaDb;
using WolfScale.Proxy.Routing;

namespace WolfScale.Server.Tracing;

/// <summary>
/// OpenTelemetry traces of writes, sent over OTLP where the standard's environment variables say so. One trace for a write that came through the leader's proxy, and its spans follow one
/// another without a gap:
/// <code>
///   wolfscale.write ├─ route ─┼─ execute ─┼─ capture ─┼─ quorum ─┼─ commit ─┼─ gate ─┤
///                 arrived    sent   in the binlog   proposed   a majority   OK      OK to the client
/// </code>
/// Threads that commits pass put four numbers into a bounded queue; spans are made elsewhere. What does not fit is not traced.
/// </summary>
internal sealed class WriteTracing : IWriteTraces, IAsyncDisposable
{
    /// <summary>The name under which spans are made; tests listen to it.</summary>
    public const string SourceName = "WolfScale";

    private const int Queued = 4096;

    private readonly ActivitySource _source = new(SourceName);
    private readonly Channel<WriteTimes> _queue = Channel.CreateBounded<WriteTimes>(new BoundedChannelOptions(Queued) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly string _node;
    private readonly TimeProvider _time;
    private readonly TracerProvider? _provider;
    private readonly Task _making;

    internal WriteTracing(string node, TimeProvider time, TracerProvider? provider = null)
    {
        (_node, _time, _provider) = (node, time, provider);
        _making = Task.Run(MakeAsync);
    }

    /// <summary>The stages between server and quorum.</summary>
    public CommitTrail Trail { get; } = new();

    /// <summary>Where OTEL_EXPORTER_OTLP_ENDPOINT, or the one for traces alone, is set; null elsewhere. Protocol, headers, sampler and the like come from the standard's variables too.</summary>
    public static WriteTracing? FromEnvironment(string node, string cluster, string version, TimeProvider time)
    {
        if (!IsSet("OTEL_EXPORTER_OTLP_ENDPOINT") && !IsSet("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
            return null;
        var provider = Sdk.CreateTracerProviderBuilder()
            .AddSource(SourceName)
            .ConfigureResource(resource => resource
                .AddService("wolfscale", serviceNamespace: cluster.Length > 0 ? cluster : null, serviceVersion: version, autoGenerateServiceInstanceId: false, serviceInstanceId: node)
                .AddEnvironmentVariableDetector())
            .AddOtlpExporter()
            .Build();
        return new WriteTracing(node, time, provider);
    }

    public void Passed(in WriteTimes times) => _queue.Writer.TryWrite(times);

    public async ValueTask DisposeAsync()
    {
        _ = _queue.Writer.TryComplete();
        await _making;
        _provider?.Dispose(); // sends what is left
        _source.Dispose();
    }

    private static bool IsSet(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 };

    private async Task MakeAsync()
    {
        await foreach (var write in _queue.Reader.ReadAllAsync(CancellationToken.None))
            Make(write);
    }

    private void Make(in WriteTimes write)
    {
        // One clock never jumps and the other is the world's: they are held together once for each trace.
        var (nowUtc, nowUs) = (_time.GetUtcNow().UtcDateTime, Microseconds(_time.GetTimestamp()));
        DateTime At(long us) => nowUtc.AddTicks((us - nowUs) * TimeSpan.TicksPerMicrosecond);
        using var root = _source.StartActivity("wolfscale.write", ActivityKind.Server, default(ActivityContext), startTime: At(write.ArrivedUs));
        if (root is null)
            return; // not sampled
        root.SetTag("db.system.name", "mariadb").SetTag("wolfscale.gtid", write.Gtid.ToString()).SetTag("wolfscale.node", _node);
        Span(root, "route", At(write.ArrivedUs), At(write.SentUs));
        if (Trail.TryFind(write.Gtid.Sequence, out var steps) && Microseconds(steps.Arrived) is var inBinlog && inBinlog >= write.SentUs && Microseconds(steps.Released) <= write.AnsweredUs)
        {
            Span(root, "execute", At(write.SentUs), At(inBinlog));
            Span(root, "capture", At(inBinlog), At(Microseconds(steps.Proposed)));
            Span(root, "quorum", At(Microseconds(steps.Proposed)), At(Microseconds(steps.Released)));
            Span(root, "commit", At(Microseconds(steps.Released)), At(write.AnsweredUs));
        }
        else
        {
            Span(root, "execute", At(write.SentUs), At(write.AnsweredUs)); // its group was released with a later one's
        }

        Span(root, "gate", At(write.AnsweredUs), At(write.PassedUs));
        root.SetEndTime(At(write.PassedUs));
    }

    private void Span(Activity root, string name, DateTime from, DateTime until)
    {
        using var span = _source.StartActivity(name, ActivityKind.Internal, root.Context, startTime: from);
        _ = span?.SetEndTime(until);
    }

    private long Microseconds(long timestamp) => timestamp / (_time.TimestampFrequency / 1_000_000);
}
