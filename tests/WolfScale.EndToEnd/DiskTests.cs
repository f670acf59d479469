using System.Globalization;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd;

/// <summary>
/// The disk of the leader's MariaDB fills up, or becomes read-only, under load: another node leads within seconds, nothing acknowledged is missing, the event says what and why, and the
/// node returns by itself when it can write again, with the same data as all others.
/// </summary>
public sealed class DiskTests : IAsyncDisposable
{
    private const string Database = "d";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>A server that has met the end of its disk looks again after a minute.</summary>
    private static readonly TimeSpan ReturnPatience = TimeSpan.FromMinutes(3);

    private readonly List<NodeProcess> _nodes = [];
    private SmallDisk? _disk;

    /// <summary>What of the server stands on the disk.</summary>
    public enum Holds
    {
        AllFiles,
        BinaryLogs,
    }

    [Theory]
    [InlineData(Holds.AllFiles)]
    [InlineData(Holds.BinaryLogs)]
    public async Task A_full_disk_gives_the_lead_away_and_room_brings_the_node_back(Holds what)
    {
        var leader = await StartAsync(what);
        await using var writer = Write();
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 200);

        var full = writer.Now;
        await _disk!.FillAsync();
        Print(await AwaitAnotherLeaderAsync(writer, leader, full));
        Assert.Matches("disk is full|Disk got full|No space left on device", await UnfitAsync(leader)); // what the node has found, or what MariaDB answered when it looked

