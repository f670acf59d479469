using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using WolfScale.Server.Hosting;

namespace WolfScale.Server.Service;

/// <summary>systemd's notification socket: sd_notify(3), sd_watchdog_enabled(3).</summary>
internal sealed class NotifySocket : IServiceManager, IDisposable
{
    private const string SocketVariable = "NOTIFY_SOCKET";

    /// <summary>A service manager that does not read is waited for, because READY must not get lost; but not for ever.</summary>
    private const int SendTimeoutMs = 5000;

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = SendTimeoutMs };
    private readonly UnixDomainSocketEndPoint _manager;
    private readonly ILogger _logger;

    private NotifySocket(string path, TimeSpan? watchdog, ILogger logger)
    {
        // An abstract socket is written with @, and named with a null character.
        _manager = new UnixDomainSocketEndPoint(path.StartsWith('@') ? '\0' + path[1..] : path);
        (Watchdog, _logger) = (watchdog, logger);
    }

    public TimeSpan? Watchdog { get; }

    /// <summary>Null where nobody wants to be told. The variables are taken out of the environment, so that no child process speaks for this one.</summary>
    public static NotifySocket? Open(ILogger logger)
    {
        var path = Environment.GetEnvironmentVariable(SocketVariable);
        var watchdog = WatchdogOf(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID"), Environment.ProcessId);
        foreach (var variable in (string[])[SocketVariable, "WATCHDOG_USEC", "WATCHDOG_PID"])
            Environment.SetEnvironmentVariable(variable, null);
        return path is { Length: > 1 } && path[0] is '/' or '@' ? new NotifySocket(path, watchdog, logger) : null;
    }

    /// <param name="microseconds">WATCHDOG_USEC.</param>
    /// <param name="process">WATCHDOG_PID: another process may be meant.</param>
    /// <param name="own">This process.</param>
    internal static TimeSpan? WatchdogOf(string? microseconds, string? process, int own) =>
        long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var interval) && interval > 0
        && (string.IsNullOrEmpty(process) || process == own.ToString(CultureInfo.InvariantCulture))
            ? TimeSpan.FromMicroseconds(interval)
            : null;

    public void Tell(string state)
    {
        try
        {
            _ = _socket.SendTo(System.Text.Encoding.UTF8.GetBytes(state), _manager);
        }
        catch (SocketException e)
        {
            HostLog.ServiceManagerNotTold(_logger, state.Split('\n')[0], e.Message);
        }
    }

    public void Dispose() => _socket.Dispose();
}
