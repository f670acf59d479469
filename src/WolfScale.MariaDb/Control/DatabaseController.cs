using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Events;
using WolfScale.MariaDb.Following;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Migration;
using WolfScale.MariaDb.Plans;
using WolfScale.MariaDb.Positions;
using WolfScale.MariaDb.Preflight;
using WolfScale.MariaDb.Roles;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>
/// Drives the local MariaDB to the role that the cluster gives this node, and says how far it has come. One loop does all the work:
/// <code>
///   connect ─▶ preflight ─▶ run-time settings ─▶ role: FollowerRole or LeaderRole, until it changes
///      ▲                                              │ a lost connection, an unexpected error
///      └──────────────────────────────────────────────┘ nothing learned before counts
/// </code>
/// What must survive a crash half-way is a plan in <see cref="IPlanStore"/>.
/// </summary>
public sealed partial class DatabaseController : IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan PreflightRetry = TimeSpan.FromSeconds(2);

    private readonly DatabaseOptions _options;
    private readonly IReplicatedLog _log;
    private readonly IFeed _feed;
    private readonly IPlanStore _store;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ServerConnector _connector;
    private readonly LeaderCapture _capture;
    private readonly Handover _handover;
    private readonly FeedHold _hold = new();
    private readonly MigrationOrders _orders = new();
    private readonly StateBoard _board = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private volatile bool _closing;
    private DesiredRole _desired;
    private Task _loop = Task.CompletedTask;

    public DatabaseController(
        DatabaseOptions options,
        IReplicatedLog log,
        IFeed feed,
        ICaptureFactory captures,
        IPlanStore plans,
        ILoggerFactory loggers,
        TimeProvider time)
    {
        _options = options;
        _log = log;
        _feed = feed;
        _store = plans;
        _logger = loggers.CreateLogger<DatabaseController>();
        _time = time;
        _connector = new ServerConnector(options);
        _capture = new LeaderCapture(captures);
        _handover = new Handover(_connector, time);
        _desired = new DesiredRole(null);
    }

    /// <summary>The latest snapshot.</summary>
    public DatabaseState State => _board.State;

    /// <summary>Called with every new snapshot, in order, from the controller's loop: it must be short and must not block.</summary>
    public event Action<DatabaseState>? Changed
    {
        add => _board.Changed += value;
        remove => _board.Changed -= value;
    }

    /// <summary>The last preflight, or null before the server answered once.</summary>
    public PreflightReport? Preflight { get; private set; }

    /// <summary>Called after every step of every plan with plan and step; the tests crash here.</summary>
    internal Func<string, string, Task>? AfterStep { get; init; }

    /// <summary>Starts the loop. Until <see cref="Lead"/> or <see cref="Follow"/> is called the node is a follower.</summary>
    public void Start() => _loop = RunAsync();

    /// <summary>
    /// The node leads the term of <paramref name="log"/>: open the server for writes as soon as that is safe. Call it after the term's
    /// no-op stands in the log. Returns at once; a call for a later term, <see cref="Follow"/> or the end of the term ends this one.
    /// </summary>
    public void Lead(ILeaderLog log) => Desire(log);

    /// <summary>The node does not lead: close the server for writes and feed it. Returns at once.</summary>
    public void Follow() => Desire(null);

    /// <summary>The node stops: close the server for writes whoever leads, so that applications get an error and do not hang. Returns at once.</summary>
    public void Close()
    {
        _closing = true;
        Desire(null);
    }

    /// <summary>
    /// Planned switchover, on the leader: lets the transactions under way end and refuses new writes, within <paramref name="limit"/>. On success the
    /// server is read-only and everything it committed is in the committed log; hand the lead over, or take it back with <see cref="ResumeServing"/>.
    /// </summary>
    /// <returns>False when the server does not serve, or the time was up: writes go on as before.</returns>
    public Task<bool> PrepareHandoverAsync(TimeSpan limit, CancellationToken cancellationToken) =>
        State.Serving ? _handover.PrepareAsync(_log, limit, cancellationToken) : Task.FromResult(false);

    /// <summary>Lets the server be opened again after a <see cref="PrepareHandoverAsync"/> whose hand-over did not come about: while this node still leads, and not otherwise.</summary>
    public void ResumeServing() => _handover.Resume();

    /// <summary>
    /// Closes the server for writes and returns when it is closed: before a planned end of the node, so that applications get an error instead
    /// of a commit that waits. That goes for a server that holds its commits too. Does not wait for one that is down or refused.
    /// </summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        Close();
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(DatabaseState state)
        {
            if (state is { HoldsCommits: false } && state.Phase is not (DatabasePhase.Serving or DatabasePhase.Promoting or DatabasePhase.Demoting or DatabasePhase.Starting))
                _ = closed.TrySetResult();
        }

        _board.Changed += Look;
        try
        {
            Look(State);
            await closed.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            _board.Changed -= Look;
        }
    }

    /// <summary>
    /// Stops the loop. The server stays as it is: a leader's commits then wait for ever (fail-stop), until a node of the cluster looks after it again.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        await _loop;
        await _capture.EndAsync();
        lock (_gate)
            _desired.Dispose();
        _stop.Dispose();
    }

    private void Desire(ILeaderLog? lease)
    {
        DesiredRole before;
        lock (_gate)
        {
            if (_stop.IsCancellationRequested || (_desired.Lease is null && lease is null))
                return;
            before = _desired;
            _desired = new DesiredRole(lease);
        }

        before.End();
    }

    private DesiredRole Desired
    {
        get
        {
            lock (_gate)
            {
                // The end of a term is the end of the role, whether or not anyone has said so yet.
                if (_desired.Lease is { Ended.IsCancellationRequested: true })
                {
                    _desired.End();
                    _desired = new DesiredRole(null);
                }

                return _desired;
            }
        }
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var server = await _connector.OpenAsync(_stop.Token);
                await RunConnectedAsync(server);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is MySqlException or SocketException or IOException or ServerErrorException or DatabaseException or ProtocolException)
            {
                LogFailed(e.Message);
                _board.Enter(DatabasePhase.Down, $"MariaDB at {Where} cannot be worked with: {e.Message}");
            }
            catch (Exception e)
            {
                // A defect. The server is left as it is, which is safe in every phase, and everything is looked at anew.
                LogDefect(e);
                _board.Enter(DatabasePhase.Down, $"Looking after MariaDB failed: {e.Message}");
            }

            await PauseAsync(Retry, _stop.Token);
        }
    }

    private async Task RunConnectedAsync(AdminConnection server)
    {
        while (true)
        {
            var facts = await ServerFacts.ReadAsync(server);
            Preflight = PreflightCheck.Run(facts, await PreflightContextAsync(server, facts));
            _board.Update(s => s with
            {
                Version = facts.Version.Text,
                ServerId = facts.ServerId,
                LowerCaseTableNames = facts.LowerCaseTableNames,
                Announcement = facts.Announcement(null).ToString(),
                Up = true,
            });
            if (!Preflight.CanFollow)
            {
                await RefuseAsync(server, facts);
                continue;
            }

            try
            {
                await RunRolesAsync(server, facts);
            }
            catch (PreflightOutdatedException)
            {
                // Looked at again, and refused, with the reason.
            }
        }
    }

    /// <summary>
    /// A server that is refused is left alone, unless it was ours before: then it must not stay open for writes. While this node leads it stays open, gated,
    /// until the lead has gone elsewhere; but not where the gate is not the quorum's alone.
    /// </summary>
    private async Task RefuseAsync(AdminConnection server, ServerFacts facts)
    {
        var reason = string.Join(" ", Preflight!.Findings.Where(f => f.Severity == FindingSeverity.Refusal).Select(f => f.ToString()));
        if (State.Phase != DatabasePhase.Refused || State.Reason != reason)
            LogRefused(reason);
        _board.Enter(DatabasePhase.Refused, reason);
        if (facts.IsOpen && facts.Version.IsMariaDb && server.LeavesNoTrace && await WasOursAsync(facts)
            && (Desired.Lease is null || Preflight.Findings.Any(f => f.Code == ReplicationRules.ForeignSemiSync)))
        {
            await _capture.EndAsync();
            await new Demotion(_connector, server, Plans, _logger).RunAsync(_stop.Token);
        }

        await PauseAsync(PreflightRetry, _stop.Token);
        _stop.Token.ThrowIfCancellationRequested();
    }

    private async Task<bool> WasOursAsync(ServerFacts facts) =>
        facts.WasOurs
        || await _store.LoadAsync(Demotion.PlanName, _stop.Token) is not null
        || await _store.LoadAsync(Closing.PromotionPlan, _stop.Token) is not null;

    private async Task RunRolesAsync(AdminConnection server, ServerFacts facts)
    {
        foreach (var warning in Preflight!.Findings)
            LogFinding(warning.ToString());
        await RuntimeSettings.ApplyAsync(server, facts);
        var context = new ServerContext
        {
            Options = _options,
            Connector = _connector,
            Server = server,
            Facts = facts,
            Log = _log,
            Feed = new FeedReplication(server, _feed, _options),
            Plans = Plans,
            Store = _store,
            Board = _board,
            Logger = _logger,
            Time = _time,
            Hold = _hold,
            Orders = _orders,
            CanLead = Preflight.CanLead,
            Stopping = _stop.Token,
            CaptureConnection = () => _capture.Current?.ConnectionId ?? 0,
            MayHold = () => !_closing && !_log.AnotherNodeLeads,
            CannotLeadReason = string.Join(" ", Preflight.Findings.Where(f => f.Severity == FindingSeverity.CannotLead).Select(f => f.ToString())),
        };
        if (facts is { LoggingEnded: true, IsOpen: true } && await WasOursAsync(facts))
            await UnloggedWrites.NoteAsync(_store, _stop.Token); // nobody looked after it when that happened
        var events = new EventMemory(context);
        var follower = new FollowerRole(context, events);
        var leader = new LeaderRole(context, _capture, _handover, events);
        while (true)
        {
            var desired = Desired;
            using var role = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, desired.Token, desired.Lease?.Ended ?? CancellationToken.None);
            try
            {
                if (desired.Lease is { } lease)
                {
                    await leader.RunAsync(lease, role.Token);
                }
                else
                {
                    await _capture.EndAsync();
                    await follower.RunAsync(role.Token);
                }
            }
            catch (OperationCanceledException) when (role.IsCancellationRequested)
            {
                _stop.Token.ThrowIfCancellationRequested();
            }
        }
    }

    private PlanRunner Plans => new(_store) { AfterStep = AfterStep };

    private async Task<PreflightContext> PreflightContextAsync(AdminConnection server, ServerFacts facts) => new()
    {
        NodeId = _options.NodeId,
        Leads = Desired.Lease is not null,
        AllowStatementFormat = _options.AllowStatementFormat,
        Peers = _options.Peers(),
        ClusterDomain = _log.LastGroupAtOrBefore(_log.LastLsn)?.Gtid.Domain,
        OwnSemiSyncClients = await AttachedReplicas.CountOwnAsync(server, facts),
        DumpHosts = await AttachedReplicas.ForeignHostsAsync(server, facts),
        FeedStartedItself = State.Phase is DatabasePhase.Down && facts.Replications.Any(r => r.Name == ServerFacts.FeedConnection && r.Runs),
        ReachedByExtraPort = server.ByExtraPort(facts),
    };

    private string Where => _options.Socket.Length > 0 ? _options.Socket : $"{_options.Host}:{_options.Port}";

    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(pause, _time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The loop's own condition ends it.
        }
    }

    private void LogFailed(string error) => LogFailed(_logger, Where, error);

    private void LogDefect(Exception exception) => LogDefect(_logger, exception);

    private void LogRefused(string reason) => LogRefused(_logger, Where, reason);

    private void LogFinding(string finding) => LogFinding(_logger, finding);

    [LoggerMessage(3000, LogLevel.Warning, "MariaDB at {Where} cannot be worked with: {Error} It is tried again.")]
    private static partial void LogFailed(ILogger logger, string where, string error);

    [LoggerMessage(3001, LogLevel.Critical, "Looking after MariaDB failed because of a defect of WolfScale; everything is looked at anew.")]
    private static partial void LogDefect(ILogger logger, Exception exception);

    [LoggerMessage(3002, LogLevel.Error, "MariaDB at {Where} is refused and left alone: {Reason}")]
    private static partial void LogRefused(ILogger logger, string where, string reason);

    [LoggerMessage(3003, LogLevel.Warning, "{Finding}")]
    private static partial void LogFinding(ILogger logger, string finding);
}
