using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using WolfScale.Server.Hosting;

namespace WolfScale.Server.Cli;

/// <summary>SIGTERM and Ctrl+C end the program in order; the second one ends it at once. SIGHUP (a closed terminal, or a wish to read the configuration again) does not.</summary>
internal sealed class EndSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    /// <param name="logger">Where it is told.</param>
    /// <param name="onHangup">What SIGHUP does; null: nothing.</param>
    public EndSignals(ILogger logger, Action? onHangup = null) => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => End(context, logger)),
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => End(context, logger)),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            onHangup?.Invoke();
        }),
    ];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    private void End(PosixSignalContext context, ILogger logger)
    {
        if (_source.IsCancellationRequested)
            return; // the default: ends the process
        context.Cancel = true;
        HostLog.Stopping(logger, context.Signal.ToString());
        _source.Cancel();
    }
}
