using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary><c>./run.sh torture</c>: which tests it runs, and that it ends. The programs that it runs here are stand-ins that do nothing.</summary>
public sealed partial class TortureScriptTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Every_class_that_it_runs_is_there()
    {
        var plan = await Command.RunAsync(Path.Combine(Repository.Root, "run.sh"), ["torture", "--dry-run"], Limit);
        Assert.True(plan.ExitCode == 0, plan.ToString());
        var steps = Filter().Matches(plan.Output).Select(m => (Project: m.Groups[1].Value, Class: m.Groups[2].Value)).ToList();
        Assert.True(steps.Count > 20, plan.Output);
        Assert.All(steps, s => Assert.True(
            Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", "WolfScale." + s.Project), "*.cs", SearchOption.AllDirectories).Any(f => Regex.IsMatch(File.ReadAllText(f), $@"class {s.Class}\b")),
            $"there is no {s.Class} in {s.Project}"));
    }

    [Fact]
    public async Task It_ends_with_its_rounds_and_with_its_time_and_goes_by_what_failed()
    {
        using var folder = new TempFolder("torture");
        foreach (var project in (string[])["Simulation", "Unit"])
        {
            var program = Path.Combine(folder.Path, $"WolfScale.{project}", "release", $"WolfScale.{project}");
            _ = Directory.CreateDirectory(Path.GetDirectoryName(program)!);
            await File.WriteAllTextAsync(program, $"#!/bin/sh\necho \"$@\" >>{folder.Path}/ran\ncase \"$*\" in *WalDamageTests) echo damage; exit $FAILS;; esac\n");
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var fine = await RunAsync(folder, fails: 0, "--rounds", "2", "--seed", "7", "simulator", "fuzz");
        var ran = await File.ReadAllLinesAsync(folder.Path + "/ran");
        var bad = await RunAsync(folder, fails: 2, "--rounds", "1", "fuzz");
        var late = await RunAsync(folder, fails: 0, "--minutes", "0");
        var wrong = await RunAsync(folder, fails: 0, "--rounds", "many");

        Assert.True(fine.ExitCode == 0, fine.ToString());
        Assert.EndsWith("2 rounds begun: 12 steps passed, 0 failed", fine.Output.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal(4, ran.Where(l => l.StartsWith("simulate", StringComparison.Ordinal)).Distinct().Count()); // each round has seeds of its own
        Assert.Contains(ran, l => l.StartsWith("simulate --seed 7 ", StringComparison.Ordinal));
        Assert.Equal(1, bad.ExitCode);
        Assert.Matches("WalDamageTests +FAILED .*round-1-WalDamageTests.log", bad.Output);
        Assert.Equal("damage", (await File.ReadAllTextAsync(folder.Path + "/logs/round-1-WalDamageTests.log")).Trim());
        Assert.EndsWith("0 rounds begun: 0 steps passed, 0 failed", late.Output.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal(1, late.ExitCode); // nothing was tried: that is not fine
        Assert.Equal(2, wrong.ExitCode);
    }

    private static Task<CommandResult> RunAsync(TempFolder folder, int fails, params string[] arguments) => Command.RunAsync(
        "env", [$"TORTURE_BIN={folder.Path}", $"TORTURE_LOGS={folder.Path}/logs", $"FAILS={fails}", Path.Combine(Repository.Root, "scripts", "torture.sh"), .. arguments], Limit);

    [GeneratedRegex(@"/WolfScale\.(\w+) .*--filter-class \*\.(\w+)")]
    private static partial Regex Filter();
}
