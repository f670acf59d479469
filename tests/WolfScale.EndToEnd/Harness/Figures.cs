using System.Globalization;

namespace WolfScale.EndToEnd.Harness;

/// <summary>Durations of several runs, in one line.</summary>
internal static class Figures
{
    public static string Render(string what, IReadOnlyList<TimeSpan> runs, Aim aim) => string.Create(
        CultureInfo.InvariantCulture,
        $"{what}: {runs.Count} runs, min {runs.Min().TotalSeconds:0.00} s, median {Median(runs).TotalSeconds:0.00} s, max {runs.Max().TotalSeconds:0.00} s (aim: median within {aim.MedianSeconds} s, worst within {aim.WorstSeconds} s)");

    public static TimeSpan Median(IReadOnlyList<TimeSpan> runs)
    {
        var sorted = runs.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

/// <summary>What several runs should take: the median of them, and the worst.</summary>
public readonly record struct Aim(int MedianSeconds, int WorstSeconds);
