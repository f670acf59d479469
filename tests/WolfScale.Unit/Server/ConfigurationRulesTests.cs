using System.Collections.Immutable;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>Each rule between keys: what trips it, and that what is fine does not.</summary>
public class ConfigurationRulesTests
{
    [Fact]
    public void A_node_as_in_the_manual_has_nothing_to_be_said_about() => Assert.Empty(Check(new()));

    [Theory]
    [InlineData("node.advertise_address", null, "missing_key", "error")]
    [InlineData("node.advertise_address", "\"0.0.0.0:7654\"", "bad_address", "error")]
    [InlineData("node.advertise_address", "\"10.0.0.1\"", "bad_address", "error")]
    [InlineData("node.advertise_address", "\"127.0.0.1:7654\"", "loopback_advertised", "warning")]
    [InlineData("node.bind_address", "\"db1.example:7654\"", "bad_address", "error")]
    [InlineData("node.id", "\"node 1\"", "bad_id", "error")]
    [InlineData("node.id", "\"node-10\"", "id_order", "warning")]
    [InlineData("node.data_dir", "\"data\"", "relative_path", "warning")]
    [InlineData("cluster.secret", "\"\"", "missing_secret", "error")]
    [InlineData("cluster.secret", "\"short\"", "short_secret", "warning")]
    [InlineData("cluster.peers", "[\"10.0.0.2\"]", "bad_peer", "error")]
    [InlineData("cluster.peers", "[\"10.0.0.1:7654\"]", "self_in_peers", "remark")]
    [InlineData("cluster.peers", "[\"10.0.0.2:7654\", \"10.0.0.2:7654\"]", "peer_twice", "remark")]
    [InlineData("cluster.bootstrap", "true", "bootstrap_on", "warning")]
    [InlineData("cluster.mode", "\"available\"", "mode_available", "warning")]
    [InlineData("replication.mode", "\"binlog\"", "not_yet", "error")]
    [InlineData("cluster.cluster_name", "\"a b\"", "bad_name", "error")]
    [InlineData("cluster.election_timeout_min_ms", "3000", "bad_interval", "error")]
    [InlineData("cluster.election_timeout_min_ms", "900", "timeout_below_heartbeat", "error")]
    [InlineData("cluster.election_timeout_min_ms", "1200", "timeout_near_heartbeat", "warning")]
    [InlineData("wal.fsync", "false", "fsync_off", "warning")]
    [InlineData("database.host", "\"10.0.0.9\"", "remote_database", "warning")]
    [InlineData("database.user", "\"\"", "missing_key", "error")]
    [InlineData("database.feed_bind_address", "\"0.0.0.0:4000\"", "missing_key", "error")]
    [InlineData("database.feed_bind_address", "\"10.0.0.1:4000\"", "feed_open", "warning")]
    [InlineData("api.token", "\"\"", "missing_token", "error")]
    [InlineData("api.bind_address", "\"0.0.0.0:7654\"", "port_twice", "error")]
    [InlineData("proxy.bind_address", "\"127.0.0.1:3306\"", "port_twice", "error")]
    [InlineData("proxy.tls_required", "true", "tls_incomplete", "error")]
    [InlineData("binlog.server_id", "7", "binlog_unused", "remark")]
    public void What_trips_a_rule_is_said(string key, string? literal, string code, string severity)
    {
        var finding = Assert.Single(Check(new() { [key] = literal }));

        Assert.Equal((code, severity), (finding.Code, finding.Severity.ToString().ToLowerInvariant()));
    }

    [Theory]
    [InlineData("node-2")]
    [InlineData("node-02")]
    [InlineData("db")]
    [InlineData("node-010")]
    public void Ids_whose_order_does_not_surprise_are_fine(string id) => Assert.Empty(Check(new() { ["node.id"] = $"\"{id}\"" }));

    [Fact]
    public void One_election_timeout_stands_for_the_pair_and_not_beside_it()
    {
        var single = Load(new() { ["cluster.election_timeout_ms"] = "2000" });
        var both = Check(new() { ["cluster.election_timeout_ms"] = "2000", ["cluster.election_timeout_max_ms"] = "3000" });

        Assert.Empty(single.Findings);
        Assert.Equal((1500, 3000), single.Configuration.ElectionTimeoutMs);
        Assert.Equal("given_twice", Assert.Single(both).Code);
    }

