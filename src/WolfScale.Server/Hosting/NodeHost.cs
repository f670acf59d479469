using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.Cluster.History;
using WolfScale.Consensus;
using WolfScale.MariaDb;
using WolfScale.Proxy.Sql;
using WolfScale.Server.Dashboard;
using WolfScale.Server.Hosting.Membership;
using WolfScale.Server.Hosting.Reloading;
using WolfScale.Server.Hosting.Verifying;
using WolfScale.Server.Http;
using WolfScale.Server.Http.Data;
using WolfScale.Server.Http.Data.Sessions;
using WolfScale.Server.Logging;
using WolfScale.Server.Metrics;
using WolfScale.Server.Service;

namespace WolfScale.Server.Hosting;

/// <summary>
/// One node: joins the cluster's part, the MariaDB side and the HTTP API.
/// <code>
///   start:  1 cluster node (log, state, peers) ─▶ 2 API, proxy ─▶ 3 once a member: feed, controller in the present role
///   stop:   1 hand over, close the server for writes, MariaDB side ─▶ 2 proxy, API ─▶ 3 cluster node
/// </code>
/// The API outlives the hand-over, so that an operator sees it happen; the cluster node is last, because everything stands on it.
/// </summary>
internal sealed partial class NodeHost : INodeReportSource, INodeOperations, IDataCopies, IProxyQuestions, IProxyControl, IMaintenance, IDataNode, IDashboardSource, IWatchedProgram, IAsyncDisposable
{
    /// <summary>A promotion is bounded by less (rule C4).</summary>
    private static readonly TimeSpan OpeningLimit = TimeSpan.FromSeconds(10);

    private volatile NodeConfiguration _configuration;
    private readonly ClusterEntry _entry;
    private readonly NodeLoggerProvider _log;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ProcessFacts _process;
    private readonly LagClock _lag;
    private readonly TaskCompletionSource _member = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private readonly AccountHashes _accounts;
    private readonly OtherApis _apis;
    private readonly DiscardedWrites _discarded;
    private ClusterNode _node = null!; // set by the only way to get an instance
    private Maintenance _maintenance = null!;
    private VerifyMemory _verified = null!;
    private ApiServer? _api;
    private DatabaseSide? _database;
    private ProxySide? _proxy;
    private Tracing.WriteTracing? _tracing;
    private DataApi? _data;
    private readonly TaskCompletionSource _superseded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _lookingAfter = Task.CompletedTask;
    private Task _failingBack = Task.CompletedTask;
    private Task _comparing = Task.CompletedTask;
    private Task _figuring = Task.CompletedTask;
    private Task _showing = Task.CompletedTask;
    private DashboardSide? _dashboard;
    private RecentFigures _recent = null!;
    private string? _failure;

    private NodeHost(NodeConfiguration configuration, ClusterEntry entry, NodeLoggerProvider log, ILoggerFactory loggers, TimeProvider time, string version)
    {
        (_configuration, _entry, _log, _loggers, _time) = (configuration, entry, log, loggers, time);
        _logger = loggers.CreateLogger("WolfScale.Server.Node");
        _process = new ProcessFacts(version, time.GetUtcNow(), Environment.ProcessId);
        _lag = new LagClock(time);
        _discarded = new DiscardedWrites(configuration.FilesDirectory, _logger, time);
        _accounts = new AccountHashes(NodeOptions.Database(configuration, static () => []), time);
        _apis = new OtherApis(configuration);
    }

    /// <summary>What the node knows now.</summary>
    public NodeReport Current
    {
        get
        {
            var database = _database?.State;
            var commit = _node.CommitLsn;
            var behind = database is not null && database.AppliedLsn < commit;
            return ReportBuilder.Build(_configuration, _node.View, new LogEnds(_node.Wal.Durable.Lsn, commit), database, database is null ? null : _lag.Note(behind), _process)
                with
                {
                    ProxySessions = _proxy?.Sessions, HiddenNames = HiddenNames?.Version, Maintenance = _maintenance.IsOn, Verified = _verified.Last, Discarded = Discarded, LastTerm = _node.Wal.Last.Term,
                    At = _time.GetUtcNow(), Disk = MachineFacts.Disk(_configuration.DataDirectory), Certificates = _certificates, NeedRestart = _needRestart,
                };
        }
    }

    /// <summary>Completes when the node must be started anew: its cluster was recovered by force without it.</summary>
    public Task Superseded => _superseded.Task;

