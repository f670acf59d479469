using System.Globalization;
using System.Text;
using WolfScale.Bench.Setups;

namespace WolfScale.Bench.Proxying;

/// <summary>What one run of the proxies' comparison measures.</summary>
/// <param name="Seconds">Length of one measurement.</param>
/// <param name="Threads">Numbers of client threads, each measured for itself.</param>
/// <param name="Workloads">Of sysbench.</param>
/// <param name="Rounds">How often everything is repeated; the table shows medians.</param>
/// <param name="Directory">Folder for the servers; deleted at the end.</param>
/// <param name="BasePort">First of the ports used.</param>
/// <param name="WolfScale">The <c>wolfscale</c> program.</param>
internal sealed record ProxyOptions(
    int Seconds, IReadOnlyList<int> Threads, IReadOnlyList<string> Workloads, int Rounds, string Directory, int BasePort, string WolfScale);

/// <summary>A way to the same leader.</summary>
/// <param name="Name">Of the column.</param>
/// <param name="Target">Where sysbench connects.</param>
/// <param name="ProcessIds">The proxies on the way.</param>
internal sealed record Way(string Name, Target Target, IReadOnlyList<int> ProcessIds);

/// <summary>
/// One cluster, and four ways to its leader: directly, through HAProxy, through the leader's proxy, through a follower's. The ways take turns within a
/// round, and the order shifts, so that what the machine does meanwhile favours none. What was measured while the lead moved is measured again.
/// </summary>
internal sealed class ProxyComparison(ProxyOptions options, TextWriter progress)
{
    private const int Tables = 4;
    private const int TableRows = 10_000;
    private const int WarmUpSeconds = 3;
    private const int WarmUpThreads = 8;
    private const int MostMoves = 3;

    private readonly Sysbench _sysbench = new(Tables, TableRows, percentile: 50);
    private readonly List<(Way Way, string Workload, int Threads, Load Load, double CpuSeconds)> _results = [];
    private Way[] _ways = [];
    private HaProxy? _haProxy;

