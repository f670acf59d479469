using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using WolfScale.Server.Hosting;
using WolfScale.Server.Http;

namespace WolfScale.Server.Cli;

/// <summary>SIGTERM and Ctrl+C end the program in order; the second one ends it at once. SIGHUP (a closed terminal, or a wish to read the configuration again) does not, and reads it.</summary>
internal sealed class EndSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    /// <param name="logger">Where it is told.</param>
    /// <param name="running">Who reads its configuration again on SIGHUP; nobody while it starts.</param>
    public EndSignals(ILogger logger, Func<IReload?> running) => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => End(context, logger)),
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => End(context, logger)),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            Reload(running(), logger);
        }),
    ];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    /// <summary>What came of it stands in the log.</summary>
    private static void Reload(IReload? running, ILogger logger)
    {
        try
        {
            _ = running?.Reload();
        }
        catch (RefusedException)
        {
            // Said already; there is nobody to answer.
        }
        catch (Exception e)
        {
            HostLog.NotReloaded(logger, e.Message); // whatever it was: a signal must not end a program
        }
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
