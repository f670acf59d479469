using System.Text.RegularExpressions;

namespace WolfScale.Architecture;

/// <summary>Who makes a temporary folder deletes it, whatever happens.</summary>
public partial class TemporaryFoldersTests
{
    /// <summary>Files of the product and of the benchmark that make temporary folders, each looked at: it deletes them in a <c>finally</c>.</summary>
    private static readonly string[] Makers =
    [
        "bench/WolfScale.Bench/CommandLine.cs", // names the run's folder, which Program.cs deletes
        "bench/WolfScale.Bench/Proxying/IdleClients.cs",
        "src/WolfScale.MariaDb/Tuning/OptionCheck.cs",
    ];

    [Fact]
    public void Tests_make_temporary_folders_by_one_type_that_deletes_them() => Assert.Empty(Repository.Sources("tests")
        .Where(file => Making().IsMatch(File.ReadAllText(file)))
        .Select(Repository.Relative)
        .Except(["tests/Shared/TempFolder.cs", "tests/Shared/TestRun.cs", "tests/WolfScale.Architecture/TemporaryFoldersTests.cs"]));

    [Fact]
    public void Nothing_else_makes_them_without_having_been_looked_at() => Assert.Equal(Makers, Repository.Sources("src", "bench")
        .Where(file => Making().IsMatch(File.ReadAllText(file)))
        .Select(Repository.Relative)
        .Order(StringComparer.Ordinal));

    /// <summary>What a run that is killed could not delete is deleted by its watcher (<c>TestRun</c>), which only a project that takes all of <c>tests/Shared</c> has.</summary>
    [Fact]
    public void A_project_whose_tests_make_folders_has_the_watcher_too() => Assert.Empty(Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*.csproj", SearchOption.AllDirectories)
        .Where(project => Repository.Sources(Path.GetRelativePath(Repository.Root, Path.GetDirectoryName(project)!)).Any(file => Use().IsMatch(File.ReadAllText(file))))
        .Where(project => !File.ReadAllText(project).Contains("Include=\"../Shared/*.cs\"", StringComparison.Ordinal))
        .Select(Repository.Relative));

    /// <summary>xUnit calls one of the two: the other's folders would stay.</summary>
    [Fact]
    public void No_test_class_has_two_ways_to_be_disposed_of() => Assert.Empty(Repository.Sources("tests")
        .SelectMany(file => Bases().Matches(File.ReadAllText(file)).Select(m => (File: Repository.Relative(file), Bases: m.Groups["bases"].Value)))
        .Where(c => Regex.IsMatch(c.Bases, @"\bIAsync(Lifetime|Disposable)\b") && Regex.IsMatch(c.Bases, @"\bIDisposable\b"))
        .Select(c => c.File));

    [GeneratedRegex(@"\b(CreateTempSubdirectory|GetTempPath|GetTempFileName|GetRandomFileName)\(")]
    private static partial Regex Making();

    [GeneratedRegex(@"\bTempFolder \w|new TempFolder\(")]
    private static partial Regex Use();

    [GeneratedRegex(@"\bclass \w+(?:<[^>]*>)?(?:\([^)]*\))?\s*:\s*(?<bases>[^{;]+)")]
    private static partial Regex Bases();
}
