using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Discovery;
using WolfScale.Proxy;
using WolfScale.Server.Hosting.Reloading;
using WolfScale.Server.Http;
using WolfScale.Server.Logging;
using WolfScale.Server.Metrics;
using WolfScale.Server.Service;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>
/// A proxy on a machine without a database.
/// <code>
///   start:  1 the proxy listens ─▶ 2 its API ─▶ 3 the peers are asked, or without any nodes are listened for
///   stop:   the other way round, at once: clients see their connections end
/// </code>
/// Peers that do not answer are no reason not to start: then clients wait, and hear error 1053 in the end.
/// </summary>
internal sealed partial class StandAloneHost : IWatchedProgram, IAsyncDisposable
{
    private static readonly string[] Asking = ["GET", "HEAD", "OPTIONS"];

    private readonly StandAloneSettings _settings;
    private readonly StandAloneOptions _options;
    private readonly NodeLoggerProvider _log;
    private readonly Reloader _reloader;
    private readonly TimeProvider _time;
    private readonly string _version;
    private readonly DateTimeOffset _startedAt;
    private readonly HttpNodeApi _nodes;
    private readonly RemoteRoutes _routes;
    private readonly ProxyServer _proxy;
    private readonly FoundNodes? _found;
    private ApiServer? _api;

    private StandAloneHost(
        StandAloneSettings settings, StandAloneOptions options, Func<LoadedConfiguration>? read, NodeLoggerProvider log, ILoggerFactory loggers, TimeProvider time, string version)
    {
        (_settings, _options, _log, _time, _version, _startedAt) = (settings, options, log, time, version, time.GetUtcNow());
        var logger = loggers.CreateLogger("WolfScale.Server.StandAlone");
        _reloader = new Reloader(options.Program, options.Configuration, read is null ? null : () => Checked(read()), this, logger);
        var configuration = options.Configuration;
        var secret = configuration.Cluster.Secret;
        _nodes = new HttpNodeApi(secret, Authority.OfCluster(configuration.Cluster.TlsCa), time);
        _routes = new RemoteRoutes(options.Peers, options.ClusterName, _nodes, logger, time);
        _proxy = new ProxyServer(                                                               // 1
            Told(options),
            _routes, new HopGate(), new RemoteAccounts(_routes, _nodes, secret.Length > 0, logger), loggers, time);
        _routes.ReaderGone += _proxy.Abandon;
        if (options.Peers.IsEmpty)
            _found = new FoundNodes(new DiscoveryOptions { ClusterName = options.ClusterName, Secret = secret, Bind = new IPEndPoint(IPAddress.Any, DiscoveryPort(options)) }, _routes, logger, time);
    }

