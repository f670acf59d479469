using MySqlConnector;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>Bad input by the MariaDB server: each lack is said in one clear line with its cure, and nothing is opened for writes.</summary>
public sealed class BadInputOfServersTests
{
    [Fact]
    public async Task A_server_without_binary_log_cannot_lead_and_the_lines_to_add_are_given()
    {
        await using var node = await NodeProcess.CreateAsync("no-log-bin", 91, new Dictionary<string, string>(), "--skip-log-bin");
        await AssertRefusesAsync(node, "log_bin");
    }

    [Fact]
    public async Task A_server_of_a_version_that_is_too_old_is_refused_by_name()
    {
        await using var node = await NodeProcess.CreateAsync("old-version", 92, null, "--version=10.3.39-MariaDB-log");
        await AssertRefusesAsync(node, "10.3");
    }

    [Fact]
    public async Task Missing_privileges_are_named()
    {
        await using var node = await NodeProcess.CreateAsync("no-rights", 93);
        await node.Server.RunAsync("SET sql_log_bin = 0", "CREATE USER poor@localhost IDENTIFIED BY 'poor'", "GRANT SELECT ON *.* TO poor@localhost");
        node.Settings["database.user"] = NodeProcess.Text("poor");
        node.Settings["database.password"] = NodeProcess.Text("poor");
        await AssertRefusesAsync(node, "GRANT");
    }

    [Fact]
    public async Task Someone_elses_semi_sync_replica_is_reported()
    {
        await using var node = await NodeProcess.CreateAsync("watched", 94);
        await node.StartAsync("--bootstrap");
        await node.AwaitAsync("a leader", s => s is { Role: "LEADER", AcceptsWrites: true });
        using var folder = new TempFolder("other");
        await using var other = new MariaDb.Local.PrivateServer(folder.File("r"), Ports.FreeRange(10), 95);
        await other.CreateAsync(new Dictionary<string, string> { ["rpl-semi-sync-master-enabled"] = "OFF", ["rpl-semi-sync-slave-enabled"] = "ON" });
        await other.StartAsync();

        await Native.NativePair.AttachAsync(Native.NativePair.Describe("someone else's replica", other), node.Server);

        Print(await node.AwaitLineAsync("semi-sync", "replica"));
    }

    [Theory]
    [InlineData("binlog-format", "STATEMENT", "binlog_format")]
    [InlineData("slave-skip-errors", "1062", "slave_skip_errors")]
    [InlineData("slave-exec-mode", "IDEMPOTENT", "slave_exec_mode")]
    [InlineData("replicate-ignore-db", "secrets", "filter")]
    [InlineData("auto-increment-increment", "2", "auto_increment_increment")]
    public async Task A_setting_that_would_break_replication_is_refused_by_name(string setting, string value, string named)
    {
        await using var node = await NodeProcess.CreateAsync("badly-set", 96, new Dictionary<string, string> { [setting] = value });
        await AssertRefusesAsync(node, named);
    }

    private static async Task AssertRefusesAsync(NodeProcess node, string named)
    {
        await node.StartAsync("--bootstrap");

        Print(await node.AwaitLineAsync(named));
        var status = await node.StatusAsync();
        Assert.False(status?.AcceptsWrites ?? false, $"{status}");
        try
        {
            Assert.Equal("1", await node.Server.ScalarAsync("SELECT @@read_only"));
        }
        catch (MySqlException)
        {
            // A server that does not answer takes no writes either.
        }
    }

    private static void Print(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);
}
