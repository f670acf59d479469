using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;

namespace WolfScale.Server.Demo;

/// <summary>
/// One process, and no other that may get its number later: the id together with the moment it started
/// (clock ticks since boot, field 22 of <c>/proc/PID/stat</c>).
/// </summary>
public sealed record ProcessIdentity(int Pid, long StartTicks)
{
    /// <summary>Whether this very process still runs. One that has ended and was not yet collected by its parent does not.</summary>
    [JsonIgnore]
    public bool IsAlive => Read(Pid) is { State: not 'Z' and not 'X' } now && now.StartTicks == StartTicks;

    /// <summary>The process with that id as it is now, or null.</summary>
    public static ProcessIdentity? Of(int pid) => Read(pid) is { } now ? new ProcessIdentity(pid, now.StartTicks) : null;

    /// <summary>Sends a signal, unless the process is gone.</summary>
    /// <returns>Whether it was there to receive it.</returns>
    public bool Signal(int signal) => IsAlive && Kill(Pid, signal) == 0;

    /// <summary>Waits until it has ended.</summary>
    /// <returns>False when it still runs after <paramref name="limit"/>.</returns>
    public async Task<bool> WaitForEndAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var until = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        while (IsAlive)
        {
            if (Environment.TickCount64 > until)
                return false;
            _ = await poll.WaitForNextTickAsync(cancellationToken);
        }

        return true;
    }

    private static (char State, long StartTicks)? Read(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            // The name stands in parentheses and may hold anything; what follows the last one is safe to split. State is field 3.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0][0], long.Parse(fields[22 - 3], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null; // no such process (it may also have ended while it was read)
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Kill(int pid, int signal);
}

/// <summary>The signals that the demo sends, as Linux numbers them.</summary>
internal static class Signals
{
    public const int Kill = 9;
    public const int Term = 15;
    public const int Cont = 18;
    public const int Stop = 19;

    public static int? Number(string name) => name.ToUpperInvariant() switch
    {
        "KILL" or "SIGKILL" => Kill,
        "TERM" or "SIGTERM" => Term,
        "CONT" or "SIGCONT" => Cont,
        "STOP" or "SIGSTOP" => Stop,
        _ => null,
    };
}
