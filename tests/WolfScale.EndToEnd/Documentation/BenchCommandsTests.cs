using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Documentation;

/// <summary>The commands of <c>docs/performance.md</c>, with measurements that are as short as can be: that they run, and not what they show.</summary>
public sealed class BenchCommandsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);

    [Fact]
    [Runs("performance.md")]
    public async Task Every_comparison_runs()
    {
        Assert.SkipUnless(Long.Form, "starts some hundred servers: runs with --long");
        foreach (var line in Book.Blocks.Single(b => b.Document == "performance.md" && b.IsCommands).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var command = line.Split('#')[0].Trim();
            string[] shorter = ["--seconds 1", "--rounds 1", "--threads 1", string.Create(CultureInfo.InvariantCulture, $"--base-port {Ports.FreeRange(100)}")];
            command += ' ' + string.Join(' ', shorter.Where(s => !command.Contains(s.Split(' ')[0], StringComparison.Ordinal)));
            var result = await Command.RunAsync("env", ["-C", Repository.Root, "bash", "-c", command], Limit);
            Assert.True(result.ExitCode == 0, $"{command}: {result}");
        }
    }
}
