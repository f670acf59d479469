using WolfScale.Cluster;

namespace WolfScale.Integration.Cluster;

public sealed class TlsTests : IDisposable
{
    private readonly Certificates _certificates = new("the cluster's authority");

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public async Task A_cluster_over_TLS_replicates_and_survives_its_leader()
    {
        await using var cluster = await TestCluster.OfThreeAsync(o => o with { Tls = _certificates.For(o.NodeId) });
        for (ulong i = 1; i <= 200; i++)
            await cluster.WriteAsync(i);
        var first = (await cluster.ServingAsync()).Self.Id;
        await cluster.KillAsync(first);
        for (ulong i = 201; i <= 300; i++)
            await cluster.WriteAsync(i);
        await cluster.StartAsync(first);
        await cluster.UntilEqualAsync();
        Assert.Equal(300, TestCluster.Groups(cluster[first]).Count);
    }

    [Fact]
    public async Task Large_batches_go_over_TLS_whole()
    {
        await using var cluster = await TestCluster.OfThreeAsync(o => o with { Tls = _certificates.For(o.NodeId) });
        var leader = await cluster.ServingAsync();
        var last = 0L;
        for (ulong i = 1; i <= 20; i++)
        {
            using var builder = new WolfScale.Wal.WalBatchBuilder(compress: false);
            var payload = new byte[900_000];
            Random.Shared.NextBytes(payload);
            Assert.True(builder.TryAdd(WolfScale.Wal.EntryKind.Group, WolfScale.Wal.EntryFlags.First | WolfScale.Wal.EntryFlags.Last, new(0, 1, i), payload));
            last = leader.Propose(builder.Seal(), leader.Role.Term).FirstLsn;
            Assert.True(last > 0);
        }
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await leader.WaitForCommitAsync(last, limit.Token);
        await cluster.UntilEqualAsync();
        Assert.All(cluster.Nodes, n => Assert.Equal(20, TestCluster.Groups(n).Count));
    }

    /// <summary>An authority is replaced without a restart: all show the new one's certificates and trust both, and then one is let in that trusts the new one alone.</summary>
    [Fact]
    public async Task Certificates_that_are_read_again_count_for_connections_from_then_on()
    {
        using var renewed = new Certificates("the renewed authority");
        var both = Path.Combine(Path.GetDirectoryName(renewed.CaFile)!, "both.pem");
        await File.WriteAllTextAsync(both, await File.ReadAllTextAsync(_certificates.CaFile) + "\n" + await File.ReadAllTextAsync(renewed.CaFile));
        await using var cluster = await TestCluster.OfThreeAsync(o => o with { Tls = _certificates.For(o.NodeId) });
        await cluster.WriteAsync(1);
        foreach (var node in cluster.Nodes)
            node.Reconfigure(node.Options with { Tls = renewed.For(node.Self.Id) with { CaFile = both } });

        await cluster.KillAsync("node-3");
        await cluster.StartAsync("node-3", o => o with { Tls = renewed.For("node-3") });
        await cluster.WriteAsync(2);
        await cluster.UntilEqualAsync();
        Assert.Equal(2, TestCluster.Groups(cluster["node-3"]).Count);
    }

    [Fact]
    public async Task A_plaintext_peer_is_refused_and_both_sides_say_what_to_set()
    {
        await using var cluster = await TestCluster.OfThreeAsync(o => o with { Tls = _certificates.For(o.NodeId) });
        var plain = await cluster.StartAsync("plain", o => o with { Tls = null });
        await cluster.UntilAsync("a line on the member", () => cluster.Logs["node-1"].Count("Refused", "plaintext where TLS is required", "tls_cert") == 1);
        await cluster.UntilAsync("a line on the plaintext node", () => cluster.Logs["plain"].Count("plaintext where TLS is required") > 0);
        Assert.Null(plain.Configuration);
        await cluster.WriteAsync(1);
        await cluster.KillAsync("plain");
    }

    [Fact]
    public async Task A_node_with_TLS_finds_out_that_its_cluster_has_none()
    {
        await using var cluster = await TestCluster.OfThreeAsync();
        await cluster.StartAsync("careful", o => o with { Tls = _certificates.For("careful") });
        await cluster.UntilAsync("a line on the member", () => cluster.Logs["node-1"].Count("speaks TLS and this node does not") == 1);
        await cluster.UntilAsync("a line on the node", () => cluster.Logs["careful"].Count("Cannot reach", "TLS") > 0);
        await cluster.WriteAsync(1);
        await cluster.KillAsync("careful");
    }

    [Fact]
    public async Task A_certificate_of_an_unknown_authority_is_refused_by_name()
    {
        using var others = new Certificates("somebody else's authority");
        await using var cluster = await TestCluster.OfThreeAsync(o => o with { Tls = _certificates.For(o.NodeId) });
        var foreign = await cluster.StartAsync("foreign", o => o with { Tls = others.For("foreign") });
        await cluster.UntilAsync("a line on the foreign node", () => cluster.Logs["foreign"].Count("is not of an authority in cluster.tls_ca") > 0);

        // One that trusts the cluster's authority but shows a certificate of another is refused by the members.
        await cluster.KillAsync("foreign");
        cluster.Forget("foreign");
        var files = others.For("foreign");
        await Assert.ThrowsAsync<ClusterStartException>(() => cluster.StartAsync("foreign", o => o with { Tls = files with { CaFile = _certificates.CaFile } }));
        var both = Path.Combine(Path.GetDirectoryName(files.CertificateFile)!, "both.pem");
        await File.WriteAllTextAsync(both, await File.ReadAllTextAsync(others.CaFile) + "\n" + await File.ReadAllTextAsync(_certificates.CaFile));
        foreign = await cluster.StartAsync("foreign", o => o with { Tls = files with { CaFile = both } });
        await cluster.UntilAsync("a line on a member", () => cluster.Logs["node-1"].Count("CN=foreign", "is not of an authority in cluster.tls_ca") > 0);
        Assert.Null(foreign.Configuration);
        await cluster.WriteAsync(1);
    }
}
