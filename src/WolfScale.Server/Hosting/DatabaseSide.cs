using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.MariaDb;

namespace WolfScale.Server.Hosting;

/// <summary>
/// The local MariaDB and everything that looks after it: feed, capture, controller. It begins when the node is a member, because the
/// log's base (rule C2) is not known before.
/// </summary>
internal sealed class DatabaseSide : IAsyncDisposable
{
    private static readonly TimeSpan HandoverLimit = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A server that takes no more writes answers at once; on a machine that is busy its threads may have to wait for their turn, and a longer pause is better
    /// than a client that hears that nobody knows.
    /// </summary>
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan TransferLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DemotionLimit = TimeSpan.FromSeconds(10);

    private readonly ClusterNode _node;
    private readonly NodeConfiguration _configuration;
    private readonly IProxyControl _proxy;
    private readonly Maintenance _maintenance;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly HttpMigrationSources _sources;
    private readonly DatabaseChronicle _chronicle;
    private readonly FeedServer _feed;
    private readonly CaptureFactory _captures;
    private readonly DatabaseController _controller;
    private readonly RoleDriver _roles;
    private readonly Lock _announcing = new();
    private readonly SemaphoreSlim _handingOver = new(1, 1);
    private DatabaseState _logged = new();

    public DatabaseSide(ClusterNode node, NodeConfiguration configuration, OtherApis apis, IProxyControl proxy, Maintenance maintenance, ILoggerFactory loggers, TimeProvider time)
    {
        (_node, _configuration, _proxy, _maintenance, _time) = (node, configuration, proxy, maintenance, time);
        _logger = loggers.CreateLogger("WolfScale.Server.MariaDb");
        _chronicle = new DatabaseChronicle(node.History, time);
        var log = new ReplicatedLog(node);
        _ = HostPort.TryParse(configuration.Database.FeedBindAddress, out var bind, out _);
        _feed = new FeedServer(new FeedOptions { BindAddress = bind.ToEndPoint() }, log, loggers, time);
        _feed.ReplicaRefused += refusal => HostLog.FeedRefused(_logger, refusal.Position, refusal.Message);
        _feed.Defining = proxy.OnDefinition;
        _sources = new HttpMigrationSources(() => node.View, apis);
        _captures = new CaptureFactory(NodeOptions.Capture(configuration), loggers, time);
        _controller = new DatabaseController(
            NodeOptions.Database(configuration, Peers) with { CutProxySessions = CutProxySessions, MigrationSources = _sources, History = _chronicle }, log, _feed, _captures,
            new StatePlanStore(node.State), loggers, time);
        _roles = new RoleDriver(node, log, _controller, _logger);
        Verification = new Verification(NodeOptions.Database(configuration, Peers), _feed, log, () => _controller.State.Phase, time);
        _controller.Changed += OnChanged;
        _maintenance.Changed += Announce;
    }

    /// <summary>What commits took.</summary>
    public CommitStages Commits => _captures.Stages;

    /// <summary>Commits that wait for the quorum now.</summary>
    public int WaitingCommits => _captures.WaitingCommits;

    /// <summary><see cref="State"/> has changed.</summary>
    public event Action? Changed;

    /// <summary>Its part in comparing all nodes.</summary>
    public Verification Verification { get; }

    /// <summary>The server as last looked at.</summary>
    public DatabaseState State => _controller.State;

    /// <summary>See <see cref="DatabaseController.OpenDumpAsync"/>.</summary>
    public Task<MariaDb.Dump.DatabaseDump> OpenDumpAsync(CancellationToken cancellationToken) => _controller.OpenDumpAsync(cancellationToken);

    /// <summary>See <see cref="DatabaseController.OpenCopyAsync"/>.</summary>
    public Task<MariaDb.Physical.PhysicalCopy> OpenCopyAsync(CancellationToken cancellationToken) => _controller.OpenCopyAsync(cancellationToken);

    /// <summary>See <see cref="DatabaseController.BeginFilesAsync"/>.</summary>
    public Task ReplaceFilesAsync(MigrateFilesRequest request, CancellationToken cancellationToken) => request.Step switch
    {
        "begin" => _controller.BeginFilesAsync(request.Ticket ?? "", request.From ?? "", request.ReplaceData, cancellationToken),
        "placed" => _controller.FilesPlacedAsync(request.Ticket ?? "", request.GtidPosition ?? "", request.Lsn, cancellationToken),
        _ => _controller.AbandonFilesAsync(request.Ticket ?? "", cancellationToken),
    };

    /// <summary>See <see cref="DatabaseController.MigrateAsync"/>.</summary>
    public Task MigrateAsync(string from, bool replaceData, CancellationToken cancellationToken) => _controller.MigrateAsync(from, replaceData, cancellationToken);

    /// <summary>Starts looking after the server, in the node's present role.</summary>
    public void Start()
    {
        _controller.Start();
        _node.RoleChanged += OnRoleChanged;
        _roles.Apply(); // what was announced before the line above
    }

