using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Log;

namespace WolfScale.MariaDb.Roles;

/// <summary>The capture of the present term. It outlives a lost administrative connection, and ends with the term.</summary>
internal sealed class LeaderCapture(ICaptureFactory captures)
{
    private ILeaderLog? _lease;
    private Task<CaptureFault?>? _run;

    public ICapture? Current { get; private set; }

    /// <summary>Why the capture has ended by itself; null while it runs.</summary>
    public string? Fault => _run is { IsCompleted: true } run
        ? run.IsCompletedSuccessfully && run.GetAwaiter().GetResult() is { } fault ? fault.Message : run.Exception?.InnerException?.Message ?? "its term is over."
        : null;

    /// <summary>The running capture of that term, or a new one.</summary>
    public async Task<ICapture> AttachAsync(ILeaderLog lease, ServerContext context)
    {
        if (Current is { } running && ReferenceEquals(_lease, lease) && Fault is null)
            return running;
        await EndAsync();

        // What an earlier life of this node left attached would be counted as a second replica until the server notices its end.
        foreach (var dump in (await ClientSessions.ListAsync(context.Server)).Where(s => s.IsDump && s.User == context.Options.User))
            await ClientSessions.KillAsync(context.Server, dump.Id);
        _lease = lease;
        Current = captures.Create(lease);
        _run = Current.RunAsync(CancellationToken.None);
        return Current;
    }

    /// <summary>Ends it and waits for its end: no ACK leaves afterwards.</summary>
    public async Task EndAsync()
    {
        if (Current is { } capture)
        {
            capture.Dispose();
            if (_run is { } run)
                await Task.WhenAny(run);
        }

        Current = null;
        _run = null;
        _lease = null;
    }
}
