using System.Collections.Concurrent;
using System.Diagnostics;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestPipelineStartup(typeof(WolfScale.Testing.TestRun))]

namespace WolfScale.Testing;

/// <summary>
/// What one run of a test program starts and creates ends with it, however it ends: at its end, by a time limit, by SIGKILL.
/// <code>
///   test program ──── a pipe, never written to ────▶ watcher: sh in a session of its own
///      │ environment: WOLFSCALE_TEST_RUN, TMPDIR        │ at end of file: kills who bears this run's mark, then deletes the folder
///      └─▶ servers, nodes, demos, and what those start ◀┘
/// </code>
/// The kernel closes the pipe whatever the program died of. Processes are known by the mark in their environment and not by ids somebody
/// wrote down: a detached grandchild has it from its first moment, so none is forgotten, and nobody else's process ever has it.
/// </summary>
internal sealed class TestRun : ITestPipelineStartup
{
    /// <summary>In a folder directly below the run's: it stays when the run ends.</summary>
    public const string KeepMark = ".keep";

    /// <summary>What is said of them at the end, before their names.</summary>
    public const string FoldersWereLeft = "The tests left folders behind; they have been deleted:";

    private const string RunVariable = "WOLFSCALE_TEST_RUN";

    /// <summary>
    /// $1 is the mark, $2 the folder. Two looks in a row must find nobody: a process that is just calling execve(2) has no environment for a
    /// moment. The one that calls fork(2) still holds the pipe. Exit code 1: something had to be killed.
    /// </summary>
    private const string Watch = """
        exec >/dev/null 2>&1
        read -r end
        left=0 quiet=0
        while [ $quiet -lt 2 ]; do
          pids=$(grep -lszxF "$1" /proc/[0-9]*/environ | cut -d/ -f3)
          if [ -n "$pids" ]; then
            kill -KILL $pids
            left=1 quiet=0
          else
            quiet=$((quiet + 1))
          fi
          sleep 0.1
        done
        awk -v run="$2/" 'index($2, run) == 1 { print $2 }' /proc/mounts | xargs -r umount -l
        for entry in "$2"/* "$2"/.[!.]*; do
          [ -e "$entry/.keep" ] || rm -rf "$entry"
        done
        rmdir "$2"
        exit $left
        """;

    private static readonly ConcurrentBag<IDisposable> Shared = [];

    private Process? _watcher;
    private string _folder = "";

    /// <summary>What tests share, and nobody disposes of before they have all ended.</summary>
    public static void DisposeAtEnd(IDisposable shared) => Shared.Add(shared);

    public ValueTask StartAsync(IMessageSink diagnosticMessageSink)
    {
        var folder = _folder = Directory.CreateTempSubdirectory("ws-run-").FullName;
        var mark = $"{RunVariable}={Guid.NewGuid():N}";
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Watch, "watcher", mark, folder]) { RedirectStandardInput = true };
        _ = start.Environment.Remove(RunVariable); // of a run around this one: no watcher ends another
        _watcher = Process.Start(start);
        Environment.SetEnvironmentVariable(RunVariable, mark[(RunVariable.Length + 1)..]);
        Environment.SetEnvironmentVariable("TMPDIR", folder);
        return ValueTask.CompletedTask;
    }

    public async ValueTask StopAsync()
    {
        if (_watcher is not { } watcher)
            return;
        foreach (var shared in Shared)
            shared.Dispose();
        var left = Directory.EnumerateDirectories(_folder).Where(d => !File.Exists(Path.Combine(d, KeepMark))).Select(Path.GetFileName).ToList();
        if (left.Count > 0)
            await Console.Error.WriteLineAsync($"{FoldersWereLeft} {string.Join(", ", left)}");
        watcher.StandardInput.Close();
        await watcher.WaitForExitAsync();
        if (watcher.ExitCode != 0)
            await Console.Error.WriteLineAsync("The tests left processes behind; they have been killed.");
        watcher.Dispose();
    }
}