    [Fact]
    public void On_loopback_neither_secret_nor_token_is_wanted() => Assert.Empty(Check(new()
    {
        ["node.bind_address"] = "\"127.0.0.1:7654\"",
        ["node.advertise_address"] = null,
        ["cluster.peers"] = "[\"127.0.0.1:7655\"]",
        ["cluster.secret"] = null,
        ["api.bind_address"] = "\"localhost:8080\"",
        ["api.token"] = null,
    }));

    [Fact]
    public void One_peer_elsewhere_is_enough_to_want_a_secret() =>
        Assert.Equal("missing_secret", Assert.Single(Check(new() { ["node.bind_address"] = "\"127.0.0.1:7654\"", ["node.advertise_address"] = "\"127.0.0.1:7654\"", ["cluster.secret"] = null }), f => f.Severity == Severity.Error).Code);

    [Theory]
    [InlineData("database.enabled", "false", "bootstrap_witness")]
    [InlineData("cluster.never_leader", "true", "bootstrap_never_leader")]
    public void A_node_that_cannot_lead_cannot_found_a_cluster(string key, string literal, string code) =>
        Assert.Contains(Check(new() { ["cluster.bootstrap"] = "true", [key] = literal }), f => f.Code == code && f.Severity == Severity.Error);

    [Fact]
    public void A_witness_has_no_proxy_and_says_so_where_one_was_asked_for()
    {
        Assert.Contains(Check(new() { ["database.enabled"] = "false", ["proxy.enabled"] = "true" }), f => f.Code == "witness_proxy" && f.Message.Contains("wolfscale proxy", StringComparison.Ordinal));
        Assert.DoesNotContain(Check(new() { ["database.enabled"] = "false", ["proxy.bind_address"] = "\"0.0.0.0:8080\"" }), f => f.Code is "witness_proxy" or "port_twice");
    }

    [Theory]
    [InlineData("0-1-100", true)]
    [InlineData("0-1-100,1-1-5", true)]
    [InlineData("mysql-bin.000004:1234", true)]
    [InlineData("yesterday", false)]
    public void A_start_position_is_a_gtid_position_or_a_place_in_a_file(string position, bool fine) =>
        Assert.Equal(fine, Check(new() { ["replication.mode"] = "\"binlog\"", ["binlog.start_position"] = $"\"{position}\"" }).All(f => f.Key == "replication.mode"));

    [Fact]
    public void A_rule_points_at_the_key_it_is_about()
    {
        var loaded = ConfigurationLoaderTests.Load("[node]\nid = \"n\"\nbind_address = \"127.0.0.1:1\"\n[wal]\n\nfsync = false\n[api]\nenabled = false\n");

        Assert.Equal("c.toml:6:1", Assert.Single(loaded.Findings).Position.ToString());
    }

    private static ImmutableArray<Finding> Check(Dictionary<string, string?> changes) => Load(changes).Findings;

    /// <summary>A node as the manual shows it, with changes: null leaves the key out.</summary>
    private static LoadedConfiguration Load(Dictionary<string, string?> changes)
    {
        var values = new Dictionary<string, string?>
        {
            ["node.id"] = "\"node-1\"",
            ["node.bind_address"] = "\"0.0.0.0:7654\"",
            ["node.advertise_address"] = "\"10.0.0.1:7654\"",
            ["database.password"] = "\"p\"",
            ["cluster.peers"] = "[\"10.0.0.2:7654\", \"10.0.0.3:7654\"]",
            ["cluster.secret"] = "\"0123456789abcdef0123456789abcdef\"",
            ["api.token"] = "\"t\"",
        };
        foreach (var (key, literal) in changes)
            values[key] = literal;
        var lines = values.Where(v => v.Value is not null).GroupBy(v => v.Key.Split('.')[0])
            .Select(section => $"[{section.Key}]\n" + string.Concat(section.Select(v => $"{v.Key.Split('.')[1]} = {v.Value}\n")));
        return ConfigurationLoaderTests.Load(string.Concat(lines));
    }
}
