using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Installing;

/// <summary>What <c>install_service.sh</c> makes of its arguments, by its rehearsal, which does nothing.</summary>
public sealed class InstallScriptTests
{
    /// <summary>An option that takes no value is not to swallow the word behind it. The manual page knows which those are, so a new one cannot be forgotten in the script.</summary>
    [Fact]
    public async Task What_init_takes_without_a_value_swallows_nothing()
    {
        var flags = FlagsOfInit((await CommandLine.RunAsync("manual")).Output);
        Assert.Contains("--first", flags);
        Assert.Contains("--force", flags);

        foreach (var flag in flags.Where(f => f != "--sql")) // that one prints, and installs nothing
        {
            var result = await RehearseAsync("node", "--force", flag, "--yes", "--node-id", "node-7");
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Contains($"'init' '--force' '{flag}' '--node-id' 'node-7'", result.Output, StringComparison.Ordinal);
        }
        Assert.Equal(2, (await RehearseAsync("node", "--sql", "--yes")).ExitCode);
    }

    [Fact]
    public async Task A_value_stands_behind_its_option_or_in_one_word_with_it()
    {
        var apart = await RehearseAsync("node", "--force", "--node-id", "node-7", "--start");
        var together = await RehearseAsync("node", "--force", "--node-id=node-7", "--start");
        var forgotten = await RehearseAsync("node", "--force", "--node-id", "--start");

        Assert.All([apart, together], r => Assert.True(r.ExitCode == 0, r.ToString()));
        Assert.All([apart, together], r => Assert.Contains("'init' '--force' '--node-id' 'node-7'", r.Output, StringComparison.Ordinal));
        Assert.All([apart, together], r => Assert.Contains("'systemctl' 'start' 'wolfscale.service'", r.Output, StringComparison.Ordinal));
        Assert.Equal(2, forgotten.ExitCode);
        Assert.Contains("--node-id wants a value", forgotten.Error, StringComparison.Ordinal);
    }

    private static List<string> FlagsOfInit(string manual) =>
        [.. manual.Split(".SS init\n")[1].Split(".SS ")[0].Replace("\\-", "-", StringComparison.Ordinal).Split('\n')
            .Where(l => l.StartsWith(".B --", StringComparison.Ordinal) && !l[3..].Contains(' ')).Select(l => l[3..])];

    private static Task<CommandResult> RehearseAsync(params string[] arguments) =>
        Command.RunAsync(Path.Combine(Repository.Root, "install_service.sh"), [.. arguments, "--dry-run"], TimeSpan.FromSeconds(30));
}
