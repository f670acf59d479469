using System.Runtime.InteropServices;

namespace WolfScale.EndToEnd.Harness;

/// <summary>The signals the tests send, with the kernel's numbers (signal(7), x86-64 and arm64).</summary>
internal enum Signal
{
    Hangup = 1,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}

/// <summary>Signals and facts of single processes, by their id.</summary>
internal static partial class Processes
{
    /// <summary>Sends a signal to one process.</summary>
    /// <returns>False when there is no such process any more.</returns>
    public static bool Send(int pid, Signal signal)
    {
        Assert.True(pid > 1, $"{signal} was to be sent to process {pid}, which is none of the tests'.");
        return Kill(pid, (int)signal) == 0;
    }

    public static bool IsAlive(int pid) => pid > 1 && State(pid) is not (null or 'Z' or 'X');

    /// <summary>Waits until the process is gone (or a zombie whose parent has not looked yet).</summary>
    public static Task AwaitEndAsync(int pid, string name) => Poll.UntilAsync(
        $"the end of {name} (process {pid})", TimeSpan.FromSeconds(30),
        () => Task.FromResult(IsAlive(pid) ? $"state {State(pid)}" : null));

    /// <summary>Waits until none of its threads runs any more: the signal has only been left for them when kill(2) returns.</summary>
    public static Task AwaitStoppedAsync(int pid) => Poll.UntilAsync(
        $"process {pid} to stand still", TimeSpan.FromSeconds(30),
        () => Task.FromResult(Threads(pid).Where(t => State(t) is not ('T' or 't' or 'Z' or 'X' or null)).ToList() is [_, ..] running ? $"{running.Count} threads run" : null),
        TimeSpan.FromMilliseconds(5));

    /// <summary>Ids and command lines of all processes whose command line or environment-free arguments mention <paramref name="folder"/>.</summary>
    public static IReadOnlyList<(int Pid, string CommandLine)> Mentioning(string folder)
    {
        var found = new List<(int, string)>();
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(entry), out var pid) || pid == Environment.ProcessId || !IsAlive(pid))
                continue;
            var line = ReadText($"/proc/{pid}/cmdline").Replace('\0', ' ').Trim();
            if (line.Contains(folder, StringComparison.Ordinal))
                found.Add((pid, line));
        }
        return found;
    }

    /// <summary>The most memory the process ever had resident (VmHWM), in bytes; null when it is gone.</summary>
    public static long? PeakResidentBytes(int pid) => StatusKilobytes(pid, "VmHWM:") * 1024;

    /// <summary>User and system time the process has used, in seconds (proc(5), fields 14 and 15, in ticks of 10 ms).</summary>
    public static double? CpuSeconds(int pid)
    {
        var stat = ReadText($"/proc/{pid}/stat");
        var end = stat.LastIndexOf(')');
        if (end < 0)
            return null;
        var fields = stat[(end + 2)..].Split(' ');
        return (long.Parse(fields[11], System.Globalization.CultureInfo.InvariantCulture)
            + long.Parse(fields[12], System.Globalization.CultureInfo.InvariantCulture)) / 100.0;
    }

    private static long? StatusKilobytes(int pid, string key)
    {
        var line = ReadText($"/proc/{pid}/status").Split('\n').FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal));
        return line is null ? null : long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static IEnumerable<string> Threads(int pid) => Directory.Exists($"/proc/{pid}/task") ? Directory.EnumerateDirectories($"/proc/{pid}/task") : [];

    private static char? State(int pid) => State($"/proc/{pid}");

    private static char? State(string folder)
    {
        var stat = ReadText($"{folder}/stat");
        var end = stat.LastIndexOf(')');
        return end < 0 || end + 2 >= stat.Length ? null : stat[end + 2];
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process ended between the listing and the look.
            return "";
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
