using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.Consensus;
using WolfScale.MariaDb;
using WolfScale.Server.Http;
using WolfScale.Server.Logging;

namespace WolfScale.Server.Hosting;

/// <summary>
/// One node: joins the cluster's part, the MariaDB side and the HTTP API.
/// <code>
///   start:  1 cluster node (log, state, peers) ─▶ 2 API, proxy ─▶ 3 once a member: feed, controller in the present role
///   stop:   1 hand over, close the server for writes, MariaDB side ─▶ 2 proxy, API ─▶ 3 cluster node
/// </code>
/// The API outlives the hand-over, so that an operator sees it happen; the cluster node is last, because everything stands on it.
/// </summary>
internal sealed class NodeHost : INodeReportSource, INodeOperations, IDataCopies, IProxyQuestions, IProxyControl, IAsyncDisposable
{
    private readonly NodeConfiguration _configuration;
    private readonly NodeLoggerProvider _log;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ProcessFacts _process;
    private readonly LagClock _lag;
    private readonly TaskCompletionSource _member = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private readonly AccountHashes _accounts;
    private ClusterNode _node = null!; // set by the only way to get an instance
    private ApiServer? _api;
    private DatabaseSide? _database;
    private ProxySide? _proxy;
    private Task _lookingAfter = Task.CompletedTask;
    private string? _failure;

    private NodeHost(NodeConfiguration configuration, NodeLoggerProvider log, ILoggerFactory loggers, TimeProvider time, string version)
    {
        (_configuration, _log, _loggers, _time) = (configuration, log, loggers, time);
        _logger = loggers.CreateLogger("WolfScale.Server.Node");
        _process = new ProcessFacts(version, time.GetUtcNow(), Environment.ProcessId);
        _lag = new LagClock(time);
        _accounts = new AccountHashes(NodeOptions.Database(configuration, static () => []), time);
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
                with { ProxySessions = _proxy?.Sessions };
        }
    }

    /// <summary>Starts the node; it serves as soon as it is a member and its server is in step.</summary>
    /// <param name="configuration">Valid.</param>
    /// <param name="entry">How it comes into its cluster.</param>
    /// <param name="log">Where the loggers write; its level can be changed.</param>
    /// <param name="loggers">Of the whole process.</param>
    /// <param name="time">The clock.</param>
    /// <param name="version">Shown by <c>/status</c>.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="ClusterStartException">It cannot or must not start; the message says what to do.</exception>
    /// <exception cref="DatabaseException">The server cannot found a cluster.</exception>
    /// <exception cref="IOException">The API's address cannot be used.</exception>
    public static async Task<NodeHost> StartAsync(
        NodeConfiguration configuration, ClusterEntry entry, NodeLoggerProvider log, ILoggerFactory loggers, TimeProvider time, string version,
        CancellationToken cancellationToken)
    {
        var host = new NodeHost(configuration, log, loggers, time, version);
        host._node = await ClusterNode.StartAsync(                                          // 1
            NodeOptions.Cluster(configuration, entry) with { BootstrapBase = host.FoundAsync }, loggers, time, cancellationToken);
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

    public async Task<SwitchoverDocument> HandOverAsync(string? nodeId, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        var outcome = _database is { } database && _node.Role.Lease is not null
            ? await database.HandOverAsync(nodeId, cancellationToken)
            : new TransferOutcome(false, null, $"This node does not serve as leader; that is {_node.View.LeaderId ?? "nobody at the moment"}.");
        return new SwitchoverDocument(
            outcome.Succeeded, outcome.NewLeader ?? _node.View.LeaderId, (long)_time.GetElapsedTime(began).TotalMilliseconds, outcome.Succeeded ? null : outcome.Reason);
    }

    public bool SetLogLevel(string level)
    {
        if (!Enum.TryParse<LogDetail>(level, ignoreCase: true, out var detail) || !Enum.IsDefined(detail))
            return false;
        HostLog.LevelChanged(_logger, detail.ToString());
        _log.MinimumLevel = NodeLoggerProvider.Level(detail);
        return true;
    }

    public async Task<string?> ReadIndexAsync() => (await ReadIndex.AskAsync(_node, _time))?.ToString();

    public Task<IReadOnlyList<byte[]>> AccountHashesAsync(string user) =>
        _accounts.NativeAsync(user);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _node.ViewChanged -= OnViewChanged;
        await _lookingAfter;
        if (_database is { } database)                                                      // 1
            await database.StopAsync();
        _proxy?.Dispose();
        if (_api is { } api)                                                                // 2
            await api.DisposeAsync();
        await _node.DisposeAsync();                                                         // 3
        _stopping.Dispose();
        HostLog.Stopped(_logger);
    }

    CancellationToken IDataCopies.Stopping => _stopping.Token;

    public Task<MariaDb.Dump.DatabaseDump> OpenDumpAsync(CancellationToken cancellationToken) => Database.OpenDumpAsync(cancellationToken);

    public Task MigrateAsync(string from, bool replaceData, CancellationToken cancellationToken) => Database.MigrateAsync(from, replaceData, cancellationToken);

    private DatabaseSide Database => _database ?? throw new DumpException(
        _configuration.Database.Enabled ? "This node is no member of the cluster yet: its server is not looked after." : "This node is a witness: it has no server.");

    private void MapMore(Microsoft.AspNetCore.Routing.IEndpointRouteBuilder routes)
    {
        ProxyEndpoints.Map(routes, this, _configuration.Cluster.Secret, _time);
        CopyEndpoints.Map(routes, this);
        VerifyEndpoints.Map(routes, () => _database?.Verification);
    }

    void IProxyControl.OnHandover(bool isUnderWay) => _proxy?.OnHandover(isUnderWay);

    void IProxyControl.OnClosing() => _proxy?.OnClosing();

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_configuration.Database.Enabled)
        {
            HostLog.Witness(_logger);
            _node.SetLocalState(LocalFacts.Witness(_configuration));
        }

        if (_configuration.Api.Enabled)                                                     // 2
        {
            _api = await ApiServer.StartAsync(
                _configuration.Api, this, this, _loggers, MapMore, cancellationToken);
            HostLog.ApiListens(_logger, _api.Address);
        }

        if (_configuration is { Proxy.Enabled: true, Database.Enabled: true })
            _proxy = new ProxySide(_node, _configuration, () => _database?.State, _accounts, _loggers, _time);
        _node.ViewChanged += OnViewChanged;
        OnViewChanged(_node.View); // what was announced before the line above
        if (_configuration.Database.Enabled)
            _lookingAfter = LookAfterDatabaseAsync();                                       // 3
    }

    /// <summary>Begins with the MariaDB side once the node is a member. It can fail only on this machine's own account (no port for the feed).</summary>
    private async Task LookAfterDatabaseAsync()
    {
        try
        {
            await _member.Task.WaitAsync(_stopping.Token);
            HostLog.Member(_logger, _node.Wal.Last.Lsn);
            var database = new DatabaseSide(_node, _configuration, this, _loggers, _time);
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
        if (view.Stopped is { } failure && Interlocked.Exchange(ref _failure, failure) != failure)
            HostLog.Failed(_logger, failure);
        else if (view.Stopped is null)
            _failure = null; // a full disk has room again
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
