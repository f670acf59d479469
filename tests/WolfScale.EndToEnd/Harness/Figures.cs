using System.Globalization;

namespace WolfScale.EndToEnd.Harness;

/// <summary>Durations of several runs, in one line.</summary>
internal static class Figures
{
    public static string Render(string what, IReadOnlyList<TimeSpan> runs, string aim)
    {
        var sorted = runs.Select(r => r.TotalSeconds).Order().ToList();
        var middle = sorted.Count / 2;
        var median = sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return string.Create(CultureInfo.InvariantCulture, $"{what}: {runs.Count} runs, min {sorted[0]:0.00} s, median {median:0.00} s, max {sorted[^1]:0.00} s (aim: {aim})");
    }
}
