using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using WolfScale.Proxy;
using WolfScale.Server.Hosting.Reloading;
using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>What a proxy that stands alone takes over while it runs: the live keys of those that it goes by.</summary>
internal sealed partial class StandAloneHost : ILiveParts, IReload
{
    private ImmutableArray<string> _needRestart = [];

    /// <summary>The configuration in force, and what the parts make of it; for tests.</summary>
    internal NodeConfiguration Configuration => _reloader.Running;

    internal ProxyOptions ProxyOptions => _proxy.Options;

    internal RemoteRoutes Routes => _routes;

    /// <exception cref="RefusedException">Nothing was changed.</exception>
    public ReloadDocument Reload()
    {
        var done = _reloader.Reload();
        _needRestart = [.. done.NeedRestart.Select(k => k.Key)];
        return done;
    }

    public bool Uses(string key) => _settings.Uses(key, discovers: _options.Peers.IsEmpty);

    /// <summary>Whoever asks peers does not listen for beacons, and the other way round.</summary>
    public bool WantsRestart(string key, NodeConfiguration running, NodeConfiguration file) => key == "cluster.peers" && running.Cluster.Peers.IsEmpty != file.Cluster.Peers.IsEmpty;

    public bool Concerns(Finding error) => StandAloneSettings.Concerns(error);

    public string? ReopenLog() => _log.Reopen();

    public Action Prepare(NodeConfiguration configuration)
    {
        var options = _settings.With(configuration).Resolve();
        var proxy = Told(options);
        var certificate = _api is null || configuration.Api.TlsCert.Length == 0 ? null : X509Certificate2.CreateFromPemFile(configuration.Api.TlsCert, configuration.Api.TlsKey);
        var authority = Authority.OfCluster(configuration.Cluster.TlsCa);
        return () =>
        {
            _proxy.Reconfigure(proxy);
            _api?.Reconfigure(configuration.Api, certificate);
            _nodes.Follow(authority);
            _routes.Follow(options.Peers);
            _log.Follow(configuration.Logging);
        };
    }

    /// <exception cref="RefusedException">It is not right for this program.</exception>
    private LoadedConfiguration Checked(LoadedConfiguration file)
    {
        _ = (_settings with { File = file }).Resolve();
        return file;
    }
}