    public async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        var directory = Path.Combine(options.Directory, "cluster");
        await using var cluster = new WolfScaleDemo(directory, options.BasePort, options.WolfScale, 3, []);
        var direct = await cluster.StartAsync(cancellationToken);
        await _sysbench.PrepareAsync(direct, cancellationToken);
        try
        {
            FindWays(direct, cluster);
            return await MeasureAsync(cluster, cancellationToken);
        }
        finally
        {
            _haProxy?.Dispose();
        }
    }

    private void FindWays(Target leader, WolfScaleDemo cluster)
    {
        _haProxy?.Dispose();
        _haProxy = HaProxy.Start(options.Directory, options.BasePort + 90, leader);
        _ways =
        [
            new("direct", leader, []),
            new("haproxy", _haProxy.Target, [_haProxy.ProcessId]),
            new("leader", cluster.Proxies[0], [cluster.NodeIds[0]]),
            new("follower", cluster.Proxies[1], [cluster.NodeIds[0], cluster.NodeIds[1]]),
        ];
    }

    private async Task<string> MeasureAsync(WolfScaleDemo cluster, CancellationToken cancellationToken)
    {
        foreach (var way in _ways)
        {
            foreach (var workload in options.Workloads)
                _ = await _sysbench.RunAsync(workload, way.Target, WarmUpThreads, WarmUpSeconds, cancellationToken);
        }

        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var (workload, threads) in Rows)
            {
                for (var i = 0; i < _ways.Length; i++)
                {
                    var moves = 0;
                    while (!await TryMeasureAsync((i + round) % _ways.Length, workload, threads, cluster, cancellationToken))
                    {
                        if (++moves == MostMoves)
                            throw new InvalidOperationException($"The lead moved in each of {MostMoves} measurements of {workload}: the nodes' logs say why.");
                    }
                }
            }
        }

        return Report();
    }

    private IEnumerable<(string Workload, int Threads)> Rows => options.Workloads.SelectMany(_ => options.Threads, (w, t) => (w, t));

    /// <returns>False where the lead moved meanwhile: the ways are others now.</returns>
    private async Task<bool> TryMeasureAsync(int index, string workload, int threads, WolfScaleDemo cluster, CancellationToken cancellationToken)
    {
        await cluster.DrainAsync(cancellationToken);
        var way = _ways[index];
        var before = Cpu(way);
        var (load, fault) = await RunAsync(workload, way.Target, threads, cancellationToken);
        var cpu = Cpu(way) - before;
        if (await cluster.FindMovedAsync(cancellationToken) is { } leader)
        {
            await progress.WriteLineAsync($"  {workload,-18} {threads,3} threads  {way.Name,-9} the lead moved: measured again");
            FindWays(leader, cluster);
            return false;
        }

        if (load is null)
            throw fault!;
        _results.Add((way, workload, threads, load, cpu));
        await progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"  {workload,-18} {threads,3} threads  {way.Name,-9} {load.Tps,8:F0} tps  median {load.PercentileMs,6:F3} ms  {cpu / load.Statements * 1e5,6:F2} s of CPU per 100,000 statements"));
        return true;
    }

    private async Task<(Load? Load, Exception? Fault)> RunAsync(string workload, Target target, int threads, CancellationToken cancellationToken)
    {
        try
        {
            return (await _sysbench.RunAsync(workload, target, threads, options.Seconds, cancellationToken), null);
        }
        catch (InvalidOperationException e)
        {
            return (null, e);
        }
    }

    private static double Cpu(Way way) => ProcessorTime.Of(way.ProcessIds.Select(id => new Part("proxy", id))).Values.Sum();

    private string Report()
    {
        var text = new StringBuilder();
        Line(text, $"medians of {options.Rounds} round(s) of {options.Seconds} s; ratios to HAProxy in TCP mode; CPU of the proxies in seconds per 100,000 statements");
        Line(text, $"{"",-24}{string.Concat(_ways.Select(w => $"{w.Name,-24}"))}");
        foreach (var (workload, threads) in Rows)
        {
            var haProxy = Median("haproxy", workload, threads, r => r.Load.Tps);
            var cells = _ways.Select(w => string.Create(CultureInfo.InvariantCulture,
                $"{Median(w.Name, workload, threads, r => r.Load.Tps),7:F0} {Median(w.Name, workload, threads, r => r.Load.Tps) / haProxy,5:F2} {Median(w.Name, workload, threads, r => r.CpuSeconds / r.Load.Statements * 1e5),6:F2} s  "));
            Line(text, $"{$"{workload}, {threads}",-24}{string.Concat(cells)}");
        }

        _ = text.AppendLine();
        foreach (var aim in Aims())
            Line(text, $"{(aim.Met ? "met    " : "not met")}  {aim.Text,-64} {aim.Measured}");
        return text.ToString();
    }

    private IEnumerable<Aim> Aims()
    {
        foreach (var (workload, threads) in Rows)
        {
            var ratio = Ratio("leader", "haproxy", workload, threads);
            if (threads is 16 or 64 && workload is "oltp_point_select" or "oltp_read_only")
                yield return new Aim($"{workload}, {threads} threads: at least 0.9 of HAProxy", Text(ratio), ratio >= 0.9);
            if (threads == 1 && workload == "oltp_point_select")
            {
                var added = 1000 * (Median("leader", workload, 1, r => r.Load.MeanMs) - Median("direct", workload, 1, r => r.Load.MeanMs));
                var medians = 1000 * (Median("leader", workload, 1, r => r.Load.PercentileMs) - Median("direct", workload, 1, r => r.Load.PercentileMs)); // sysbench tells them to 10 us
                yield return new Aim($"{workload}, 1 thread: less than 60 us over the direct way (means)", string.Create(CultureInfo.InvariantCulture, $"{added:F0} us; medians {medians:F0} us"), added < 60);
            }

            if (workload == "oltp_read_write" && Ratio("follower", "leader", workload, threads) is var through)
                yield return new Aim($"{workload}, {threads} threads: follower's proxy at least 0.8 of the leader's", Text(through), through >= 0.8);
        }
    }

    private double Ratio(string way, string other, string workload, int threads) =>
        Median(way, workload, threads, r => r.Load.Tps) / Median(other, workload, threads, r => r.Load.Tps);

    private double Median(string way, string workload, int threads, Func<(Way Way, string Workload, int Threads, Load Load, double CpuSeconds), double> value) =>
        Cell.Median(_results.Where(r => r.Way.Name == way && r.Workload == workload && r.Threads == threads).Select(value));

    private static string Text(double ratio) => ratio.ToString("F2", CultureInfo.InvariantCulture);

    private static void Line(StringBuilder text, FormattableString line) => _ = text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
