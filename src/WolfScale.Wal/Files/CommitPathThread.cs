using WolfScale.Wal.Files;

namespace WolfScale.Wal;

/// <summary>
/// Threads that stand between a client and its OK, or that keep time for elections, run before those that merely apply: on a machine
/// whose appliers keep every core busy each of the commit's five hand-overs would wait its turn behind them. They need microseconds.
/// </summary>
public static class CommitPathThread
{
    private const int ThisThread = 0; // setpriority(2): PRIO_PROCESS with id 0 is the calling thread on Linux
    private const int NiceValue = -10;

    /// <summary>
    /// Asks the kernel to prefer the calling thread. It needs CAP_SYS_NICE or a limit that allows it (systemd: <c>LimitNICE=-10</c>); without, all
    /// works as before and only time is lost, so a refusal is no error.
    /// </summary>
    public static void Prefer() => _ = NativeMethods.SetPriority(0, ThisThread, NiceValue);
}
