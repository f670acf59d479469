using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Plans;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.MariaDb;

/// <summary>
/// Drives the local MariaDB to the role that the cluster gives this node, and says how far it has come. One loop does all the work;
/// what must survive a crash half-way is a plan in <see cref="IPlanStore"/>.
/// </summary>
public sealed class DatabaseController : IAsyncDisposable
{
    private ILeaderLog? _leading;

    public DatabaseController(
        DatabaseOptions options,
        IReplicatedLog log,
        IFeed feed,
        ICaptureFactory captures,
        IPlanStore plans,
        ILoggerFactory loggers,
        TimeProvider time)
    {
        _ = (options, log, feed, captures, plans, loggers, time);
    }

    /// <summary>The latest snapshot.</summary>
    public DatabaseState State { get; private set; } = new();

    /// <summary>Called with every new snapshot, in order, from the controller's loop: it must be short and must not block.</summary>
    public event Action<DatabaseState>? Changed;

    /// <summary>The last preflight, or null before the server answered once.</summary>
    public PreflightReport? Preflight { get; private set; }

    /// <summary>Starts the loop. Until <see cref="Lead"/> or <see cref="Follow"/> is called the node is a follower.</summary>
    public void Start() => Changed?.Invoke(State);

    /// <summary>
    /// The node leads the term of <paramref name="log"/>: open the server for writes as soon as that is safe. Call it after the term's
    /// no-op stands in the log. Returns at once; a call for a later term, <see cref="Follow"/> or the end of the term ends this one.
    /// </summary>
    public void Lead(ILeaderLog log) => _leading = log;

    /// <summary>The node does not lead: close the server for writes and feed it. Returns at once.</summary>
    public void Follow() => _leading = null;

    /// <summary>
    /// Planned switchover, on the leader: refuses new writes and lets those under way end, within <paramref name="limit"/>. On success the
    /// server is read-only and everything it committed is in the committed log; hand the lead over, or take it back with <see cref="ResumeServing"/>.
    /// </summary>
    /// <returns>False when the time was up: writes go on as before.</returns>
    public Task<bool> PrepareHandoverAsync(TimeSpan limit, CancellationToken cancellationToken) => Task.FromResult(_leading is null);

    /// <summary>Opens the server again after a <see cref="PrepareHandoverAsync"/> whose hand-over did not come about.</summary>
    public void ResumeServing() => _leading = null;

    /// <summary>
    /// Stops the loop. The server stays as it is: a leader's commits then wait for ever (fail-stop), until a node of the cluster looks after it again.
    /// </summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
