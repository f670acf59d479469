using System.Globalization;
using System.Text;

namespace WolfScale.Conformance.Harness;

/// <summary>The lines in which two texts differ, with the section they stand in.</summary>
internal static class LineDiff
{
    private const int Context = 2;
    private const int Resync = 200;
    private const int MostShown = 80;
    private const int LongestLine = 400;

    /// <returns>Null when the texts are equal.</returns>
    public static string? Of(string expected, string actual, string expectedName, string actualName)
    {
        if (expected == actual)
            return null;
        var (left, right) = (expected.Split('\n'), actual.Split('\n'));
        var text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"--- {expectedName}").AppendLine(CultureInfo.InvariantCulture, $"+++ {actualName}");
        var (i, j, shown) = (0, 0, 0);
        while ((i < left.Length || j < right.Length) && shown < MostShown)
        {
            if (i < left.Length && j < right.Length && left[i] == right[j])
            {
                (i, j) = (i + 1, j + 1);
                continue;
            }

            text.AppendLine(CultureInfo.InvariantCulture, $"@@ line {i + 1}, {Section(left, i)} @@");
            foreach (var line in left[Math.Max(0, i - Context)..Math.Min(i, left.Length)])
                text.AppendLine(CultureInfo.InvariantCulture, $"  {Cut(line)}");
            var (skipLeft, skipRight) = Common(left.AsSpan(Math.Min(i, left.Length)), right.AsSpan(Math.Min(j, right.Length)));
            foreach (var line in left.Skip(i).Take(skipLeft))
                text.AppendLine(CultureInfo.InvariantCulture, $"- {Cut(line)}");
            foreach (var line in right.Skip(j).Take(skipRight))
                text.AppendLine(CultureInfo.InvariantCulture, $"+ {Cut(line)}");
            (i, j, shown) = (i + skipLeft, j + skipRight, shown + skipLeft + skipRight);
        }

        return text.ToString();
    }

    /// <summary>How many lines to skip on both sides, as few as possible, until they agree again.</summary>
    private static (int Left, int Right) Common(ReadOnlySpan<string> left, ReadOnlySpan<string> right)
    {
        for (var sum = 1; sum <= Resync; sum++)
        {
            for (var skip = 0; skip <= sum; skip++)
            {
                if (skip < left.Length && sum - skip < right.Length && left[skip] == right[sum - skip])
                    return (skip, sum - skip);
            }
        }

        return (left.Length, right.Length);
    }

    private static string Section(string[] lines, int from) =>
        lines.Take(from + 1).LastOrDefault(l => l.StartsWith("## ", StringComparison.Ordinal)) ?? "before the first section";

    private static string Cut(string line) => line.Length <= LongestLine ? line : string.Create(CultureInfo.InvariantCulture, $"{line[..LongestLine]}… ({line.Length} characters)");
}
