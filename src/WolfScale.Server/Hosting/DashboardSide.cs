using Microsoft.AspNetCore.Routing;
using WolfScale.Client.Doctor;
using WolfScale.Cluster.History;
using WolfScale.Server.Dashboard;

namespace WolfScale.Server.Hosting;

/// <summary>A node's dashboard: what makes the pictures, what asks the other nodes, what is done for a person.</summary>
internal sealed class DashboardSide : IAsyncDisposable
{
    /// <summary>A frozen node holds up a picture by no more.</summary>
    private static readonly TimeSpan AskLimit = TimeSpan.FromSeconds(1);

    /// <summary>A switchover waits for transactions under way, and then for the new leader's server; a step of a comparison reads thousands of rows.</summary>
    private static readonly TimeSpan ActLimit = TimeSpan.FromMinutes(2);

    private readonly IDashboardSource _source;
    private readonly OtherApis _apis;
    private readonly OtherNodes _others;
    private readonly DashboardVerification _verification;
    private readonly DashboardFeed _feed;

    public DashboardSide(NodeConfiguration configuration, OtherApis apis, IDashboardSource source, EventHistory history, TimeProvider time)
    {
        (_source, _apis) = (source, apis);
        _others = new OtherNodes(address => apis.Open(address, "", AskLimit), () => apis.Trust);
        _verification = new DashboardVerification((address, token) => apis.Open(address, token, ActLimit), () => _feed?.Nudge(), time);
        _feed = new DashboardFeed(
            source, _others, history, () => _verification.Progress, new Timing(configuration.Cluster.HeartbeatIntervalMs, configuration.Cluster.ElectionTimeoutMaxMs), time);
    }

    public void Map(IEndpointRouteBuilder routes, CancellationToken stopping)
    {
        DashboardEndpoints.Map(routes, _feed, Origins, stopping);
        new DashboardActions(() => _source.Report, (address, token) => _apis.Open(address, token, ActLimit), _verification).Map(routes);
    }

    public Task RunAsync(CancellationToken stopping) => _feed.RunAsync(stopping);

    /// <summary>The cluster's view may have changed.</summary>
    public void Look() => _feed.Look();

    public async ValueTask DisposeAsync()
    {
        await _verification.DisposeAsync();
        _others.Dispose();
    }

    /// <summary>They become part of a header: what is no plain HOST:PORT is left out.</summary>
    private IEnumerable<string> Origins() => _source.Report.Nodes
        .Where(n => n.Id != _source.Report.Id && n.Api is { } api && api.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or ':' or '-' or '[' or ']'))
        .Select(n => $"{_apis.Scheme}://{n.Api}");
}
