using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using WolfScale.Cluster;
using WolfScale.Server.Hosting.Reloading;
using WolfScale.Server.Http;
using WolfScale.Server.Logging;

namespace WolfScale.Server.Hosting;

/// <summary>What a node takes over while it runs.</summary>
internal sealed partial class NodeHost : ILiveParts, IReload
{
    private Reloader _reloader = null!; // set by the only way to get an instance
    private ImmutableArray<CertificateReport> _certificates = [];
    private ImmutableArray<string> _needRestart = [];

    /// <summary>What is in force, for a start of the same process anew.</summary>
    public NodeConfiguration Configuration => _configuration;

    /// <summary>The parts' options in force; for tests.</summary>
    internal ClusterOptions ClusterOptions => _node.Options;

    internal Proxy.ProxyOptions? ProxyOptions => _proxy?.Options;

    /// <exception cref="RefusedException">Nothing was changed.</exception>
    public ReloadDocument Reload()
    {
        var done = _reloader.Reload();
        _needRestart = [.. done.NeedRestart.Select(k => k.Key)];
        return done;
    }

    public Action Prepare(NodeConfiguration configuration)
    {
        var cluster = NodeOptions.Cluster(configuration, _entry);
        if (cluster.Tls is { } tls)
            ClusterNode.CheckTls(tls);
        _ = HostPort.TryParse(configuration.Proxy.BindAddress, out var bind, out _);
        var proxy = _proxy is null ? null : NodeOptions.Proxy(configuration, bind);
        var certificate = _api is null || configuration.Api.TlsCert.Length == 0 ? null : X509Certificate2.CreateFromPemFile(configuration.Api.TlsCert, configuration.Api.TlsKey);
        _ = Authority.OfCluster(configuration.Cluster.TlsCa);
        return () =>
        {
            _node.Reconfigure(cluster);
            _proxy?.Reconfigure(proxy!);
            _api?.Reconfigure(configuration.Api, certificate);
            _database?.Reconfigure(configuration);
            // `wolfctl log-level` lasts until the file says something else than before.
            if (configuration.Logging.Level != _configuration.Logging.Level)
                _log.MinimumLevel = NodeLoggerProvider.Level(configuration.Logging.Level);
            _log.Format = configuration.Logging.Format;
            _configuration = configuration;
            _certificates = MachineFacts.Certificates(configuration);
        };
    }
}
