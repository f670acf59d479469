using MySqlConnector;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>TLS between a client and the proxy, compression, and connections that are kept for the next client.</summary>
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
            await using var compressed = new MySqlConnection(Connection(cluster, node, MySqlSslMode.VerifyFull) + ";UseCompression=true");
            await compressed.OpenAsync();
            Assert.Equal(large, await compressed.ScalarAsync($"SELECT '{large}'"));
        }

        var refused = await Assert.ThrowsAsync<MySqlException>(async () =>
        {
            await using var client = new MySqlConnection(Connection(cluster, cluster.Facts.Nodes[0], MySqlSslMode.None));
            await client.OpenAsync();
        });
        Assert.Equal(3159, refused.Number);
    }

    /// <summary>The node's own HTTP API is a client of its proxy, too.</summary>
    [Fact]
    public async Task The_http_api_gets_in_where_TLS_is_demanded()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.over_tls (id INT PRIMARY KEY)");
        foreach (var (node, i) in cluster.Facts.Nodes.Select((n, i) => (n, i)))
        {
            using var api = new Http.ApiClient(node, cluster.Facts.Token);
            var written = await api.InsertAsync("over_tls", new { id = i });
            Assert.True(written.Status == 200, written.ToString());
        }
    }

    /// <summary>As of an application that connects for every page.</summary>
    [Fact]
    public async Task A_connection_that_a_client_leaves_serves_the_next_one_of_its_account_as_new()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.pooled (id INT PRIMARY KEY)");
        foreach (var node in cluster.Facts.Nodes)
        {
            var left = new HashSet<string>();
            await Poll.UntilAsync($"a connection of {node.Id} that is used again", TimeSpan.FromSeconds(30), async () =>
            {
                await using var client = new MySqlConnection(Connection(cluster, node, MySqlSslMode.VerifyFull) + $";Database={cluster.Facts.Database}");
                await client.OpenAsync();
                var id = await client.ScalarAsync("SELECT /* wolfscale: leader */ CONNECTION_ID()") ?? "";
                if (!left.Add(id))
                {
                    Assert.Equal("demo 1 0 1 1", await client.ScalarAsync(
                        "SELECT /* wolfscale: leader */ CONCAT_WS(' ', DATABASE(), IF(@@autocommit, 1, 0), (SELECT COUNT(*) FROM pooled), @mine IS NULL, IS_FREE_LOCK('mine'))"));
                    return null;
                }

                await client.RunAsync("SET autocommit=0, @mine=1");
                await client.RunAsync("DO GET_LOCK('mine', 0)");
                await client.RunAsync("INSERT INTO pooled VALUES (1)");
                await client.RunAsync("USE information_schema");
                return $"connection {id}";
            });
        }
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
        AllowUserVariables = true,
    }.ConnectionString;

    public sealed class Tls : ClusterFixture
    {
        private readonly TempFolder _folder = new("tls");

        public string AuthorityFile { get; private set; } = "";

        protected override async Task<string[]> SettingsAsync()
        {
            var files = await Certificates.CreateAsync(_folder.Path, "wolf");
            AuthorityFile = files.AuthorityFile;
            return [$"proxy.tls_cert={files.CertificateFile}", $"proxy.tls_key={files.KeyFile}", "proxy.tls_required=true", "proxy.pool_connections=8"];
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            _folder.Dispose();
        }
    }
}
