using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Discovery;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>Finds nodes by their beacons, for a proxy that was given no peers. It calls out nothing itself.</summary>
internal sealed class FoundNodes : IAsyncDisposable
{
    /// <summary>Nodes call every two seconds: after this nobody is there, or something does not fit.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly DiscoveryOptions _options;
    private readonly DiscoveryService _discovery;
    private readonly RemoteRoutes _routes;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private Task _looking = Task.CompletedTask;

    /// <param name="options">Whose beacons, on which port.</param>
    /// <param name="routes">Asks the nodes that are found.</param>
    /// <param name="logger">Hears when nobody is.</param>
    /// <param name="time">The clock.</param>
    public FoundNodes(DiscoveryOptions options, RemoteRoutes routes, ILogger logger, TimeProvider time)
    {
        (_options, _routes, _logger, _time) = (options, routes, logger, time);
        _discovery = new DiscoveryService(options, logger, time);
        _discovery.News += Offer;
    }

    public void Start()
    {
        _discovery.Start();
        _looking = LookAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _looking;
        await _discovery.DisposeAsync();
        _stopping.Dispose();
    }

    /// <summary>The API of a node; null where it has none that another machine could reach.</summary>
    internal static Uri? Api(Beacon beacon)
    {
        if (!HostPort.TryParse(beacon.ApiAddress, out var api, out _) || api.IsWildcard
            || (api.IsLoopback && HostPort.TryParse(beacon.ClusterAddress, out var cluster, out _) && !cluster.IsLoopback))
            return null;
        return Uri.TryCreate($"{(beacon.ApiTls ? "https" : "http")}://{beacon.ApiAddress}", UriKind.Absolute, out var url) ? url : null;
    }

    private void Offer() => _routes.Offer([.. _discovery.Members(Guid.Empty).Select(Api).OfType<Uri>()]);

    /// <summary>Beacons that end are no news: looks for them as often as they come.</summary>
    private async Task LookAsync()
    {
        var began = _time.GetTimestamp();
        var told = false;
        using var timer = new PeriodicTimer(DiscoveryService.Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                Offer();
                if (told || _time.GetElapsedTime(began) < Patience)
                    continue;
                told = true;
                if (_discovery.Heard.IsEmpty)
                    StandAloneLog.NobodyHeard(_logger, _options.ClusterName, _options.Bind.Port, Patience.TotalSeconds);
            }
        }
        catch (OperationCanceledException)
        {
            // The proxy is stopping.
        }
    }
}
