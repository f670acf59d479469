using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using WolfScale.Client.Doctor;
using WolfScale.Cluster.History;
using WolfScale.Server.Http;

namespace WolfScale.Server.Dashboard;

/// <summary>
/// Makes one picture of the cluster for all who look, every second and at once when the topology changes.
/// <code>
///   a second has passed ─▶ 1 the charts' next point
///   … or the topology is another, or somebody has come ─▶ 2 does anybody look? ─▶ 3 ask the others (not waited for) ─▶ 4 picture ─▶ each viewer at its own pace
/// </code>
/// A viewer takes the newest picture when its connection has room: one that does not read holds nothing but its connection.
/// </summary>
/// <param name="source">This node.</param>
/// <param name="others">The other members.</param>
/// <param name="events">This node's history.</param>
/// <param name="verification">The comparison that was asked for here.</param>
/// <param name="timing">How soon a lost leader is missed.</param>
/// <param name="time">The clock.</param>
internal sealed class DashboardFeed(
    IDashboardSource source, OtherNodes others, EventHistory events, Func<VerificationProgress?> verification, Timing timing, TimeProvider time)
{
    /// <summary>Each holds a connection for as long as its page is open.</summary>
    public const int MaxViewers = 32;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ChartRecorder _recorder = new(time);
    private readonly ClusterHistory _history = new(events);
    private readonly Lock _lock = new();
    private TaskCompletionSource _next = New();
    private TaskCompletionSource _nudge = New();
    private Frame _frame = new(0, default, new ToldHistory(0, default));
    private Task _asking = Task.CompletedTask;
    private string _outline = "";
    private int _viewers;

    public int Viewers => Volatile.Read(ref _viewers);

    /// <summary>The last minutes, oldest first.</summary>
    public IReadOnlyList<DashboardPoint> Points => _recorder.Kept;

    /// <summary>What this node tells of itself, and of its history what came after this event.</summary>
    public DashboardNode Own(long since) => new(source.Report with { Nodes = [] }, source.Stats with { Nodes = [] }, _recorder.Last) { Events = _history.Own(since) };

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            var tick = timer.WaitForNextTickAsync(stopping).AsTask();
            while (true)
            {
                var nudge = _nudge;
                if (await Task.WhenAny(tick, nudge.Task) == tick)
                {
                    _ = await tick;
                    tick = timer.WaitForNextTickAsync(stopping).AsTask();
                    Note();                                                                 // 1
                }
                else
                {
                    _ = Interlocked.CompareExchange(ref _nudge, New(), nudge);
                }

                if (Viewers == 0)                                                           // 2
                {
                    Rest();
                    continue;
                }

                if (_asking.IsCompleted)
                    _asking = AskAsync(stopping);                                           // 3
                Publish();                                                                  // 4
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }

        await _asking;
    }

    /// <summary>What cannot be read now (a state file on a full disk) is missing in the charts, and tried again.</summary>
    private void Note()
    {
        try
        {
            _recorder.Note(source.Report, source.Figures, others.Now.Answers);
        }
        catch (Exception e) when (e is Microsoft.Data.Sqlite.SqliteException or IOException)
        {
            // The next second again.
        }
    }

    /// <summary>The cluster's view may have changed. Cheap, and does nothing where a person would see no difference.</summary>
    public void Look()
    {
        if (Viewers == 0)
            return;
        var report = source.Report;
        var outline = string.Join(';', report.Nodes.Select(n => $"{n.Id} {n.Role} {n.Status} {n.Voter} {n.Reason}").Prepend(
            string.Create(CultureInfo.InvariantCulture, $"{report.Leader} {report.Term} {report.AcceptsWrites} {report.Maintenance} {report.Failure}")));
        if (Interlocked.Exchange(ref _outline, outline) != outline)
            Nudge();
    }

    /// <summary>A picture now, not at the next second.</summary>
    public void Nudge() => Volatile.Read(ref _nudge).TrySetResult();

    /// <summary>Somebody looks from now on.</summary>
    /// <returns>False: too many do already.</returns>
    public bool TryJoin()
    {
        if (Interlocked.Increment(ref _viewers) > MaxViewers)
        {
            Leave();
            return false;
        }

        Nudge();
        return true;
    }

    public void Leave() => Interlocked.Decrement(ref _viewers);

    /// <summary>The newest picture after this one.</summary>
    public async Task<Frame> NextAsync(long after, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (_frame.Number > after && !_frame.Json.IsEmpty)
                    return _frame;
                more = _next.Task;
            }

            await more.WaitAsync(cancellationToken);
        }
    }

    private async Task AskAsync(CancellationToken stopping)
    {
        var before = others.Now;
        try
        {
            await others.AskAsync(source.Report, stopping);
        }
        catch (OperationCanceledException)
        {
            return; // the node stops
        }

        if (others.Now.Differs(before))
            Nudge();
    }

    /// <summary>Nobody looks: what was known grows old, and is shown to nobody who comes.</summary>
    private void Rest()
    {
        if (_asking.IsCompleted)
            others.Forget();
        lock (_lock)
            _frame = _frame with { Json = default };
    }

    private void Publish()
    {
        var number = _frame.Number + 1;
        var json = JsonSerializer.SerializeToUtf8Bytes(Take(number), ApiJson.Readable.DashboardSnapshot);
        var history = _history.Look(others.Now.Events);
        TaskCompletionSource waiting;
        lock (_lock)
        {
            _frame = new Frame(number, json, history);
            (waiting, _next) = (_next, New());
        }

        _ = waiting.TrySetResult();
    }

    private DashboardSnapshot Take(long number)
    {
        var report = source.Report;
        var heard = others.Now;
        var cluster = StatusEndpoints.Cluster(report);
        ImmutableArray<DashboardNode> nodes = [new(report with { Nodes = [] }, source.Stats with { Nodes = [] }, _recorder.Last), .. heard.Answers];
        var examined = new Examined(cluster, [.. nodes.Select(n => n.Status)], heard.Silent, timing);
        var findings = Findings.Of(examined);
        var doctor = new DoctorDocument(cluster.ClusterName, cluster.Leader, findings.All(f => f.Severity == DoctorSeverity.Remark), findings, Deaths.Foresee(examined));
        return new DashboardSnapshot(number, time.GetUtcNow(), cluster, nodes, heard.Silent, doctor, _recorder.Last, verification());
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A picture as it is sent.</summary>
/// <param name="Number">Rises by one.</param>
/// <param name="Json">The <see cref="DashboardSnapshot"/>.</param>
/// <param name="History">What happened, as far as it was known then.</param>
internal sealed record Frame(long Number, ReadOnlyMemory<byte> Json, ToldHistory History);