    /// <summary>
    /// Planned switchover: running transactions end within a bound, the lead moves, this server follows. When it cannot be done in time,
    /// writes go on here. One at a time: a second one, which fails because the first is under way, would open the server in the middle of it. It waits, and may find that there is nothing left to do.
    /// </summary>
    public async Task<TransferOutcome> HandOverAsync(string? to, CancellationToken cancellationToken)
    {
        await _handingOver.WaitAsync(cancellationToken);
        try
        {
            if (_node.Role is not { Lease: null } role)
                return await HandOverAloneAsync(to, cancellationToken);
            return role.Leader is { } leader && leader.Id != _node.Self.Id && (to is null || leader.Id == to)
                ? new TransferOutcome(true, leader.Id, "")
                : new TransferOutcome(false, null, $"this node leads no more; that is {role.Leader?.Id ?? "nobody at the moment"}");
        }
        finally
        {
            _ = _handingOver.Release();
        }
    }

    private async Task<TransferOutcome> HandOverAloneAsync(string? to, CancellationToken cancellationToken)
    {
        _proxy.OnHandover(true);
        try
        {
            if (!await _controller.PrepareHandoverAsync(HandoverLimit, cancellationToken))
                return new TransferOutcome(false, null, $"transactions under way did not end within {HandoverLimit.TotalSeconds} s");
            await _proxy.SettleAsync(SettleLimit, cancellationToken);
            var outcome = await TransferAsync(to, cancellationToken);
            if (!outcome.Succeeded)
                _controller.ResumeServing();
            return outcome;
        }
        catch (Exception)
        {
            // Nobody waits for it any more, or the server broke in the middle: it must not stay closed on purpose while this node leads.
            _controller.ResumeServing();
            throw;
        }
        finally
        {
            _proxy.OnHandover(false);
        }
    }

    /// <summary>
    /// Before the process ends: 1 hand the lead over if it is here; 2 close the server for writes in any case, so that applications get
    /// an error instead of a hang; 3 stop looking after it.
    /// </summary>
    public async Task StopAsync()
    {
        if (_node.Role.Lease is not null)                                                   // 1
        {
            var began = _time.GetTimestamp();
            var outcome = await TryHandOverAsync();
            var milliseconds = (long)_time.GetElapsedTime(began).TotalMilliseconds;
            if (outcome.Succeeded)
                HostLog.HandedOver(_logger, outcome.NewLeader ?? "another node", milliseconds);
            else
                HostLog.NotHandedOver(_logger, outcome.Reason);
            Switchovers.Record(_node, outcome.Succeeded, outcome.NewLeader, "the node stops", milliseconds, null, outcome.Reason);
        }

        _node.RoleChanged -= OnRoleChanged;
        _roles.Close();                                                                     // 2
        if (!await CloseAsync())
            HostLog.NotDemoted(_logger, DemotionLimit.TotalSeconds);
        await DisposeAsync();                                                               // 3
    }

    public async ValueTask DisposeAsync()
    {
        _node.RoleChanged -= OnRoleChanged;
        _maintenance.Changed -= Announce;
        await Verification.DisposeAsync();
        await _controller.DisposeAsync();
        await _feed.DisposeAsync();
        _sources.Dispose();
    }

    /// <summary>A server that breaks in the middle of it must not keep the node from stopping.</summary>
    private async Task<TransferOutcome> TryHandOverAsync()
    {
        try
        {
            return await HandOverAsync(null, CancellationToken.None);
        }
        catch (Exception e)
        {
            return new TransferOutcome(false, null, e.Message);
        }
    }

    private async Task<TransferOutcome> TransferAsync(string? to, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TransferLimit);
        try
        {
            return await _node.TransferLeadershipAsync(to, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new TransferOutcome(false, null, $"no node took the lead within {TransferLimit.TotalSeconds} s");
        }
    }

    private async Task<bool> CloseAsync()
    {
        using var limit = new CancellationTokenSource(DemotionLimit, _time);
        try
        {
            await _controller.CloseAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void OnRoleChanged(RoleChange change) => _roles.Apply();

    /// <summary>Tells the cluster how the server stands now.</summary>
    private void Announce()
    {
        lock (_announcing)
            _node.SetLocalState(LocalFacts.Of(State, _configuration, _maintenance.IsOn));
    }

    private void OnChanged(DatabaseState state)
    {
        Announce();
        _chronicle.OnChanged(state);
        if (state.Phase != _logged.Phase || state.Reason != _logged.Reason)
            HostLog.Database(_logger, state.Phase.ToString(), state.AppliedLsn, state.Reason.Length > 0 ? ": " + state.Reason : "");
        foreach (var alarm in state.Alarms.Except(_logged.Alarms))
            HostLog.DatabaseAlarm(_logger, alarm);
        _logged = state;
        Changed?.Invoke();
    }

    private Task CutProxySessions(CancellationToken cancellationToken)
    {
        _proxy.OnClosing();
        return Task.CompletedTask;
    }

    private List<PeerServer> Peers()
    {
        var view = _node.View;
        return [.. view.Nodes.Where(n => n.Id != view.SelfId)
            .Select(n => PeerServer.From(n.Id, n.DatabaseAnnouncement, n.Id == view.LeaderId))];
    }
}

/// <summary>What the proxy must know of its own server's changes.</summary>
internal interface IProxyControl
{
    /// <summary>A planned switchover has begun, or is over.</summary>
    void OnHandover(bool isUnderWay);

    /// <summary>Waits, at most so long, until the proxy's clients know what became of the writes that the server was sent before it took no more.</summary>
    Task SettleAsync(TimeSpan limit, CancellationToken cancellationToken);

    /// <summary>A demotion begins, before anything is killed.</summary>
    void OnClosing();

    /// <summary>The server is about to be sent what may change a view, a routine or a trigger.</summary>
    void OnDefinition(Protocol.Gtid gtid);
}
