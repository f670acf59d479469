using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl</c> as scripts see it, without a cluster: options, exit codes, and one line that says what to do.</summary>
public sealed class WolfctlTests : IDisposable
{
    private readonly TempFolder _folder = new("ctl");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_version_is_one_line()
    {
        var outcome = await CommandLine.CtlAsync("--version");

        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches(@"^wolfctl \d+\.\d+\.\d+\n$", outcome.Output);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("list")]
    [InlineData("log-level")]
    [InlineData("log-level", "loud")]
    [InlineData("status", "--timeout", "0")]
    [InlineData("status", "-e", "http://127.0.0.1:1/elsewhere")]
    [InlineData("status", "-e", "127.0.0.1:7654")]
    [InlineData("status", "-c", "/nowhere/config.toml")]
    [InlineData("status", "-e", "http://127.0.0.1:1", "--token-file", "/nowhere/token")]
    [InlineData("status", "-e", "https://127.0.0.1:1", "--cacert", "/nowhere/ca.pem")]
    public async Task Wrong_usage_is_exit_code_2_and_says_what(params string[] arguments)
    {
        var outcome = await CommandLine.CtlAsync(arguments);

        Assert.Equal(2, outcome.ExitCode);
        Assert.StartsWith("wolfctl: ", outcome.Errors, StringComparison.Ordinal);
        Assert.Empty(outcome.Output);
    }

    [Fact]
    public async Task Nobody_reachable_is_exit_code_3_and_names_everybody_asked()
    {
        var (first, second) = (Ports.FreeRange(1), Ports.FreeRange(1));

        var one = await CommandLine.CtlAsync("list", "servers", "-e", $"127.0.0.1:{first}");
        var two = await CommandLine.CtlAsync("list", "servers", "-e", $"127.0.0.1:{first}", "-e", $"http://127.0.0.1:{second}");
        var change = await CommandLine.CtlAsync("log-level", "debug", "-e", $"127.0.0.1:{first}");

        Assert.Equal((3, 3, 3), (one.ExitCode, two.ExitCode, change.ExitCode));
        Assert.Contains($"127.0.0.1:{first}", one.ErrorLine, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.1:{first}", two.ErrorLine, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.1:{second}", two.ErrorLine, StringComparison.Ordinal);
    }

