using System.Collections.Immutable;
using System.Runtime.Versioning;
using System.Text.Json;
using WolfScale.Client;
using WolfScale.Server.Cli;
using WolfScale.Server.Demo;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

public class DemoPartsTests
{
    private static readonly DemoState Demo = new()
    {
        Cluster = "demo",
        Dir = "/nowhere/d",
        BasePort = 17000,
        User = "app",
        Password = "p",
        Database = "demo",
        Token = "t",
        Secret = "s",
        ServerPassword = "w",
        Nodes = [new DemoNode(1, null, null), new DemoNode(2, null, null)],
    };

    [Fact]
    public void A_process_is_known_by_its_number_and_its_start()
    {
        var self = ProcessIdentity.Of(Environment.ProcessId)!;

        Assert.True(self.IsAlive);
        Assert.False((self with { StartTicks = self.StartTicks + 1 }).IsAlive); // another one that got the number later
        Assert.False((self with { StartTicks = 0 }).Signal(0));
    }

    [Theory]
    [InlineData("cluster.heartbeat_interval_ms=100", "cluster.heartbeat_interval_ms", "100")]
    [InlineData("logging.level=debug", "logging.level", "\"debug\"")]
    [InlineData("logging.level=\"debug\"", "logging.level", "\"debug\"")]
    [InlineData("wal.fsync = false", "wal.fsync", "false")]
    public void A_setting_is_a_key_and_a_literal_with_or_without_quotes(string setting, string key, string literal) =>
        Assert.Equal(KeyValuePair.Create(key, literal), DemoConfiguration.ParseSetting(setting));

    [Theory]
    [InlineData("cluster.heartbeat_intervall_ms=100", "did you mean cluster.heartbeat_interval_ms?")]
    [InlineData("fsync=false", "write section.key=value")]
    [InlineData("wal.fsync", "write section.key=value")]
    public void A_setting_that_no_key_has_is_refused(string setting, string message)
    {
        var refused = Assert.Throws<RefusedException>(() => DemoConfiguration.ParseSetting(setting));

        Assert.Equal(ExitCode.Invalid, refused.ExitCode);
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_witness_has_neither_server_nor_proxy()
    {
        using var folder = new TempFolder("demo");
        var dir = folder.Path;
        var demo = Demo with { Dir = dir, Nodes = Demo.Nodes.Add(new DemoNode(3, null, null, Witness: true)) };
        Directory.CreateDirectory(demo.Nodes[2].Folder(demo.Dir));

        var configuration = ConfigurationLoader.Load(await File.ReadAllTextAsync(DemoConfiguration.Write(demo, demo.Nodes[2])), "c.toml", []).Configuration;
        var node = JsonDocument.Parse(JsonSerializer.Serialize(await DemoFacts.ReadAsync(demo, CancellationToken.None), DemoJson.Default.DemoDocument)).RootElement.GetProperty("nodes")[2];

        Assert.Equal((false, new DatabaseSection().Socket), (configuration.Database.Enabled, configuration.Database.Socket));
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (node.GetProperty("proxy").ValueKind, node.GetProperty("mariadb").ValueKind));
    }

    [Fact]
    public async Task The_first_thing_to_try_is_a_proxy_and_not_the_leaders_server()
    {
        var facts = await DemoFacts.ReadAsync(Demo, CancellationToken.None);
        Assert.Contains($"-P{facts.Nodes[1].Proxy!.Port} ", DemoView.Hints(facts).First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Facts_of_nodes_that_do_not_run_are_null_and_their_addresses_are_told()
    {
        var facts = await DemoFacts.ReadAsync(Demo, CancellationToken.None);
        var node = JsonDocument.Parse(JsonSerializer.Serialize(facts, DemoJson.Default.DemoDocument)).RootElement.GetProperty("nodes")[1];

        Assert.Equal(
            """{"id":"node-2","role":null,"status":"OFFLINE","pid":null,"lsn":null,"applied_lsn":null,"cluster":"127.0.0.1:17020","api":"http://127.0.0.1:17021","proxy":{"host":"127.0.0.1","port":17022},"mariadb":{"host":"127.0.0.1","port":17023,"socket":"/nowhere/d/node-2/mariadb/m.sock","pid":null}}""",
            JsonSerializer.Serialize(node));
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void A_demo_survives_being_written_and_read()
    {
        using var folder = new TempFolder("demo");
        var dir = folder.Path;
        var demo = Demo with { Dir = dir, Settings = ImmutableDictionary<string, string>.Empty.Add("wal.fsync", "false") };
        demo = demo.With(demo.Nodes[1] with { Node = new ProcessIdentity(5, 99) });
        demo.Write();

        var read = DemoState.Read(dir)!;

        Assert.Equal(demo.Nodes, read.Nodes);
        Assert.Equal("false", read.Settings["wal.fsync"]);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(dir, DemoState.FileName)));
    }

    [Theory]
    [InlineData(0, 17000, "--nodes")]
    [InlineData(10, 17000, "--nodes")]
    [InlineData(3, 80, "--base-port")]
    [InlineData(3, 65530, "--base-port")]
    public void Numbers_that_cannot_be_are_refused(int nodes, int basePort, string named) =>
        Assert.Contains(named, Assert.Throws<RefusedException>(() => DemoCluster.Create("/nowhere/d", nodes, basePort, [])).Message, StringComparison.Ordinal);

    [Fact]
    public void The_configuration_of_a_demo_node_is_valid_and_on_loopback()
    {
        using var folder = new TempFolder("demo");
        var dir = folder.Path;
        var demo = Demo with { Dir = dir };
        _ = Directory.CreateDirectory(demo.Nodes[0].Folder(dir));

        var loaded = GlobalOptions.Read(DemoConfiguration.Write(demo, demo.Nodes[0]));

        Assert.True(loaded.Valid);
        Assert.Equal(["127.0.0.1:17010", "127.0.0.1:17020"], loaded.Configuration.Cluster.Peers);
        Assert.All(
            [loaded.Configuration.Node.BindAddress, loaded.Configuration.Api.BindAddress, loaded.Configuration.Proxy.BindAddress, loaded.Configuration.Database.FeedBindAddress],
            address => Assert.True(HostPort.TryParse(address, out var parsed, out _) && parsed.IsLoopback));
    }
}
