using System.Diagnostics;
using WolfScale.Server.Cli;

namespace WolfScale.Server.Demo;

/// <summary>Starts processes that outlive the command: a session of their own, no terminal, output appended to a file.</summary>
internal static class DetachedProcess
{
    /// <summary>Starts <paramref name="program"/>.</summary>
    /// <exception cref="RefusedException">It could not be started.</exception>
    public static ProcessIdentity Start(string program, IEnumerable<string> arguments, string outputFile)
    {
        // The shell opens the file, and `exec` twice keeps one process id from here to the program. setsid puts it out of reach of
        // the terminal's Ctrl+C and hang-up.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        foreach (var argument in (string[])["-c", "exec setsid \"$@\" >>\"$0\" 2>&1 </dev/null", outputFile, program, .. arguments])
            start.ArgumentList.Add(argument);
        foreach (var variable in start.Environment.Keys.Where(IsConfiguration).ToList())
            _ = start.Environment.Remove(variable);
        using var process = Process.Start(start) ?? throw new RefusedException($"{program} could not be started.");
        return ProcessIdentity.Of(process.Id) ?? throw new RefusedException($"{program} ended at once: see {outputFile}.");
    }

    /// <summary>Where a program is: on the PATH, or where Debian puts servers.</summary>
    public static string Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/usr/local/sbin")
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists)
        ?? throw new RefusedException($"{program} is not installed. Install MariaDB's programs: apt-get install -y --no-install-recommends mariadb-server-core mariadb-client");

    /// <summary>How to run this very program again.</summary>
    public static (string Program, string[] Arguments) Self()
    {
        var path = Environment.ProcessPath!;
        return Path.GetFileName(path) == "dotnet" ? (path, [typeof(DetachedProcess).Assembly.Location]) : (path, []);
    }

    /// <summary>A variable that overrides a key would override it on all nodes alike, ids and ports included; <c>--set</c> is for that.</summary>
    private static bool IsConfiguration(string variable) =>
        variable.StartsWith(EnvironmentSource.Prefix, StringComparison.Ordinal) && variable.Contains("__", StringComparison.Ordinal);
}
