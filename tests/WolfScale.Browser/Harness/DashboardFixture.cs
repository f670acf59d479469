using WolfScale.EndToEnd.Demo;

namespace WolfScale.Browser.Harness;

/// <summary>A cluster and a browser.</summary>
public sealed class DashboardFixture : ClusterFixture
{
    internal Chromium Browser { get; } = new();

    private bool _started;

    internal async Task<(DemoCluster Cluster, DemoNode Leader, DemoNode Follower)> ReadyAsync()
    {
        if (!_started)
            await Browser.InitializeAsync();
        _started = true;
        var cluster = await HealthyAsync();
        var leader = await cluster.LeaderAsync();
        return (cluster, leader, cluster.Facts.Nodes.First(n => n.Id != leader.Id));
    }

    public override async ValueTask DisposeAsync()
    {
        await Browser.DisposeAsync();
        await base.DisposeAsync();
    }
}
