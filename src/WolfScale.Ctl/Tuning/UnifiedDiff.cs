using System.Globalization;

namespace WolfScale.Ctl.Tuning;

/// <summary>Two texts as <c>diff -u</c> shows them.</summary>
internal static class UnifiedDiff
{
    private const int Context = 3;

    /// <returns>Lines; none where the texts are the same.</returns>
    public static IReadOnlyList<string> Of(string file, string before, string after)
    {
        if (before == after)
            return [];
        var steps = Steps(Split(before), Split(after));
        var lines = new List<string> { before.Length == 0 ? "--- /dev/null" : $"--- {file}", $"+++ {file}" };
        var shown = Enumerable.Range(0, steps.Count).Where(i => Enumerable.Range(Math.Max(0, i - Context), Math.Min(steps.Count, i + Context + 1) - Math.Max(0, i - Context)).Any(j => steps[j].Sign != ' ')).ToList();
        for (var i = 0; i < shown.Count;)
        {
            var end = i;
            while (end + 1 < shown.Count && shown[end + 1] == shown[end] + 1)
                end++;
            var hunk = steps[shown[i]..(shown[end] + 1)];
            lines.Add(string.Create(CultureInfo.InvariantCulture,
                $"@@ -{Start(steps[..shown[i]], '-', hunk)},{hunk.Count(s => s.Sign != '+')} +{Start(steps[..shown[i]], '+', hunk)},{hunk.Count(s => s.Sign != '-')} @@"));
            lines.AddRange(hunk.Select(s => s.Sign + s.Line));
            i = end + 1;
        }

        return lines;
    }

    /// <summary>The first line of a hunk on one side, from 1; 0 where that side has none.</summary>
    private static int Start(List<(char Sign, string Line)> before, char side, List<(char Sign, string Line)> hunk) =>
        before.Count(s => s.Sign == ' ' || s.Sign == side) + (hunk.Any(s => s.Sign == ' ' || s.Sign == side) ? 1 : 0);

    /// <summary>By the longest common subsequence; option files are short.</summary>
    private static List<(char Sign, string Line)> Steps(string[] one, string[] two)
    {
        var longest = new int[one.Length + 1, two.Length + 1];
        for (var i = one.Length - 1; i >= 0; i--)
        {
            for (var j = two.Length - 1; j >= 0; j--)
                longest[i, j] = one[i] == two[j] ? longest[i + 1, j + 1] + 1 : Math.Max(longest[i + 1, j], longest[i, j + 1]);
        }

        var steps = new List<(char, string)>();
        for (var (i, j) = (0, 0); i < one.Length || j < two.Length;)
        {
            if (i < one.Length && j < two.Length && one[i] == two[j])
            {
                steps.Add((' ', one[i++]));
                j++;
            }
            else if (j >= two.Length || (i < one.Length && longest[i + 1, j] >= longest[i, j + 1]))
            {
                steps.Add(('-', one[i++]));
            }
            else
            {
                steps.Add(('+', two[j++]));
            }
        }

        return steps;
    }

    private static string[] Split(string text) => text.Length == 0 ? [] : text.TrimEnd('\n').Split('\n');
}
