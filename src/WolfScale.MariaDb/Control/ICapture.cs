using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Log;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>What the controller needs of <see cref="Capture"/>.</summary>
public interface ICapture : IDisposable
{
    /// <summary>Completes when the server waits for us, and for us alone; fails when that cannot be.</summary>
    Task Attached { get; }

    /// <summary>The server's id of the present connection, known before it asks for the binlog; 0: none.</summary>
    long ConnectionId { get; }

    /// <summary>The last group that stands in the log, committed or not; null before the first.</summary>
    Gtid? LastCapturedGtid { get; }

    /// <summary>The latest fault, final or overcome since.</summary>
    CaptureFault? LastFault { get; }

    /// <summary>Runs until the term or <paramref name="cancellationToken"/> ends; returns the fault where it cannot go on.</summary>
    Task<CaptureFault?> RunAsync(CancellationToken cancellationToken);
}

/// <summary>Makes the capture of a term.</summary>
public interface ICaptureFactory
{
    ICapture Create(ILeaderLog log);
}

/// <summary>Makes real captures of one server.</summary>
public sealed class CaptureFactory(CaptureOptions options, ILoggerFactory loggers, TimeProvider time) : ICaptureFactory
{
    private Capture? _last;

    /// <summary>What commits took, over all captures.</summary>
    public CommitStages Stages { get; } = new();

    /// <summary>Commits that wait for the quorum now.</summary>
    public int WaitingCommits => Volatile.Read(ref _last)?.Statistics.WaitingCommits ?? 0;

    public ICapture Create(ILeaderLog log)
    {
        var capture = new Capture(options, log, loggers, time, Stages);
        Volatile.Write(ref _last, capture);
        return capture;
    }
}