    /// <summary>Starts it.</summary>
    /// <param name="settings">What was given.</param>
    /// <param name="read">Reads the configuration again, for a reload; null: there is none.</param>
    /// <param name="log">Where the loggers write.</param>
    /// <param name="loggers">Of the whole process.</param>
    /// <param name="time">The clock.</param>
    /// <param name="version">Shown by <c>/metrics</c>.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="RefusedException">The settings are not right.</exception>
    /// <exception cref="SocketException">It cannot listen for clients.</exception>
    /// <exception cref="IOException">It cannot listen for its API.</exception>
    public static async Task<StandAloneHost> StartAsync(
        StandAloneSettings settings, Func<LoadedConfiguration>? read, NodeLoggerProvider log, ILoggerFactory loggers, TimeProvider time, string version, CancellationToken cancellationToken)
    {
        var options = settings.Resolve();
        var logger = loggers.CreateLogger("WolfScale.Server.StandAlone");
        StandAloneLog.Starting(
            logger, version, options.Program, options.Listen.ToString(),
            options.Peers.IsEmpty ? $"the nodes that discovery finds on UDP port {DiscoveryPort(options)}" : string.Join(", ", options.Peers.Select(p => p.Authority)),
            options.Api.Enabled ? options.Api.BindAddress : "no address (off)");
        if (options.Configuration.Cluster.Secret.Length == 0)
            StandAloneLog.NoSecret(logger);
        var host = new StandAloneHost(settings, options, read, log, loggers, time, version);
        try
        {
            if (options.Api.Enabled)
                host._api = await ApiServer.StartAsync(options.Api, loggers, host.Map, cancellationToken); // 2
            host._routes.Start();                                                               // 3
            host._found?.Start();
            return host;
        }
        catch (Exception)
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public string Summary
    {
        get
        {
            var routes = _routes.Current;
            return string.Create(
                CultureInfo.InvariantCulture, $"{_proxy.Sessions} clients on {_proxy.Address}; {(routes.Leader is null ? "no leader known" : $"leader {routes.LeaderId}")}, {routes.Readers.Length} readers");
        }
    }

    public Task PassAsync(CancellationToken cancellationToken) => _proxy.PassAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_found is not null)
            await _found.DisposeAsync();
        await _routes.DisposeAsync();
        if (_api is { } api)
            await api.DisposeAsync();
        _proxy.Dispose();
        _nodes.Dispose();
    }

    /// <summary>Nodes of one cluster are set up alike: where the file says nothing, the usual one.</summary>
    private static int DiscoveryPort(StandAloneOptions options) =>
        HostPort.TryParse(options.Configuration.Node.BindAddress, out var bind, out _) ? bind.Port : PeerAddress.ClusterPort;

    /// <summary>As a node's proxy, and what is its own.</summary>
    private static ProxyOptions Told(StandAloneOptions options) => NodeOptions.Proxy(options.Configuration, options.Listen) with
    {
        NodeId = options.Program,
        StandsAlone = true,
        HopTls = ProxyTls.ToOtherProxies(options.Configuration.Cluster), // where they offer it
    };

    private void Map(IEndpointRouteBuilder routes)
    {
        ReloadEndpoints.Map(routes, this);
        _ = routes.MapGet("/stats", () => Results.Text(
            JsonSerializer.SerializeToUtf8Bytes(Stats(), StandAloneJson.Readable.StandAloneStats), "application/json; charset=utf-8")).Open();
        MetricsEndpoints.Map(routes, Metrics);
        _ = routes.MapMethods("/health", Asking, () => Health(NotReady())).Open();
        _ = routes.MapMethods("/health/ready", Asking, () => Health(NotReady())).Open();
        _ = routes.MapMethods("/health/live", Asking, () => Health([])).Open();
    }

    private static IResult Health(ImmutableArray<string> reasons) => Results.Text(
        JsonSerializer.SerializeToUtf8Bytes(new HealthDocument(reasons.IsEmpty, null, null, reasons), ApiJson.Readable.HealthDocument),
        "application/json; charset=utf-8",
        statusCode: reasons.IsEmpty ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);

    private ImmutableArray<string> NotReady() => _routes.Current.Leader is null
        ? ["No node is known that accepts writes.", .. _routes.Asked().Select(a => a.Problem).OfType<string>()]
        : [];

    private string Metrics()
    {
        var text = new MetricsText();
        _ = text.Gauge("wolfscale_build_info", "Always 1: the program's version.").Sample(1, ("version", _version));
        _ = text.Gauge("wolfscale_proxy_leader_known", "1 where a node that accepts writes is known.").Sample(_routes.Current.Leader is not null);
        ProxyMetrics.Write(text, _proxy.Counters, _proxy.Sessions);
        return text.ToString();
    }

    private StandAloneStats Stats()
    {
        var (view, routes, counters) = (_routes.View, _routes.Current, _proxy.Counters);
        return new StandAloneStats(
            _options.Program, _version, Environment.ProcessId, _startedAt, Math.Round((_time.GetUtcNow() - _startedAt).TotalSeconds, 3), _proxy.Address.ToString(),
            view.ClusterName, view.ClusterId, view.Term, routes.Leader is null ? null : routes.LeaderId,
            _proxy.Sessions, counters.Connections.Value, new StatementStats(counters.ToLeader, counters.LocalReads, TakenRoutes.All.Where(r => r is not (TakenRoute.Local or TakenRoute.LeaderHere)).ToDictionary(r => r.Name(), counters.Statements)), counters.Moves.Value,
            _options.Configuration.Cluster.Secret.Length > 0,
            [.. view.Members.Select(m => Node(m, routes.Readers.Any(r => r.Id == m.Id)))],
            [.. _routes.Asked().Where(a => a.Problem is not null).Select(a => new PeerProblem(a.Api.Authority, a.Node, a.Problem!))], _needRestart);
    }

    private NodeStats Node(RemoteMember member, bool isReader)
    {
        var load = _routes.Load(member.Id);
        return new NodeStats(
            member.Id, member.Api, member.Proxy, member.Role, member.Status, member.Reason, member.AppliedLsn, member.LagEntries, member.Heard, isReader, load.Connections, load.Reads,
            member.ProxySessions);
    }
}