        _disk.MakeRoom();
        await AssertHealedAsync(writer);
    }

    [Theory]
    [InlineData(Holds.AllFiles)]
    [InlineData(Holds.BinaryLogs)]
    public async Task A_read_only_file_system_gives_the_lead_away_and_the_mended_one_brings_the_node_back(Holds what)
    {
        var leader = await StartAsync(what);
        await using var writer = Write();
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 200);

        var broken = writer.Now;
        await _disk!.BreakAsync();
        Print(await AwaitAnotherLeaderAsync(writer, leader, broken));
        Print(await UnfitAsync(leader));

        await leader.MariaDb!.StopAsync(force: true);
        await _disk.MendAsync();
        await leader.MariaDb.StartAsync();
        await AssertHealedAsync(writer);
    }

    /// <summary>
    /// The next binary log cannot be begun: MariaDB turns logging off and goes on committing, without GTIDs and without waiting for anybody. No client of the proxies is told OK for what is in
    /// no log, and the server's data are replaced.
    /// </summary>
    [Fact]
    public async Task A_server_that_turns_its_binary_log_off_is_closed_and_the_proxies_clients_lose_nothing()
    {
        var leader = await StartAsync(Holds.BinaryLogs);
        await using var writer = AckedWriter.Start([.. _nodes.Select(n => n.ProxyServer)], new WriterOptions("app", "app", Database));
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 200);

        await SmallDisk.FreezeNamesAsync(_disk!.Path, freeze: true);
        var ended = writer.Now;
        _ = await Assert.ThrowsAnyAsync<MySqlConnector.MySqlException>(() => leader.Server.RunAsync("FLUSH BINARY LOGS"));
        Assert.Equal("1", await leader.Server.ScalarAsync("SELECT @@global.log_bin")); // what the server says of itself
        _ = await writer.AwaitAcknowledgedAsync(ended + TimeSpan.FromSeconds(1), Patience, count: 200);
        var statuses = await Task.WhenAll(_nodes.Where(n => n != leader).Select(n => n.StatusAsync()));
        Assert.Contains(statuses, s => s is { Role: "LEADER" });
        Assert.Contains("turned its binary log off", await UnfitAsync(leader), StringComparison.Ordinal);

        await SmallDisk.FreezeNamesAsync(_disk.Path, freeze: false);
        await leader.MariaDb!.StopAsync();
        await leader.MariaDb.StartAsync();
        await AssertHealedAsync(writer);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
        if (_disk is not null)
            await _disk.DisposeAsync();
    }

    /// <summary>Three nodes, the first of which leads with its server on a small disk.</summary>
    private async Task<NodeProcess> StartAsync(Holds what)
    {
        _disk = await SmallDisk.CreateAsync(what == Holds.AllFiles ? 400 : 64);
        _nodes.Add(what == Holds.AllFiles
            ? await NodeProcess.CreateInAsync(Path.Combine(_disk.Path, "db"), "node-1", 1)
            : await NodeProcess.CreateAsync("node-1", 1, new Dictionary<string, string> { ["log-bin"] = Path.Combine(_disk.Path, "binlog") }));
        for (uint i = 2; i <= 3; i++)
            _nodes.Add(await NodeProcess.CreateAsync(string.Create(CultureInfo.InvariantCulture, $"node-{i}"), i));
        var peers = $"[{string.Join(", ", _nodes.Select(n => NodeProcess.Text(n.ClusterAddress)))}]";
        foreach (var node in _nodes)
        {
            node.Settings["cluster.peers"] = peers;
            node.OpenProxy();
            node.Settings["cluster.auto_migrate"] = "true"; // what a broken file system leaves behind cannot always be undone in place
        }
        await _nodes[0].StartAsync("--bootstrap");
        await _nodes[0].AwaitAsync("a leader", s => s is { Role: "LEADER", AcceptsWrites: true });
        await _nodes[0].Server.RunAsync($"CREATE DATABASE {Database}", "CREATE USER app@'127.0.0.1' IDENTIFIED BY 'app'", $"GRANT ALL ON {Database}.* TO app@'127.0.0.1'");
        await AckedWriter.CreateTablesAsync(_nodes[0].Server, Database);
        await Task.WhenAll(_nodes.Skip(1).Select(n => n.StartAsync()));
        foreach (var node in _nodes)
            await node.AwaitAsync("ACTIVE", s => s.Status == "ACTIVE");
        return _nodes[0];
    }

    private AckedWriter Write() => AckedWriter.Start([.. _nodes.Select(n => n.Server)], new WriterOptions("app", "app", Database));

    private async Task<string> AwaitAnotherLeaderAsync(AckedWriter writer, NodeProcess was, TimeSpan since)
    {
        NodeProcess? leader = null;
        await Poll.UntilAsync("another leader", Patience, async () =>
        {
            foreach (var node in _nodes.Where(n => n != was))
            {
                if (await node.StatusAsync() is { Role: "LEADER", AcceptsWrites: true })
                    leader = node;
            }
            return leader is null ? "none" : null;
        });
        var first = await writer.AwaitAcknowledgedAsync(since, Patience, server: leader!.Id);
        var seconds = (first.Ended - since).TotalSeconds;
        Assert.True(seconds < Long.Or(6, 20), $"{seconds:0.00} s until {leader.Id} acknowledged a write");
        return string.Create(CultureInfo.InvariantCulture, $"{leader.Id} acknowledged a write {seconds:0.00} s after the disk took none any more");
    }

    private static Task<string> UnfitAsync(NodeProcess node) =>
        NodeEvents.AwaitLatestAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{node.BasePort + 1}")), "database_unfit", Patience);

    private async Task AssertHealedAsync(AckedWriter writer)
    {
        await Poll.UntilAsync("three ACTIVE nodes", ReturnPatience, async () =>
        {
            var statuses = await Task.WhenAll(_nodes.Select(n => n.StatusAsync()));
            return Array.TrueForAll(statuses, s => s is { Status: "ACTIVE" }) ? null : string.Join("; ", statuses.Select(s => s?.ToString() ?? "no answer"));
        });
        await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 20);
        await writer.StopAsync();
        var servers = _nodes.Select(n => n.Server).ToList();
        await new Comparer(servers).AssertIdenticalAsync([new("table", $"{Database}.{AckedWriter.Table}", 1), new("table", $"{Database}.{AckedWriter.KeylessTable}", 1)], TimeSpan.FromSeconds(60));
        foreach (var server in servers)
        {
            var verdict = await AckedVerdict.ReadAsync(server, Database, writer);
            verdict.AssertRight();
        }
        Print(writer.Summary());
    }

    private static void Print(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);
}
