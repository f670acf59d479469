using System.Diagnostics;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Native;
using WolfScale.EndToEnd.Workloads.Acked;
using WolfScale.MariaDb.Local;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl wal</c> on the log of a real cluster: read by people, checked, and read by MariaDB's own programs.</summary>
public class WolfctlWalTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The strongest thing that can be said of an export: a fresh server that is given it holds the same rows.</summary>
    [Fact]
    public async Task An_export_is_read_by_mariadb_binlog_and_replayed_makes_the_same_rows()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync(
            "CREATE DATABASE exported",
            "USE exported",
            "CREATE TABLE exported.t (id INT PRIMARY KEY, what VARCHAR(40), big LONGBLOB)",
            "INSERT INTO exported.t VALUES (1, 'first', NULL), (2, 'Käse €', REPEAT('x', 3000000))", // in several entries
            "UPDATE exported.t SET what = 'changed' WHERE id = 1",
            "DELETE FROM exported.t WHERE id = 99",
            "INSERT INTO exported.t SELECT seq + 10, CONCAT('row ', seq), NULL FROM seq_1_to_500");
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await Poll.UntilAsync("the rows on the follower", Patience, async () => await follower.Server.ScalarAsync("SELECT COUNT(*) FROM exported.t") == "502" ? null : "they are not there");
        using var folder = new TempFolder("wal");
        var file = Path.Combine(folder.Path, "log.binlog");

        // Of the follower's log, while it runs: a log is the same everywhere.
        var export = await CommandLine.CtlAsync("wal", "export", "-c", cluster.ConfigurationFile(follower.Id), "--output", file, "--json");
        Assert.True(export.ExitCode == 0, export.Errors);
        Assert.Equal("", export.Errors);
        var facts = JsonDocument.Parse(export.Output).RootElement;
        Assert.Equal(await leader.Server.ScalarAsync("SELECT @@gtid_binlog_pos"), facts.GetProperty("last_gtid").GetString());

        var read = await Command.RunAsync("mariadb-binlog", ["--no-defaults", "--verify-binlog-checksum", "--verbose", "--base64-output=decode-rows", file], Patience);
        Assert.True(read.ExitCode == 0, read.ToString());
        Assert.Equal("", read.Error);
        Assert.Contains("CREATE TABLE exported.t", read.Output, StringComparison.Ordinal);
        Assert.Equal(facts.GetProperty("transactions").GetInt32(), read.Output.Split('\n').Count(line => line.StartsWith('#') && line.Contains("\tGTID ", StringComparison.Ordinal)));

        await using var fresh = new PrivateServer(Path.Combine(folder.Path, "db"), Ports.FreeRange(10), 77);
        await fresh.CreateAsync(NativePair.Unmanaged);
        await fresh.StartAsync();
        var replay = await Command.RunAsync(
            "bash", ["-c", $"set -o pipefail; mariadb-binlog --no-defaults '{file}' | mariadb --no-defaults --user=root --socket='{fresh.Socket}' --binary-mode"], Patience);
        Assert.True(replay.ExitCode == 0, replay.ToString());
        const string rows = "SELECT CONCAT(COUNT(*), ' ', SUM(CRC32(CONCAT_WS('|', id, what, big)))) FROM exported.t";
        Assert.Equal(await leader.Server.ScalarAsync(rows), await NativePair.Describe("fresh", fresh).ScalarAsync(rows));

        Assert.Equal(1, (await CommandLine.CtlAsync("wal", "export", "-c", cluster.ConfigurationFile(follower.Id), "--output", file)).ExitCode); // it is there
    }

    [Fact]
    public async Task The_log_is_text_for_people_and_programs_and_intact_while_it_is_written()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE DATABASE IF NOT EXISTS dumped", "CREATE TABLE IF NOT EXISTS dumped.t (id INT PRIMARY KEY)", "INSERT IGNORE INTO dumped.t VALUES (1)");
        await AckedWriter.CreateTablesAsync(leader.Server, cluster.Facts.Database);
        await using var writer = AckedWriter.Start(cluster.Servers, new WriterOptions(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database));
        string[] node = ["-c", cluster.ConfigurationFile(leader.Id)];

        for (var look = 0; look < 5; look++)
        {
            var verify = await CommandLine.CtlAsync(["wal", "verify", "--json", .. node]);
            Assert.True(verify.ExitCode == 0, verify.Errors);
            Assert.True(JsonDocument.Parse(verify.Output).RootElement.GetProperty("intact").GetBoolean());
        }

        var text = await CommandLine.CtlAsync(["wal", "dump", .. node]);
        var lines = await CommandLine.CtlAsync(["wal", "dump", "--json", "--from", "2", "--to", "4", .. node]);

        Assert.Equal((0, 0), (text.ExitCode, lines.ExitCode));
        Assert.Contains("configuration", text.Output.Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains("CREATE TABLE IF NOT EXISTS dumped.t", text.Output, StringComparison.Ordinal);
        Assert.Contains("TABLE_MAP dumped.t", text.Output, StringComparison.Ordinal);
        Assert.Equal([2, 3, 4], lines.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("lsn").GetInt32()));
    }

    /// <summary>A byte rots while the node is down. The tool says where and what will happen, changes nothing, and what it says happens.</summary>
    [Fact]
    public async Task A_rotten_byte_is_found_with_the_node_stopped_and_its_peers_refill_it()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var victim = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await leader.Server.RunAsync("CREATE DATABASE IF NOT EXISTS rotten", "CREATE OR REPLACE TABLE rotten.t (id INT PRIMARY KEY, what VARCHAR(40))");
        for (var i = 0; i < 20; i++)
            await leader.Server.RunAsync($"INSERT INTO rotten.t VALUES ({i}, 'unmistakable {i}')");
        await Poll.UntilAsync("the rows on the victim", Patience, async () => await victim.Server.ScalarAsync("SELECT COUNT(*) FROM rotten.t") == "20" ? null : "they are not there");
        await cluster.RefreshAsync();
        await cluster.SignalAsync(victim.Id, Part.Node, Signal.Kill);
        string[] node = ["-c", cluster.ConfigurationFile(victim.Id)];
        Assert.Equal(0, (await CommandLine.CtlAsync(["wal", "verify", .. node])).ExitCode);

        var wal = Path.Combine(cluster.Directory, victim.Id, "wolfscale", "wal");
        var segment = Directory.GetFiles(wal).Where(f => new FileInfo(f).Length > 8192 && Path.GetFileName(f).StartsWith('0')).Order(StringComparer.Ordinal).Last();
        var bytes = await File.ReadAllBytesAsync(segment);
        var used = bytes.AsSpan().LastIndexOfAnyExcept((byte)0);
        bytes[used / 2] ^= 0x10;
        await File.WriteAllBytesAsync(segment, bytes);
        var found = await CommandLine.CtlAsync(["wal", "verify", "--json", .. node]);
        using var folder = new TempFolder("wal");
        var export = await CommandLine.CtlAsync(["wal", "export", "--output", Path.Combine(folder.Path, "log"), .. node]);

        Assert.Equal(1, found.ExitCode);
        var lsn = JsonDocument.Parse(found.Output).RootElement.GetProperty("damaged_from_lsn").GetInt64();
        Assert.Contains($"before LSN {lsn} is intact", found.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(segment));
        Assert.Contains("may be what the cluster never acknowledged", export.Errors, StringComparison.Ordinal); // nobody says what is committed
        Print(found.ErrorLine);

        await cluster.StartNodeAsync(victim.Id, Part.Node);
        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(120));
        Assert.Equal(0, (await CommandLine.CtlAsync(["wal", "verify", .. node])).ExitCode);
    }
}
