using System.Globalization;
using System.Text.RegularExpressions;

namespace WolfScale.Architecture;

/// <summary>What the style asks for and a machine can measure.</summary>
public partial class StyleTests
{
    private const int LongestFile = 500;

    /// <summary>Words that mark unfinished work. Written in pieces, so that this list does not find itself.</summary>
    private static readonly string[] Unfinished = ["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Exception", "Ha" + "ck:"];

    /// <summary>Each project logs with event ids of its own thousand.</summary>
    private static readonly Dictionary<string, int> EventThousand = new()
    {
        ["WolfScale.Wal"] = 1,
        ["WolfScale.Cluster"] = 2,
        ["WolfScale.MariaDb"] = 3,
        ["WolfScale.Server"] = 4,
        ["WolfScale.Proxy"] = 5,
    };

    [Fact]
    public void A_file_can_be_read_at_a_sitting()
    {
        var tooLong = Repository.Sources("src", "tests", "bench")
            .Select(file => (File: Repository.Relative(file), Lines: File.ReadLines(file).Count()))
            .Where(f => f.Lines >= LongestFile);

        Assert.Empty(tooLong);
    }

    [Fact]
    public void Nothing_is_left_unfinished()
    {
        var marks = Repository.Sources("src", "tests", "bench")
            .SelectMany(file => File.ReadLines(file).Select((line, index) => (Where: $"{Repository.Relative(file)}:{index + 1}", Line: line)))
            .Where(l => Unfinished.Any(word => l.Line.Contains(word, StringComparison.Ordinal)))
            .Select(l => l.Where);

        Assert.Empty(marks);
    }

    [Fact]
    public void Event_ids_are_unique_and_of_their_project()
    {
        var ids = Repository.Sources("src")
            .SelectMany(file => EventId().Matches(File.ReadAllText(file)).Select(m => (
                Project: Repository.Relative(file).Split(Path.DirectorySeparatorChar)[1],
                Id: int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))))
            .ToList();

        Assert.NotEmpty(ids);
        Assert.DoesNotContain(ids, e => !EventThousand.TryGetValue(e.Project, out var thousand) || e.Id / 1000 != thousand);
        Assert.Empty(ids.GroupBy(e => e.Id).Where(g => g.Count() > 1).Select(g => g.Key));
    }

    [Fact]
    public void A_file_holds_one_namespace_that_belongs_to_its_project()
    {
        var strangers = Repository.Sources("src")
            .Select(file => (File: Repository.Relative(file), Project: Repository.Relative(file).Split(Path.DirectorySeparatorChar)[1], Text: File.ReadAllText(file)))
            .Where(f => Namespace().Match(f.Text) is { Success: true } match
                && match.Groups[1].Value != f.Project && !match.Groups[1].Value.StartsWith(f.Project + ".", StringComparison.Ordinal))
            .Select(f => f.File);

        Assert.Empty(strangers);
    }

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:EventId\s*=\s*)?(\d+)")]
    private static partial Regex EventId();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