    private DiscardedReport? Discarded => (DiscardedWrites.Read(_node.State), _node.History.Discarded) is var (log, rolledBack) && log.Transactions + rolledBack > 0
        ? new DiscardedReport(log.Transactions, log.LastFile, rolledBack)
        : null;

    public string Summary => ReportBuilder.Summary(Current);

    /// <summary>The node's housekeeping, which goes through the consensus core, the core's clock, and the proxy's event loops.</summary>
    public Task PassAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_node.PassAsync(cancellationToken), _proxy?.PassAsync(cancellationToken) ?? Task.CompletedTask);

    /// <summary>Starts the node; it serves as soon as it is a member and its server is in step.</summary>
    /// <param name="configuration">Valid.</param>
    /// <param name="entry">How it comes into its cluster.</param>
    /// <param name="log">Where the loggers write; its level can be changed.</param>
    /// <param name="loggers">Of the whole process.</param>
    /// <param name="time">The clock.</param>
    /// <param name="version">Shown by <c>/status</c>.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <param name="read">Reads the configuration again, for a reload; null: there is none.</param>
    /// <exception cref="ClusterStartException">It cannot or must not start; the message says what to do.</exception>
    /// <exception cref="DatabaseException">The server cannot found a cluster.</exception>
    /// <exception cref="IOException">The API's address cannot be used.</exception>
    public static async Task<NodeHost> StartAsync(
        NodeConfiguration configuration, ClusterEntry entry, NodeLoggerProvider log, ILoggerFactory loggers, TimeProvider time, string version,
        CancellationToken cancellationToken, Func<LoadedConfiguration>? read = null)
    {
        var host = new NodeHost(configuration, entry, log, loggers, time, version);
        host._certificates = MachineFacts.Certificates(configuration);
        host._reloader = new Reloader(configuration.Node.Id, configuration, read, host, host._logger);
        host._node = await ClusterNode.StartAsync(                                          // 1
            NodeOptions.Cluster(configuration, entry) with { BootstrapBase = host.FoundAsync, SaveDiscarded = host._discarded.Save }, loggers, time, cancellationToken);
        host._node.Superseded += () => host._superseded.TrySetResult();
        if (host._node.IsSuperseded)
            _ = host._superseded.TrySetResult(); // before anybody listened
        host._maintenance = new Maintenance(host._node.State);
        host._verified = new VerifyMemory(host._node.State);
        host._node.History.Record(EventKinds.Started, $"WolfScale {version} has started", ("version", version), ("pid", host._process.Id), ("address", host._node.Address));
        try
        {
            if (entry.Rejoin)
                host._node.Rejoin();
            await host.RunAsync(cancellationToken);
            return host;
        }
        catch (Exception)
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public Task<SwitchoverDocument> HandOverAsync(string? nodeId, CancellationToken cancellationToken) => HandOverAsync(nodeId, "an operator asked for it", cancellationToken);

    private async Task<SwitchoverDocument> HandOverAsync(string? nodeId, string why, CancellationToken cancellationToken)
    {
        if (nodeId is not null && SwitchoverRules.Refuse(_node.View, nodeId) is { } refusal)
            return new SwitchoverDocument(false, _node.View.LeaderId, 0, refusal); // before any write has to wait
        var began = _time.GetTimestamp();
        var outcome = _database is { } database && _node.Role.Lease is not null
            ? await database.HandOverAsync(nodeId, cancellationToken)
            : new TransferOutcome(false, null, $"This node does not serve as leader; that is {_node.View.LeaderId ?? "nobody at the moment"}.");
        var durationMs = (long)_time.GetElapsedTime(began).TotalMilliseconds;
        var done = new SwitchoverDocument(outcome.Succeeded, outcome.NewLeader ?? _node.View.LeaderId, durationMs, outcome.Succeeded ? null : outcome.Reason)
        {
            WritePauseMs = outcome is { Succeeded: true, NewLeader: { } leader } && await HasOpenedAsync(leader, cancellationToken) ? (long)_time.GetElapsedTime(began).TotalMilliseconds : null,
        };
        Switchovers.Record(_node, done.Success, done.Success ? done.Leader : nodeId, why, done.DurationMs, done.WritePauseMs, done.Reason);
        return done;
    }

    public async Task<(MaintenanceDocument? Done, string Reason)> SetMaintenanceAsync(bool on, CancellationToken cancellationToken)
    {
        if (!_configuration.Database.Enabled)
            return (null, "This node is a witness, which never leads.");
        var handed = on && _node.Role.Lease is not null ? await HandOverAsync(null, "maintenance was switched on", cancellationToken) : null;
        if (handed is { Success: false })
            return (null, $"The node leads, and the lead could not be handed over: {handed.Reason ?? "nobody took it in time"}. It is not in maintenance.");
        HostLog.MaintenanceSet(_logger, on ? "on: this node keeps the lead away" : "off");
        _maintenance.Set(on);
        _node.History.Record(EventKinds.Maintenance, on ? "an operator switched maintenance on: this node keeps the lead away" : "an operator switched maintenance off", ("on", on));
        return (new MaintenanceDocument(_configuration.Node.Id, on, _node.View.LeaderId, handed?.WritePauseMs), "");
    }

    public bool SetLogLevel(string level)
    {
        if (!Enum.TryParse<LogDetail>(level, ignoreCase: true, out var detail) || !Enum.IsDefined(detail))
            return false;
        HostLog.LevelChanged(_logger, detail.ToString());
        _log.MinimumLevel = NodeLoggerProvider.Level(detail);
        return true;
    }

    public async Task<ReadIndexDocument> ReadIndexAsync()
    {
        var gtid = await ReadIndex.AskAsync(_node, _time);
        var (_, term, leader, _) = _node.Role;
        return leader is { } confirmed ? new ReadIndexDocument(gtid?.ToString(), confirmed.Id, term) : throw new InvalidOperationException("Nobody leads any more: ask again.");
    }

    public HiddenViews? HiddenNames => _proxy?.HiddenNames;

    public Task<IReadOnlyList<byte[]>> AccountHashesAsync(string user) =>
        _accounts.NativeAsync(user);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _node.ViewChanged -= OnViewChanged;
        _node.History.Record(EventKinds.Stopping, "this node stops, as it was told to");
        await EndedAsync(_lookingAfter, _failingBack, _comparing, _figuring, _showing);
        if (_dashboard is { } dashboard)
            await EndedAsync(dashboard.DisposeAsync().AsTask());
        if (_database is { } database)                                                      // 1
            await database.StopAsync();
        if (_proxy is { } proxy)
            await proxy.DisposeAsync();
        if (_tracing is { } tracing)
            await tracing.DisposeAsync();
        if (_api is { } api)                                                                // 2
            await api.DisposeAsync();
        if (_data is { } data)
            await data.DisposeAsync();
        await _node.DisposeAsync();                                                         // 3
        _stopping.Dispose();
        HostLog.Stopped(_logger);
    }

    /// <summary>However they ended: the hand-over and the closing of the server come after it in any case.</summary>
    private async Task EndedAsync(params Task[] tasks)
    {
        foreach (var task in tasks)
        {
            try
            {
                await task;
            }
            catch (Exception e)
            {
                HostLog.EndedBadly(_logger, e);
            }
        }
    }

    CancellationToken IDataCopies.Stopping => _stopping.Token;

    CancellationToken IDataNode.Stopping => _stopping.Token;

    public void Spend(long bytes) => _ = _stopping.Token.WaitHandle.WaitOne(_node.SpendInBackground(bytes));

    public Task<MariaDb.Dump.DatabaseDump> OpenDumpAsync(CancellationToken cancellationToken) => Database.OpenDumpAsync(cancellationToken);

    public Task<MariaDb.Physical.PhysicalCopy> OpenCopyAsync(CancellationToken cancellationToken) => Database.OpenCopyAsync(cancellationToken);

    public Task ReplaceFilesAsync(MigrateFilesRequest request, CancellationToken cancellationToken) => Database.ReplaceFilesAsync(request, cancellationToken);

    public Task MigrateAsync(string from, bool replaceData, CancellationToken cancellationToken) => Database.MigrateAsync(from, replaceData, cancellationToken);

    (SessionOptions? Options, string Why) IDataNode.Proxy => _proxy is { } proxy
        ? ApiAccess.Find(_configuration, proxy.Address, proxy.TryFindLastGtid, proxy.FindOwnServer)
        : ApiAccess.Find(_configuration, null);

    NodeReport IDashboardSource.Report => Current;

    StatsDocument IDashboardSource.Stats => Stats();

    Figures IDashboardSource.Figures => Figures();

    /// <summary>It leads, and its server takes writes.</summary>
    public bool Serves => _node.Role.Lease is not null && _database?.State.Serving == true;

    private DatabaseSide Database => _database ?? throw new DumpException(
        _configuration.Database.Enabled ? "This node is no member of the cluster yet: its server is not looked after." : "This node is a witness: it has no server.");

    void IProxyControl.OnHandover(bool isUnderWay) => _proxy?.OnHandover(isUnderWay);

    Task IProxyControl.SettleAsync(TimeSpan limit, CancellationToken cancellationToken) => _proxy?.SettleAsync(limit, cancellationToken) ?? Task.CompletedTask;

    void IProxyControl.OnClosing() => _proxy?.OnClosing();

    void IProxyControl.OnDefinition(Protocol.Gtid gtid) => _proxy?.OnDefinition(gtid);

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_configuration.Database.Enabled)
        {
            HostLog.Witness(_logger);
            _node.SetLocalState(LocalFacts.Witness(_configuration));
        }

        _recent = new RecentFigures(Figures, _time);
        if (_configuration.Api.Enabled)                                                     // 2
        {
            _figuring = _recent.RunAsync(_stopping.Token);
            _dashboard = new DashboardSide(_configuration, _apis, this, _node.History, _time);
            _showing = _dashboard.RunAsync(_stopping.Token);
            _api = await ApiServer.StartAsync(
                _configuration.Api, this, this, _loggers, MapMore, cancellationToken);
            HostLog.ApiListens(_logger, _api.Address);
        }

        if (_configuration is { Proxy.Enabled: true, Database.Enabled: true })
        {
            _tracing = Tracing.WriteTracing.FromEnvironment(_configuration.Node.Id, _configuration.Cluster.ClusterName, _process.Version, _time);
            _proxy = new ProxySide(_node, _configuration, () => _database?.State, _accounts, _loggers, _time, _tracing);
        }

        _node.ViewChanged += OnViewChanged;
        OnViewChanged(_node.View); // what was announced before the line above
        if (_configuration.Database.Enabled)
            _lookingAfter = LookAfterDatabaseAsync();                                       // 3
        if (_configuration.Database.Enabled)
            _failingBack = FailBackAsync();
        if (_configuration is { Database.Enabled: true, Api.Enabled: true })
        {
            _comparing = new BackgroundVerify(
                () => _configuration, _apis, () => _node.View, () => Serves, _verified, _logger, _time).RunAsync(_stopping.Token);
        }
    }

    /// <summary>Waits, within a bound, until another node says that its server takes writes.</summary>
    private async Task<bool> HasOpenedAsync(string leader, CancellationToken cancellationToken)
    {
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(ClusterView view)
        {
            if (view.Find(leader) is { } node && LocalFacts.IsServing(node))
                _ = opened.TrySetResult();
        }

        _node.ViewChanged += Look;
        try
        {
            Look(_node.View);
            await opened.Task.WaitAsync(OpeningLimit, _time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            _node.ViewChanged -= Look;
        }
    }

    /// <summary>While this node leads: gives the lead to the lowest id once that is ready for it.</summary>
    private async Task FailBackAsync()
    {
        var rules = new FailbackRules();
        var began = _time.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(_configuration.Cluster.HeartbeatIntervalMs), _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                if (_configuration.Cluster.Failback != FailbackMode.Auto)
                    continue;
                if (rules.Look(_node.View, Serves, _time.GetElapsedTime(began)) is not { } preferred)
                    continue;
                HostLog.FailingBack(_logger, preferred);
                if (await TryGiveAsync(preferred) is { } reason)
                    HostLog.NotFailedBack(_logger, preferred, reason, FailbackRules.Again.TotalSeconds);
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    /// <returns>Why the lead is still here; null when it is not.</returns>
    private async Task<string?> TryGiveAsync(string to)
    {
        try
        {
            return await HandOverAsync(to, "cluster.failback = \"auto\": it is the lowest id and in step", _stopping.Token) is { Success: false } failed ? failed.Reason ?? "it did not take it in time" : null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return e.Message; // the local server did not answer in the middle of it
        }
    }

    /// <summary>What the API has beside status, health and switchovers.</summary>
    private void MapMore(IEndpointRouteBuilder routes)
    {
        ProxyEndpoints.Map(routes, this, _configuration.Cluster.Secret, _time);
        CopyEndpoints.Map(routes, this);
        VerifyEndpoints.Map(routes, () => _database?.Verification, OnVerified);
        EventEndpoints.Map(routes, _node.History, _stopping.Token);
        MetricsEndpoints.Map(routes, () => NodeMetrics.Write(
            Current, new NodeMeasures(_node.Wal, _node.History, _database?.Commits, _database?.WaitingCommits ?? 0, _proxy?.Counters)));
        MetricsEndpoints.MapStats(routes, Stats);
        _dashboard?.Map(routes, _stopping.Token);
        MaintenanceEndpoints.Map(routes, this);
        ReloadEndpoints.Map(routes, this);
        OpenApiEndpoint.Map(routes);
        _data = new DataApi(_node, this, _configuration.Database.Database, _loggers.CreateLogger("WolfScale.Server.Http"), _time);
        DataEndpoints.Map(routes, _data, _loggers.CreateLogger("WolfScale.Server.Http"));
        MembershipEndpoints.Map(routes, new MembershipOperations(_node, _configuration, cancellation => HandOverAsync(null, "the node leaves the cluster", cancellation), _logger));
    }

    private StatsDocument Stats()
    {
        var (before, now) = _recent.Look();
        return NodeStats.Make(Current, before, now, _database?.WaitingCommits ?? 0, _time);
    }

    private Figures Figures() => new(
        _time.GetTimestamp(), _node.CommitLsn, _database?.Commits.Groups ?? 0, _database?.Commits.EventBytes ?? 0,
        _database?.Commits.Capture.Copy(), _database?.Commits.Quorum.Copy(), _database?.Commits.Total.Copy(), _node.Wal.SyncTimes.Copy(),
        (_proxy?.Counters.ToLeader ?? 0) + (_proxy?.Counters.LocalReads ?? 0), _proxy?.Counters.LocalReads ?? 0, _proxy?.Counters.Connections.Value ?? 0);

    private void TellDiscarded() => _discarded.Settle(
        _node.Wal, _node.State, file => _node.History.Tells(EventKinds.Discarded, "file", file),
        open => _node.History.Record(
            EventKinds.Discarded, $"{open.Transactions} transactions that this node's log held are discarded; they are saved in {open.File}",
            ("file", open.File), ("transactions", open.Transactions), ("first", open.First), ("last", open.Last)));

    private void OnVerified(VerifyOutcome outcome)
    {
        _verified.Note(outcome);
        _node.History.Record(
            outcome.Identical ? EventKinds.Verified : EventKinds.Different, ClusterTable.Describe(_verified.Last!),
            ("lsn", outcome.Lsn), ("nodes", string.Join(", ", outcome.Nodes)), ("different", string.Join(", ", outcome.Different)));
    }

    /// <summary>Begins with the MariaDB side once the node is a member. It can fail only on this machine's own account (no port for the feed).</summary>
    private async Task LookAfterDatabaseAsync()
    {
        try
        {
            await _member.Task.WaitAsync(_stopping.Token);
            HostLog.Member(_logger, _node.Wal.Last.Lsn);
            var database = new DatabaseSide(_node, _configuration, _apis, this, _maintenance, _loggers, _time);
            database.Commits.Trail = _tracing?.Trail;
            if (_proxy is { } proxy)
                database.Changed += proxy.Update;
            database.Start();
            _database = database;
            _proxy?.Update();
        }
        catch (OperationCanceledException)
        {
            // Stopped before it was a member.
        }
        catch (Exception e)
        {
            HostLog.DatabaseSideFailed(_logger, e);
            _node.SetLocalState(new LocalState { Status = NodeStatus.Offline, Reason = e.Message });
        }
    }

    private void OnViewChanged(ClusterView view)
    {
        TellDiscarded();
        if (view.Stopped is { } failure && Interlocked.Exchange(ref _failure, failure) != failure)
            HostLog.Failed(_logger, failure);
        else if (view.Stopped is null)
            _failure = null; // a full disk has room again
        _dashboard?.Look();
        if (_node.Configuration is not null)
            _ = _member.TrySetResult();
    }

    /// <summary>The cluster begins here: its base is where the local server stands (rule C2).</summary>
    private async Task<LogBase> FoundAsync(CancellationToken cancellationToken)
    {
        var @base = await ClusterFoundation.PrepareAsync(NodeOptions.Database(_configuration, static () => []), cancellationToken);
        return new LogBase(@base.GtidPosition, @base.ServerWasEmpty);
    }
}
