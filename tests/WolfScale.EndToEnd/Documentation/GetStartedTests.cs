using System.Globalization;
using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Documentation;

/// <summary><c>docs/get-started.md</c>, from its first command to its last, in the checkout; only the folder and the ports are the test's own.</summary>
public sealed partial class GetStartedTests
{
    private const string Chapter = "get-started.md";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    [Fact]
    [Runs(Chapter)]
    public async Task Five_minutes()
    {
        using var folder = new TempFolder("wolf");
        var port = Ports.FreeRange(50);
        var printed = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var block in Book.Blocks.Where(b => b.Document == Chapter && b.IsCommands))
                printed[block.Name] = await RunAsync(block, folder, port);
        }
        finally
        {
            if (!printed.ContainsKey("stop"))
                _ = await CommandLineAsync($"./run.sh demo stop --dir {folder.Path}/d --purge");
        }

        Assert.Contains("LEADER", printed["start"], StringComparison.Ordinal);
        Assert.Contains("hello", printed["write"], StringComparison.Ordinal);
        Assert.Equal(4, printed["look"].Split("ACTIVE").Length);
        Assert.Contains("OFFLINE", printed["kill"], StringComparison.Ordinal);
        Assert.Contains("still here", printed["return"], StringComparison.Ordinal);
        Assert.Contains("elected", printed["return"], StringComparison.Ordinal);
        Assert.Contains("\"gtid\":", printed["http"], StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.Path + "/d"));
    }

    /// <summary>Variables that a block exports are there in the next one, as in one terminal.</summary>
    private static async Task<string> RunAsync(Block block, TempFolder folder, int port)
    {
        var text = block.Text.Replace("/tmp/wolf", folder.Path + "/d", StringComparison.Ordinal).Replace(" --detach", string.Create(CultureInfo.InvariantCulture, $" --base-port {port} --detach"), StringComparison.Ordinal);
        text = DefaultPort().Replace(text, m => (port + int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture));
        var result = await CommandLineAsync($"[ ! -e {folder.Path}/variables ] || . {folder.Path}/variables\n{text}\nexport -p >{folder.Path}/variables");
        Assert.True(result.ExitCode == 0, $"{block}: {result}");
        return result.Output;
    }

    private static Task<CommandResult> CommandLineAsync(string text) => Command.RunAsync("env", ["-C", Repository.Root, "bash", "-euo", "pipefail", "-c", text], Limit);

    /// <summary>Of the demo, where it is not told others.</summary>
    [GeneratedRegex(@"\b170(\d\d)\b")]
    private static partial Regex DefaultPort();
}
