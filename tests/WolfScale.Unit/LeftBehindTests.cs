using System.Diagnostics;
using WolfScale.Unit.Server;

namespace WolfScale.Unit;

/// <summary>A run of these tests deletes the folders that it makes; nothing has to be cleaned away for it, and nothing stays: see <see cref="TestRun"/>.</summary>
public sealed class LeftBehindTests
{
    [Fact]
    public async Task A_run_deletes_its_folders_itself()
    {
        using var folder = new TempFolder("left");
        string[] classes = [nameof(ReloadTests), nameof(StandAloneReloadTests), nameof(OtherApisTests), nameof(DemoPartsTests), nameof(LoggingTests)];
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["--filter-class", .. classes.Select(c => "*." + c), "--no-ansi", "--progress", "off"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["TMPDIR"] = folder.Path;
        using var program = Process.Start(start)!;
        var (printed, errors) = (program.StandardOutput.ReadToEndAsync(), program.StandardError.ReadToEndAsync());
        await program.WaitForExitAsync();

        var all = await printed + await errors;
        Assert.True(program.ExitCode == 0, all);
        Assert.DoesNotContain(TestRun.FoldersWereLeft, all, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
