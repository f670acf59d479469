using MySqlConnector;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>TLS between a client and the proxy.</summary>
public sealed class ProxyTlsTests(ProxyTlsTests.Tls fixture) : ClusterTests<ProxyTlsTests.Tls>(fixture)
{
    [Fact]
    public async Task A_client_that_verifies_the_certificate_gets_in_and_one_without_TLS_does_not()
    {
        var cluster = await Fixture.HealthyAsync();
        foreach (var node in cluster.Facts.Nodes)
        {
            await using var client = new MySqlConnection(Connection(cluster, node, MySqlSslMode.VerifyFull));
            await client.OpenAsync();
            var large = new string('x', 1 << 20);
            Assert.Equal(large, await client.ScalarAsync($"SELECT '{large}'"));
        }

        var refused = await Assert.ThrowsAsync<MySqlException>(async () =>
        {
            await using var client = new MySqlConnection(Connection(cluster, cluster.Facts.Nodes[0], MySqlSslMode.None));
            await client.OpenAsync();
        });
        Assert.Equal(3159, refused.Number);
    }

    private string Connection(DemoCluster cluster, DemoNode node, MySqlSslMode mode) => new MySqlConnectionStringBuilder
    {
        Server = node.Proxy.Host,
        Port = (uint)node.Proxy.Port,
        UserID = cluster.Facts.User,
        Password = cluster.Facts.Password,
        SslMode = mode,
        SslCa = Fixture.AuthorityFile,
        Pooling = false,
    }.ConnectionString;

    public sealed class Tls : ClusterFixture
    {
        private readonly TempFolder _folder = new("tls");

        public string AuthorityFile { get; private set; } = "";

        protected override async Task<string[]> SettingsAsync()
        {
            var files = await Certificates.CreateAsync(_folder.Path, "wolf");
            AuthorityFile = files.AuthorityFile;
            return [$"proxy.tls_cert={files.CertificateFile}", $"proxy.tls_key={files.KeyFile}", "proxy.tls_required=true"];
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            _folder.Dispose();
        }
    }
}
