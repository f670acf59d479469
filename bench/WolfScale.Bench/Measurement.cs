namespace WolfScale.Bench;

/// <summary>One cell of the table: a workload with a number of threads against one set-up, in one round.</summary>
/// <param name="DrainSeconds">How long the replicas still needed for what was acknowledged, after the load ended.</param>
/// <param name="CpuMicroseconds">Processor time for each transaction, by part of the set-up; the load's own is not in it.</param>
internal sealed record Measurement(
    char Setup, string Workload, int Threads, int Round, Load Load, double DrainSeconds, IReadOnlyDictionary<string, double> CpuMicroseconds)
{
    /// <summary>
    /// Transactions a second until every server had them all: replicas that fall behind without bound let a primary look faster than the set-up is.
    /// </summary>
    public double EverywhereTps => Load.Transactions / ((Load.Transactions / Load.Tps) + DrainSeconds);
}

/// <summary>The same over all rounds: medians, so that one disturbed round does not decide.</summary>
internal sealed record Cell(
    char Setup, string Workload, int Threads, double Tps, double MeanMs, double P95Ms, double DrainSeconds, double EverywhereTps,
    IReadOnlyDictionary<string, double> CpuMicroseconds)
{
    public static IReadOnlyList<Cell> Medians(IEnumerable<Measurement> measurements) =>
    [
        .. measurements.GroupBy(m => (m.Setup, m.Workload, m.Threads)).Select(g => new Cell(
            g.Key.Setup,
            g.Key.Workload,
            g.Key.Threads,
            Median(g.Select(m => m.Load.Tps)),
            Median(g.Select(m => m.Load.MeanMs)),
            Median(g.Select(m => m.Load.PercentileMs)),
            Median(g.Select(m => m.DrainSeconds)),
            Median(g.Select(m => m.EverywhereTps)),
            g.First().CpuMicroseconds.Keys.ToDictionary(k => k, k => Median(g.Select(m => m.CpuMicroseconds[k]))))),
    ];

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
