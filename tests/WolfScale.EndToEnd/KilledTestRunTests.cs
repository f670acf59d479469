using System.Diagnostics;
using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Harness;
using WolfScale.Testing;

namespace WolfScale.EndToEnd;

/// <summary>A run of these tests that is killed leaves nothing behind: see <see cref="TestRun"/>. Each kills a run of another class of them.</summary>
public sealed class KilledTestRunTests
{
    [Theory]
    [InlineData("a node and its private server are up", nameof(BadInputOfServersTests), 1, 1)]
    [InlineData("a demo is making its first servers, and has named nobody yet", nameof(DemoTests), 0, 1)]
    [InlineData("a detached demo is up", nameof(DemoTests), 3, 3)]
    public async Task A_test_program_that_is_killed_takes_its_servers_nodes_and_folders_with_it(string when, string tests, int nodes, int servers)
    {
        using var folder = new TempFolder("killed");
        using var program = Start(tests, folder.Path);
        try
        {
            await Poll.UntilAsync($"the moment when {when}", TimeSpan.FromSeconds(90), () =>
            {
                var running = Processes.Mentioning(folder.Path).Select(p => p.CommandLine).ToList();
                var reached = running.Count(l => l.Contains("config.toml", StringComparison.Ordinal)) >= nodes
                    && running.Count(l => l.Contains("mariadbd ", StringComparison.Ordinal)) >= servers;
                return Task.FromResult(reached ? null : string.Join('\n', running));
            }, TimeSpan.FromMilliseconds(5));

            Assert.True(Processes.Send(program.Id, Signal.Kill));

            await Poll.UntilAsync("the end of everything it had started", TimeSpan.FromSeconds(30), () =>
                Task.FromResult(Processes.Mentioning(folder.Path) is { Count: > 0 } left ? string.Join('\n', left) : null));
            Assert.Empty(Directory.EnumerateDirectories(folder.Path)); // files: the killed runtime's own diagnostic sockets
        }
        finally
        {
            if (!program.HasExited)
                program.Kill();
        }
    }

    private static Process Start(string tests, string folder)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["--filter-class", $"*.{tests}", "--no-ansi", "--progress", "off"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TMPDIR"] = folder;
        return Process.Start(start)!;
    }
}
