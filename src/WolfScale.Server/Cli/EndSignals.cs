using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using WolfScale.Server.Hosting;
using WolfScale.Server.Http;

namespace WolfScale.Server.Cli;

/// <summary>SIGTERM and Ctrl+C end the program in order; the second one ends it at once. SIGHUP (a closed terminal, or a wish to read the configuration again) does not, and reads it.</summary>
internal sealed class EndSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly Lock _lock = new();
    private readonly ILogger _logger;
    private readonly PosixSignalRegistration[] _registrations;
    private IReload? _running;
    private bool _isOwed;

    /// <param name="logger">Where it is told.</param>
    public EndSignals(ILogger logger)
    {
        _logger = logger;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, End),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, End),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                HangUp();
            }),
        ];
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    /// <summary>Who reads its configuration again on SIGHUP; null: nobody while it starts. What came meanwhile is made up for: what it was started with may be older than the file.</summary>
    public void Runs(IReload? running)
    {
        bool isOwed;
        lock (_lock)
        {
            _running = running;
            isOwed = _isOwed && running is not null;
            _isOwed &= running is null;
        }

        if (isOwed)
            Reload(running!);
    }

    /// <summary>SIGHUP.</summary>
    internal void HangUp()
    {
        IReload? running;
        lock (_lock)
        {
            running = _running;
            _isOwed |= running is null;
        }

        if (running is not null)
            Reload(running);
    }

    /// <summary>What came of it stands in the log.</summary>
    private void Reload(IReload running)
    {
        try
        {
            _ = running.Reload();
        }
        catch (RefusedException)
        {
            // Said already; there is nobody to answer.
        }
        catch (Exception e)
        {
            HostLog.NotReloaded(_logger, e.Message); // whatever it was: a signal must not end a program
        }
    }

    private void End(PosixSignalContext context)
    {
        if (_source.IsCancellationRequested)
            return; // the default: ends the process
        context.Cancel = true;
        HostLog.Stopping(_logger, context.Signal.ToString());
        _source.Cancel();
    }
}
