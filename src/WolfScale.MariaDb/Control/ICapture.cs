using WolfScale.MariaDb.Log;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>Captures one leadership term: WolfScale as the semi-sync replica of the local server.</summary>
public interface ICapture
{
    /// <summary>Completes when the server lists us as its semi-sync replica and the stream is live; faults when that cannot be.</summary>
    Task Attached { get; }

    /// <summary>The last group that stands in the log, committed or not; null until the first.</summary>
    Gtid? LastCapturedGtid { get; }

    /// <summary>Runs until the term or <paramref name="cancellationToken"/> ends; throws when capture cannot go on.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>Makes the capture of a term. The host joins it with <c>Capture</c>.</summary>
public interface ICaptureFactory
{
    ICapture Create(ILeaderLog log);
}
