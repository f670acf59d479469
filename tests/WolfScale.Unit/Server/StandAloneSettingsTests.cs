using WolfScale.Client;
using WolfScale.Cluster.Discovery;
using WolfScale.Server.Cli;
using WolfScale.Server.Hosting.StandAlone;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>What is given to a proxy on a machine without a database, and what it makes of it.</summary>
public class StandAloneSettingsTests
{
    [Fact]
    public void A_list_of_peers_is_all_it_needs()
    {
        var options = Settings("", listen: "0.0.0.0:3306", peers: ["10.0.0.1:8080", "https://db2.example:8443", "[::1]:8080"]).Resolve();

        Assert.Equal(["http://10.0.0.1:8080/", "https://db2.example:8443/", "http://[::1]:8080/"], options.Peers.Select(p => p.ToString()));
        Assert.Equal(("0.0.0.0:3306", "", "127.0.0.1:8081", true), (options.Listen.ToString(), options.ClusterName, options.Api.BindAddress, options.Api.Enabled));
    }

    /// <summary>As people copy it: the node's own keys are not this program's business, and its peers are cluster addresses.</summary>
    [Fact]
    public void A_nodes_configuration_file_will_do()
    {
        var options = Settings("""
            [node]
            id = "node-1"
            bind_address = "0.0.0.0:7654"
            [database]
            socket = "/nowhere"
            [cluster]
            cluster_name = "prod"
            secret = "a secret that is long enough"
            peers = ["10.0.0.1:7654", "10.0.0.2:7654", "http://10.0.0.3:9090"]
            [api]
            bind_address = "0.0.0.0:8088"
            [proxy]
            bind_address = "0.0.0.0:3310"
            """).Resolve();

        Assert.Equal(["http://10.0.0.1:8088/", "http://10.0.0.2:8088/", "http://10.0.0.3:9090/"], options.Peers.Select(p => p.ToString()));
        Assert.Equal(("0.0.0.0:3310", "prod", "0.0.0.0:8088"), (options.Listen.ToString(), options.ClusterName, options.Api.BindAddress));
    }

    [Fact]
    public void The_command_line_goes_over_the_file()
    {
        var options = Settings("[cluster]\ncluster_name = \"prod\"\npeers = [\"10.0.0.1:7654\"]\n", "127.0.0.1:3306", ["10.0.0.9:8080"], cluster: "other", api: "off").Resolve();

        Assert.Equal(("other", "http://10.0.0.9:8080/", false), (options.ClusterName, Assert.Single(options.Peers).ToString(), options.Api.Enabled));
    }

    [Fact]
    public void Without_peers_and_with_the_secret_nodes_are_found() =>
        Assert.Empty(Settings("[cluster]\nsecret = \"a secret that is long enough\"\n", "0.0.0.0:3306", cluster: "prod").Resolve().Peers);

    /// <summary>As a node calls it out, and what a proxy on another machine makes of it.</summary>
    [Theory]
    [InlineData("10.0.0.1:7654", "10.0.0.1:8080", false, "http://10.0.0.1:8080/")]
    [InlineData("10.0.0.1:7654", "[fd77::1]:8443", true, "https://[fd77::1]:8443/")]
    [InlineData("127.0.0.1:7654", "127.0.0.1:8080", false, "http://127.0.0.1:8080/")]
    [InlineData("10.0.0.1:7654", "127.0.0.1:8080", false, null)]
    [InlineData("10.0.0.1:7654", "0.0.0.0:8080", false, null)]
    [InlineData("10.0.0.1:7654", "", false, null)]
    public void An_API_that_no_other_machine_can_reach_is_not_asked(string cluster, string api, bool tls, string? expected) =>
        Assert.Equal(expected, FoundNodes.Api(new Beacon(Guid.NewGuid(), "node-1", Guid.NewGuid(), cluster, api, tls, Founding: false))?.ToString());

    [Theory]
    [InlineData("[cluster]\nsecret = \"a secret that is long enough\"\nauto_discovery = false\n", "0.0.0.0:3306", "", "cluster.auto_discovery is false")]
    [InlineData("", "0.0.0.0:3306", "", "that needs cluster.secret")]
    [InlineData("", "0.0.0.0:3306", "", "Whom shall the load-balancer ask?")]
    [InlineData("", "0.0.0.0:3306", "10.0.0.1", "write HOST:PORT of a node's HTTP API")]
    [InlineData("", "0.0.0.0:3306", "10.0.0.1:7654", "is a node's cluster port: a proxy asks the HTTP API, so write \"10.0.0.1:8080\"")]
    [InlineData("", "0.0.0.0:3306", "mysql://10.0.0.1:3306", "is not the URL of a node's API")]
    [InlineData("", "3306", "10.0.0.1:8080", "--listen: \"3306\" has no port")]
    [InlineData("", "db1:3306", "10.0.0.1:8080", "--listen: \"db1\" is a name")]
    [InlineData("[proxy]\nmax_conections = 5\n", "0.0.0.0:3306", "10.0.0.1:8080", "did you mean \"max_connections\"?")]
    [InlineData("[proxy]\ntls_cert = \"/nowhere.pem\"\n", "0.0.0.0:3306", "10.0.0.1:8080", "cannot read /nowhere.pem")]
    [InlineData("[proxy]\ntls_required = true\n", "0.0.0.0:3306", "10.0.0.1:8080", "needs proxy.tls_cert")]
    public void What_is_wrong_is_said_with_what_to_write(string file, string listen, string peer, string expected)
    {
        var refused = Assert.Throws<RefusedException>(() => Settings(file, listen, peer.Length > 0 ? [peer] : []).Resolve());

        Assert.Equal(ExitCode.Invalid, refused.ExitCode);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    private static StandAloneSettings Settings(string file, string? listen = null, string[]? peers = null, string? cluster = null, string? api = null) =>
        new("load-balancer", ConfigurationLoader.Load(file, "config.toml", []), listen, [.. peers ?? []], cluster, api);
}
