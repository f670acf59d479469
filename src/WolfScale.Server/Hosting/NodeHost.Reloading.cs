using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using WolfScale.Cluster;
using WolfScale.Server.Hosting.Reloading;
using WolfScale.Server.Http;

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

    internal OtherApis OtherApis => _apis;

    /// <exception cref="RefusedException">Nothing was changed.</exception>
    public ReloadDocument Reload()
    {
        var done = _reloader.Reload();
        _needRestart = [.. done.NeedRestart.Select(k => k.Key)];
        return done;
    }

    public string? ReopenLog() => _log.Reopen();

    public Action Prepare(NodeConfiguration configuration)
    {
        var cluster = NodeOptions.Cluster(configuration, _entry);
        if (cluster.Tls is { } tls)
            ClusterNode.CheckTls(tls);
        _ = HostPort.TryParse(configuration.Proxy.BindAddress, out var bind, out _);
        var proxy = _proxy is null ? null : NodeOptions.Proxy(configuration, bind);
        var certificate = _api is null || configuration.Api.TlsCert.Length == 0 ? null : X509Certificate2.CreateFromPemFile(configuration.Api.TlsCert, configuration.Api.TlsKey);
        var apis = _apis.Prepare(configuration);
        return () =>
        {
            _node.Reconfigure(cluster);
            _proxy?.Reconfigure(proxy!);
            _api?.Reconfigure(configuration.Api, certificate);
            apis();
            _log.Follow(configuration.Logging);
            _configuration = configuration;
            _certificates = MachineFacts.Certificates(configuration);
        };
    }
}