    /// <summary>The token stays out of it.</summary>
    [Fact]
    public async Task At_debug_it_shows_what_it_asks_whom()
    {
        var nobody = Ports.FreeRange(1);
        var variables = new Dictionary<string, string> { ["WOLFCTL_TOKEN"] = "nobody-may-see-this" };

        var debug = await CommandLine.CtlAsync(variables, "list", "servers", "-e", $"127.0.0.1:{nobody}", "-l", "debug");
        var info = await CommandLine.CtlAsync("list", "servers", "-e", $"127.0.0.1:{nobody}", "-l", "info");

        Assert.Matches($@"wolfctl: debug: GET http://127\.0\.0\.1:{nobody}/cluster: Connection refused, \d+ ms\n", debug.Errors);
        Assert.DoesNotContain("nobody-may-see-this", debug.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("debug:", info.Errors, StringComparison.Ordinal);
        Assert.Equal((3, 3), (debug.ExitCode, info.ExitCode));
    }

    [Fact]
    public async Task The_help_tells_times_in_the_unit_that_they_are_given_in()
    {
        var help = await CommandLine.CtlAsync("status", "--help");

        Assert.Matches(@"in seconds\s+\[default: 30\]", help.Output);
        Assert.DoesNotContain("00:00", help.Output, StringComparison.Ordinal);
    }

    /// <summary>A node that takes the request and says nothing may have done it.</summary>
    [Fact]
    public async Task What_was_asked_and_not_answered_is_exit_code_4()
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();

        var outcome = await CommandLine.CtlAsync("log-level", "debug", "--timeout", "0.5", "-e", mute.LocalEndpoint.ToString()!);

        Assert.Equal(4, outcome.ExitCode);
        Assert.Contains("not known", outcome.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_config_finds_what_validate_finds()
    {
        var file = Path.Combine(_folder.Path, "config.toml");
        await File.WriteAllTextAsync(file, "[node]\nid = \"node-1\"\nbind_address = \"127.0.0.1:7654\"\n[wal]\nfsync = false\n[api]\nbind_address = \"127.0.0.1:8080\"\n");

        var fine = await CommandLine.CtlAsync("check-config", "-f", file);
        var strict = await CommandLine.CtlAsync("check-config", "-c", file, "--strict", "--json");
        await File.AppendAllTextAsync(file, "tokn = \"x\"\n");
        var wrong = await CommandLine.CtlAsync("check-config", "-f", file);

        Assert.Equal((0, 1, 1), (fine.ExitCode, strict.ExitCode, wrong.ExitCode));
        Assert.Contains("fsync = false", fine.Output, StringComparison.Ordinal);
        Assert.False(JsonDocument.Parse(strict.Output).RootElement.GetProperty("valid").GetBoolean());
        Assert.Contains("did you mean \"token\"?", wrong.Output, StringComparison.Ordinal);
        Assert.Equal((await CommandLine.RunAsync("validate", file)).Output, wrong.Output);
    }
}

/// <summary><c>wolfctl</c> and a cluster of three.</summary>
public class WolfctlClusterTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    [Fact]
    public async Task Check_config_says_what_the_local_MariaDB_lacks()
    {
        var cluster = await Fixture.HealthyAsync();
        var node = cluster.Facts.Nodes[1];
        string[] check = ["check-config", "-f", cluster.ConfigurationFile(node.Id)];
        var fine = await CommandLine.CtlAsync(check);
        Assert.True(fine.ExitCode == 0, fine.Output);
        Assert.Contains("MariaDB at", fine.Output, StringComparison.Ordinal);
        Assert.Contains("its version is", fine.Output, StringComparison.Ordinal);

        await node.Server.RunAsync("SET GLOBAL binlog_row_image = MINIMAL", "SET sql_log_bin = 0", "CREATE USER poor@localhost IDENTIFIED BY 'p'", "GRANT SELECT, PROCESS ON *.* TO poor@localhost");
        try
        {
            var less = await CommandLine.CtlAsync(check);
            Assert.Equal(0, less.ExitCode);
            Assert.Contains("warning: binlog_row_image=MINIMAL", less.Output, StringComparison.Ordinal);
            Assert.Equal(1, (await CommandLine.CtlAsync([.. check, "--strict"])).ExitCode);

            var poor = await CommandLine.CtlAsync(new Dictionary<string, string> { ["WOLFSCALE_DATABASE__USER"] = "poor", ["WOLFSCALE_DATABASE__PASSWORD"] = "p" }, check);
            Assert.Equal(1, poor.ExitCode);
            Assert.Matches("error: The account .*poor.* lacks .*GRANT RELOAD, .* TO `poor`@`localhost`", poor.Output);
            Assert.Contains("its MariaDB is not fit for a node", poor.Output, StringComparison.Ordinal);
        }
        finally
        {
            await node.Server.RunAsync("SET GLOBAL binlog_row_image = FULL", "SET sql_log_bin = 0", "DROP USER poor@localhost");
        }

        var silent = await CommandLine.CtlAsync(new Dictionary<string, string> { ["WOLFSCALE_DATABASE__SOCKET"] = "/nowhere/mysqld.sock" }, check);
        Assert.Equal(0, silent.ExitCode);
        Assert.Contains("MariaDB at /nowhere/mysqld.sock: remark: what it lacks was not looked at", silent.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("MariaDB at", (await CommandLine.CtlAsync([.. check, "--offline"])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_lists_the_nodes_from_the_configuration_or_from_whoever_answers()
    {
        var cluster = await Fixture.HealthyAsync();
        var (local, dead) = (cluster.ConfigurationFile("node-2"), $"127.0.0.1:{Ports.FreeRange(1)}");

        var text = await CommandLine.CtlAsync("list", "servers", "-c", local);
        var json = await CommandLine.CtlAsync("list", "servers", "-c", local, "--json");
        var fallback = await CommandLine.CtlAsync("list", "servers", "-e", dead, "-e", cluster.Facts.Nodes[2].Api, "--json");

        Assert.Equal((0, 0, 0), (text.ExitCode, json.ExitCode, fallback.ExitCode));
        Assert.Equal(3, text.Output.Split('\n').Count(line => line.Contains("ACTIVE", StringComparison.Ordinal)));
        Assert.Equal(("node-2", ""), (Text(json, "node"), json.Errors));
        Assert.Equal("node-3", Text(fallback, "node"));
        Assert.Contains(dead, fallback.ErrorLine, StringComparison.Ordinal);
    }

    /// <summary>Peers are asked on their own hosts, at the port of the local API.</summary>
    [Fact]
    public async Task Where_the_local_node_is_dead_its_peers_are_asked()
    {
        var cluster = await Fixture.HealthyAsync();
        using var folder = new TempFolder("ctl");
        var file = Path.Combine(folder.Path, "config.toml");
        var api = new Uri(cluster.Facts.Nodes[1].Api);
        await File.WriteAllTextAsync(file, $"[node]\nid = \"node-9\"\nbind_address = \"127.0.0.9:7654\"\n[cluster]\npeers = [\"127.0.0.1:7654\"]\n[api]\nbind_address = \"127.0.0.9:{api.Port}\"\n");

        var list = await CommandLine.CtlAsync("list", "servers", "-c", file, "--json");
        var promote = await CommandLine.CtlAsync("promote", "-c", file, "--yes");
        var level = await CommandLine.CtlAsync("log-level", "debug", "-c", file);

        Assert.Equal((0, "node-2"), (list.ExitCode, Text(list, "node")));
        Assert.Equal((1, 3), (promote.ExitCode, level.ExitCode)); // what means the local node is not done to another
        Assert.Contains("wolfctl promote NODE", promote.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_tells_of_one_node_and_ends_with_1_where_it_cannot_serve()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);

        var healthy = await CommandLine.CtlAsync("status", "-e", follower.Api);
        await cluster.SignalAsync(follower.Id, Part.MariaDb, Signal.Kill);
        await cluster.AwaitStatusAsync(follower.Id, "OFFLINE");
        var broken = await CommandLine.CtlAsync("status", "-e", follower.Api, "--json");
        await cluster.StartNodeAsync(follower.Id, Part.MariaDb);

        Assert.Equal((0, ""), (healthy.ExitCode, healthy.Errors));
        Assert.Contains(follower.Id, healthy.Output, StringComparison.Ordinal);
        Assert.Equal((1, "OFFLINE"), (broken.ExitCode, Text(broken, "status")));
        Assert.Contains("wolfctl: The node is OFFLINE", broken.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_lead_moves_when_it_is_told_to_and_only_then()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var target = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        var asked = cluster.Facts.Nodes.First(n => n.Id != leader.Id && n.Id != target.Id);
        string[] promote = ["promote", target.Id, "-c", cluster.ConfigurationFile(asked.Id)];

        var unasked = await CommandLine.CtlAsync(promote);
        var dry = await CommandLine.CtlAsync([.. promote, "--dry-run"]);
        var stranger = await CommandLine.CtlAsync(new Dictionary<string, string> { ["WOLFCTL_TOKEN"] = "guess" }, [.. promote, "--yes"]);
        var unknown = await CommandLine.CtlAsync("promote", "node-9", "-c", cluster.ConfigurationFile(asked.Id), "--yes");
        Assert.Equal((2, 0, 1, 1), (unasked.ExitCode, dry.ExitCode, stranger.ExitCode, unknown.ExitCode));
        Assert.Contains("--yes", unasked.ErrorLine, StringComparison.Ordinal);
        Assert.Contains($"from {leader.Id} to {target.Id}", dry.Output, StringComparison.Ordinal);
        Assert.Contains("token", stranger.ErrorLine, StringComparison.Ordinal);
        Assert.Contains("node-1, node-2, node-3", unknown.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(leader.Id, (await cluster.LeaderAsync()).Id);

        var done = await CommandLine.CtlAsync([.. promote, "--yes"]);
        Assert.True(done.ExitCode == 0, done.Errors);
        Assert.StartsWith($"{target.Id} leads", done.Output.Split('\n')[^2], StringComparison.Ordinal);
        Assert.Equal(target.Id, (await cluster.LeaderAsync()).Id);
        Print(done.Output);

        var again = await CommandLine.CtlAsync("promote", "-c", cluster.ConfigurationFile(target.Id), "--json");
        Assert.Equal((0, target.Id), (again.ExitCode, Text(again, "leader"))); // the endpoint's node, which leads already: nothing to ask

        var back = await CommandLine.CtlAsync("demote", "-c", cluster.ConfigurationFile(asked.Id), "--yes", "--json");
        Assert.True(back.ExitCode == 0, back.Errors);
        Assert.NotEqual(target.Id, Text(back, "leader"));
        Assert.Equal(Text(back, "leader"), (await cluster.LeaderAsync(except: target.Id)).Id);
    }

    [Fact]
    public async Task The_log_level_changes_while_the_node_runs()
    {
        var cluster = await Fixture.HealthyAsync();
        var before = cluster.NodeLog("node-3").Length;

        var outcome = await CommandLine.CtlAsync("log-level", "debug", "-c", cluster.ConfigurationFile("node-3"));

        Assert.Equal(0, outcome.ExitCode);
        await cluster.AwaitLogAsync("node-3", before, "Debug");
        Assert.Equal(0, (await CommandLine.CtlAsync("log-level", "info", "-c", cluster.ConfigurationFile("node-3"))).ExitCode);
    }

    private static string? Text(Outcome outcome, string name) => JsonDocument.Parse(outcome.Output).RootElement.GetProperty(name).GetString();
}
