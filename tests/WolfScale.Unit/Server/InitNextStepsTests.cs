using WolfScale.Server.Cli;

namespace WolfScale.Unit.Server;

/// <summary>What <c>wolfscale init</c> says is left to do: a founder founds, who joins joins, and a proxy has no database.</summary>
public sealed class InitNextStepsTests
{
    private const string Usual = "/etc/wolfscale/config.toml";

    [Fact]
    public void The_first_node_creates_the_cluster_and_names_what_the_others_do()
    {
        var said = Said(InitPurpose.Node, joins: false, Usual, isService: true, ("cluster.bootstrap", "true"), ("node.advertise_address", "\"10.0.10.10:7654\""), ("cluster.peers", "[\"10.0.10.11:7654\"]"));

        Assert.Contains("creates the cluster", said, StringComparison.Ordinal);
        AssertInOrder(said, "wolfscale init --sql | mariadb", "wolfctl tune-mariadb", "wolfscale validate " + Usual, "systemctl start wolfscale", "wolfctl status", "wolfscale init --like");
        Assert.DoesNotContain("advertise_address", said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_that_joins_is_told_through_whom_and_never_to_found()
    {
        (string, string)[] values = [("node.advertise_address", "\"10.0.10.11:7654\""), ("cluster.peers", "[\"10.0.10.10:7654\", \"10.0.10.11:7654\", \"10.0.10.12:7654\"]")];

        var said = Said(InitPurpose.Node, joins: true, "/srv/w.toml", isService: false, values);

        Assert.Contains("joins a cluster that is there", said, StringComparison.Ordinal);
        AssertInOrder(said, "wolfscale init --sql -c /srv/w.toml | mariadb", "wolfctl tune-mariadb -c /srv/w.toml", "wolfscale validate /srv/w.toml", "wolfscale start -c /srv/w.toml ", "through 10.0.10.10:7654 or 10.0.10.12:7654,", "wolfctl migrate --from");
        Assert.DoesNotContain("start --bootstrap", said, StringComparison.Ordinal);
        Assert.DoesNotContain("first node", said, StringComparison.Ordinal);
        Assert.DoesNotContain("load balancer", said, StringComparison.Ordinal);
        var service = Said(InitPurpose.Node, joins: true, Usual, isService: true, values);
        Assert.Contains("  systemctl start wolfscale ", service, StringComparison.Ordinal);
        Assert.DoesNotContain("--bootstrap", service, StringComparison.Ordinal);
    }

    /// <summary>Made like another's, without an address: a node's file lacks it, and a load balancer's was made for the wrong thing.</summary>
    [Fact]
    public void A_node_without_an_address_is_told_that_it_lacks_one_and_how_a_load_balancers_file_is_made()
    {
        var said = Said(InitPurpose.Node, joins: true, Usual, isService: true, ("cluster.peers", "[\"10.0.10.10:7654\"]"));

        AssertInOrder(said, "set node.advertise_address", "systemctl start wolfscale", "wolfscale init --for load-balancer --like");
        Assert.DoesNotContain("advertise_address", Said(InitPurpose.Node, joins: true, Usual, isService: true, ("node.bind_address", "\"10.0.10.11:7654\"")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(InitPurpose.LoadBalancer), "load-balancer")]
    [InlineData(nameof(InitPurpose.Proxy), "proxy")]
    public void A_proxy_starts_its_own_service_and_does_nothing_to_a_database(string purpose, string program)
    {
        (string, string)[] values = [("cluster.peers", "[\"10.0.10.10:7654\"]"), ("api.bind_address", "\"0.0.0.0:8090\""), ("proxy.bind_address", "\"0.0.0.0:3306\"")];

        var service = Said(Enum.Parse<InitPurpose>(purpose), joins: true, Usual, isService: true, values);
        var alone = Said(Enum.Parse<InitPurpose>(purpose), joins: true, "/srv/w.toml", isService: false, values);

        AssertInOrder(service, "systemctl disable wolfscale ", $"systemctl enable --now wolfscale-{program}", "10.0.10.10:7654", $"systemctl status wolfscale-{program}", "port 3306");
        AssertInOrder(alone, $"  wolfscale {program} -c /srv/w.toml", "http://127.0.0.1:8090/stats", "port 3306");
        Assert.All([service, alone], said =>
        {
            foreach (var ofNode in (string[])["--sql", "tune-mariadb", "validate", "--bootstrap", "start wolfscale\n", "advertise_address"])
                Assert.DoesNotContain(ofNode, said, StringComparison.Ordinal);
        });
        Assert.Contains("set cluster.peers", Said(Enum.Parse<InitPurpose>(purpose), joins: false, Usual, isService: true), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_nobody_has_said_whether_there_is_a_cluster_both_ways_are_named() =>
        AssertInOrder(Said(InitPurpose.Node, joins: false, Usual, isService: true), "set node.advertise_address", "cluster.bootstrap = true", "take over cluster.secret", "systemctl start wolfscale");

    private static string Said(InitPurpose purpose, bool joins, string path, bool isService, params (string Key, string Value)[] values) =>
        string.Join('\n', new InitNextSteps(new InitChoices(purpose, values.ToDictionary(v => v.Key, v => v.Value), joins), path, isService).Lines()) + "\n";

    private static void AssertInOrder(string said, params string[] parts)
    {
        var from = 0;
        foreach (var part in parts)
        {
            var at = said.IndexOf(part, from, StringComparison.Ordinal);
            Assert.True(at >= 0, $"no \"{part}\", or too early:\n{said}");
            from = at + part.Length;
        }
    }
}
