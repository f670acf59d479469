using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Client;
using WolfScale.Cluster;
using WolfScale.MariaDb;
using WolfScale.Server.Dashboard;
using WolfScale.Server.Hosting;
using WolfScale.Server.Hosting.StandAlone;
using WolfScale.Server.Http;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>Whoever asks other nodes believes the authority, and shows the token, that the last reload has read: copies, comparisons, the dashboard, a proxy that stands alone.</summary>
public sealed class OtherApisTests : IAsyncLifetime
{
    private readonly ReloadFiles _files = new();
    private readonly List<string> _tokens = [];
    private ApiServer _node = null!;

    private string Address => $"127.0.0.1:{_node.Address.Port.ToString(CultureInfo.InvariantCulture)}";

    public async ValueTask InitializeAsync() => _node = await ApiServer.StartAsync(
        new ApiSection { BindAddress = "127.0.0.1:0", TlsCert = _files.Pem("one.crt"), TlsKey = _files.Pem("one.key") }, NullLoggerFactory.Instance, routes =>
        {
            foreach (var path in (string[])["/status", "/dashboard/node", "/cluster"])
            {
                _ = routes.MapGet(path, (HttpContext context) =>
                {
                    lock (_tokens)
                        _tokens.Add(TokenGate.TokenOf(context));
                    return Results.Text("{}", "application/json");
                }).Open();
            }
        }, CancellationToken.None);

    [Fact]
    public async Task A_comparison_and_a_persons_deed()
    {
        var apis = new OtherApis(Configuration("strange-ca.crt"));
        using (var stranger = apis.Open(Address, apis.Trust.Token, TimeSpan.FromSeconds(30)))
            _ = await Assert.ThrowsAsync<UnreachableException>(() => stranger.GetTextAsync("/status", CancellationToken.None));
        apis.Prepare(Configuration("ca.crt", "another"))();
        using (var known = apis.Open(Address, apis.Trust.Token, TimeSpan.FromSeconds(30)))
            Assert.Equal("{}", await known.GetTextAsync("/status", CancellationToken.None));
        Assert.Equal(["another"], _tokens);
    }

    [Fact]
    public async Task What_the_dashboard_shows_though_it_keeps_its_clients()
    {
        var apis = new OtherApis(Configuration("strange-ca.crt"));
        using var others = new OtherNodes(address => apis.Open(address, "", TimeSpan.FromSeconds(30)), () => apis.Trust);
        var report = new WolfScale.Client.NodeReport
        {
            Id = "node-1", Mode = "consistent", Role = "FOLLOWER", Status = "ACTIVE", Version = "0.1.0", StartedAt = DateTimeOffset.UnixEpoch, Pid = 1,
            Nodes = [new MemberReport { Id = "node-1" }, new MemberReport { Id = "node-2", Api = Address }],
        };
        await others.AskAsync(report, CancellationToken.None);
        Assert.Contains("certificate", others.Now.Silent["node-2"], StringComparison.Ordinal);

        apis.Prepare(Configuration("ca.crt"))();
        await others.AskAsync(report, CancellationToken.None);
        Assert.DoesNotContain("certificate", others.Now.Silent.GetValueOrDefault("node-2", ""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy()
    {
        var apis = new OtherApis(Configuration("strange-ca.crt", "one"));
        using var sources = new HttpMigrationSources(static () => new ClusterView { ClusterName = "", SelfId = "node-1" }, apis);
        var source = sources.Named(Address);
        Assert.Contains("cannot be reached", (await Assert.ThrowsAsync<DumpException>(() => source.CheckAsync(CancellationToken.None))).Message, StringComparison.Ordinal);
        Assert.Empty(_tokens);

        apis.Prepare(Configuration("ca.crt", "another"))();
        Assert.DoesNotContain("cannot be reached", (await Assert.ThrowsAsync<DumpException>(() => source.CheckAsync(CancellationToken.None))).Message, StringComparison.Ordinal); // "{}" is no member's status
        Assert.Equal(["another"], _tokens);
    }

    [Fact]
    public async Task A_proxy_that_stands_alone()
    {
        using var api = new HttpNodeApi("", Authority.OfCluster(_files.Pem("strange-ca.crt")), TimeProvider.System);
        var url = new Uri($"https://{Address}");
        Assert.Contains("TLS failed", (await Assert.ThrowsAsync<NodeSilentException>(() => api.ClusterAsync(url, CancellationToken.None))).Message, StringComparison.Ordinal);

        api.Follow(Authority.OfCluster(_files.Pem("ca.crt")));
        _ = await Record.ExceptionAsync(() => api.ClusterAsync(url, CancellationToken.None));
        Assert.Single(_tokens); // it came to the question
    }

    [Fact]
    public void A_file_that_holds_no_authority_changes_nothing()
    {
        var apis = new OtherApis(Configuration("ca.crt"));
        var before = apis.Trust;
        _ = Assert.Throws<RefusedException>(() => apis.Prepare(Configuration("one.key")));
        Assert.Same(before, apis.Trust);
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _files.Dispose();
    }

    private NodeConfiguration Configuration(string authority, string token = "") => new()
    {
        Cluster = new ClusterSection { TlsCa = _files.Pem(authority) },
        Api = new ApiSection { Token = token, TlsCert = _files.Pem("one.crt"), TlsKey = _files.Pem("one.key") },
    };
}
