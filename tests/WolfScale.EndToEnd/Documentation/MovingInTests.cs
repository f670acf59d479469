namespace WolfScale.EndToEnd.Documentation;

/// <summary><c>docs/moving-in.md</c>: a database that is there already comes into a cluster, in each of the ways.</summary>
public sealed class MovingInTests
{
    private const string Chapter = "moving-in.md";
    private const string ThreeServers = "three-servers.md";

    private static readonly string[] Shop =
    [
        "CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(50), picture BLOB)", "INSERT INTO shop.orders (who, picture) SELECT CONCAT('customer ', seq), RANDOM_BYTES(50) FROM shop.seq_1_to_500",
        "CREATE USER app@'%' IDENTIFIED BY 'choose-one'", "GRANT ALL ON shop.* TO app@'%'",
    ];

    [Fact]
    [Runs(Chapter, "engines", "fill")]
    public async Task A_server_with_data_becomes_the_first_node_and_the_others_are_filled_from_it()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "machines of its own (namespaces) take root");
        await using var machines = await Machines.CreateAsync("node-1", "node-2", "node-3");
        _ = await SqlAsync(machines["node-1"], Shop);
        var rows = await RowsAsync(machines["node-1"]);
        await FoundAsync(machines);
        await FillAsync(machines);
        await AssertMovedAsync(machines, rows);
    }

    [Fact]
    [Runs(Chapter, "backup", "restore")]
    public async Task A_backup_of_a_server_is_restored_through_the_proxy()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "machines of its own (namespaces) take root");
        await using var machines = await Machines.CreateAsync("node-1", "node-2", "node-3", "old");
        await OpenOldAsync(machines);
        var rows = await RowsAsync(machines["old"]);
        await FoundAsync(machines);
        await JoinAsync(machines);
        _ = await machines.RunAsync(Chapter, "backup");
        _ = await machines.RunAsync(Chapter, "restore");
        await AssertMovedAsync(machines, rows);
    }

    [Fact]
    [Runs(Chapter, "source", "copy", "switch")]
    public async Task A_server_that_is_written_to_moves_with_a_pause()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "machines of its own (namespaces) take root");
        await using var machines = await Machines.CreateAsync("node-1", "node-2", "node-3", "old");
        await OpenOldAsync(machines);
        _ = await machines.RunAsync(Chapter, "source");
        _ = await machines.RunAsync(Chapter, "copy");
        _ = await SqlAsync(machines["old"], "INSERT INTO shop.orders (who) VALUES ('late'), ('later')");
        var rows = await RowsAsync(machines["old"]);
        _ = await machines.RunAsync(Chapter, "switch");
        var refused = await machines["old"].TryAsync("mariadb -h 127.0.0.1 -u app -pchoose-one -e \"INSERT INTO shop.orders (who) VALUES ('too late')\"");
        Assert.Contains("read-only", refused.Error, StringComparison.Ordinal);
        await FoundAsync(machines);
        await FillAsync(machines);
        await AssertMovedAsync(machines, rows);
    }

    /// <summary>The old server, as it is found in the world: reachable, with a binary log.</summary>
    private static async Task OpenOldAsync(Machines machines)
    {
        await File.WriteAllTextAsync(Path.Combine(machines["old"].Root, "etc/mysql/mariadb.conf.d/60-own.cnf"), "[mariadbd]\nserver_id = 99\nlog_bin = mysql-bin\nbind-address = 0.0.0.0\n");
        _ = await machines["old"].RunAsync("systemctl restart mariadb");
        _ = await SqlAsync(machines["old"], Shop);
    }

    /// <summary>Steps of the chapter before, and what this one says is different.</summary>
    private static async Task FoundAsync(Machines machines)
    {
        foreach (var number in (int[])[1, 2, 3])
            _ = await machines.RunAsync(ThreeServers, "settings", $"node-{number}", ("server_id = 2 ", $"server_id = {number} "));
        _ = await machines.RunAsync(ThreeServers, "first");
        _ = await machines.RunAsync(Chapter, "engines");
    }

    private static async Task JoinAsync(Machines machines)
    {
        _ = await machines.RunAsync(ThreeServers, "others");
        _ = await machines.RunAsync(ThreeServers, "others", "node-3", ("--node-id node-2", "--node-id node-3"), ("10.0.10.11:7654", "10.0.10.12:7654"));
    }

    private static async Task FillAsync(Machines machines)
    {
        // Their last command waits until the node is ACTIVE, which here it is not before it is filled.
        _ = await machines.RunAsync(ThreeServers, "others", null, ("until wolfctl status; do sleep 2; done\n", ""));
        _ = await machines.RunAsync(ThreeServers, "others", "node-3", ("until wolfctl status; do sleep 2; done\n", ""), ("--node-id node-2", "--node-id node-3"), ("10.0.10.11:7654", "10.0.10.12:7654"));
        _ = await machines.RunAsync(Chapter, "fill");
        _ = await machines.RunAsync(Chapter, "fill", "node-3");
    }

    /// <summary>All nodes hold the rows, and take new ones through the application's account.</summary>
    private static async Task AssertMovedAsync(Machines machines, string rows)
    {
        Assert.Contains("identical", await machines["node-1"].RunAsync("wolfctl verify"), StringComparison.Ordinal);
        foreach (var node in (string[])["node-1", "node-2", "node-3"])
            Assert.Equal(rows, await RowsAsync(machines[node]));
        _ = await machines["node-3"].RunAsync("mariadb -h 127.0.0.1 -P 3307 -u app -pchoose-one shop -e \"INSERT INTO orders (who) VALUES ('new')\"");
    }

    private static Task<string> RowsAsync(Machine machine) => machine.RunAsync("mariadb -Ne 'CHECKSUM TABLE shop.orders EXTENDED; SELECT COUNT(*) FROM shop.orders'");

    private static Task<string> SqlAsync(Machine machine, params string[] statements) => machine.RunAsync($"mariadb <<'SQL'\n{string.Join(";\n", statements)};\nSQL\n");
}
