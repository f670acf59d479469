using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary><c>scripts/backup.sh</c> and <c>full_backup.sh</c>: taken on a follower, restored through a proxy.</summary>
public sealed class BackupScriptTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_backup_of_a_follower_is_restored_through_a_proxy_with_everything_in_it()
    {
        using var folder = new TempFolder("backup");
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await FillAsync(leader);
        await cluster.AwaitHealthyAsync();
        var before = await DescribeAsync(leader);

        var taken = await RunAsync("full_backup.sh", folder, "--output", folder.Path, "--", $"--socket={follower.MariaDb.Socket}", "--user=root");
        Assert.True(taken.ExitCode == 0, taken.ToString());
        var (data, accounts) = (Only(folder, "full_backup_*"), Only(folder, "accounts_*"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(data));

        await leader.Server.RunAsync("DROP DATABASE kept", "DROP USER reader@'%'");
        await LoadAsync(cluster, follower, accounts);
        await LoadAsync(cluster, follower, data);
        await cluster.AwaitHealthyAsync();

        Assert.Equal(before, await DescribeAsync(leader));
        await cluster.Comparer.AssertIdenticalAsync([new("table", "kept.t", 1)]);
        await leader.Server.RunAsync("DROP DATABASE kept", "DROP USER reader@'%'");
    }

    [Fact]
    public async Task One_database_is_backed_up_and_the_old_ones_go()
    {
        using var folder = new TempFolder("backup");
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await FillAsync(leader);
        var before = await DescribeAsync(leader);
        foreach (var old in (string[])["kept_20010101_000000.sql.gz", "kept_20020101_000000.sql.gz", "other_20010101_000000.sql.gz"])
            await File.WriteAllTextAsync(Path.Combine(folder.Path, old), "old", TestContext.Current.CancellationToken);

        var taken = await RunAsync("backup.sh", folder, "--output", folder.Path, "--keep", "2", "kept", "--", $"--socket={leader.MariaDb.Socket}", "--user=root");
        Assert.True(taken.ExitCode == 0, taken.ToString());
        Assert.False(File.Exists(Path.Combine(folder.Path, "kept_20010101_000000.sql.gz")));
        Assert.Equal(3, Directory.GetFiles(folder.Path).Length); // the newest two of this database, and the other's

        await leader.Server.RunAsync("DROP DATABASE kept", "CREATE DATABASE kept");
        await LoadAsync(cluster, leader, Directory.GetFiles(folder.Path, "kept_20*").Max()!, "kept");
        Assert.Equal(before, await DescribeAsync(leader));
        await leader.Server.RunAsync("DROP DATABASE kept", "DROP USER reader@'%'");
    }

    [Fact]
    public async Task What_fails_leaves_no_file_and_says_so()
    {
        using var folder = new TempFolder("backup");
        var unreachable = await RunAsync("backup.sh", folder, "--output", folder.Path, "nowhere", "--", $"--socket={folder.Path}/none");
        var unknown = await RunAsync("backup.sh", folder, "--frobnicate");
        var name = await RunAsync("backup.sh", folder, "--output", folder.Path, "../x");

        Assert.Equal((1, 2, 2), (unreachable.ExitCode, unknown.ExitCode, name.ExitCode));
        Assert.Contains("nothing is left of it", unreachable.ToString(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static Task FillAsync(DemoNode leader) => leader.Server.RunAsync(
        "CREATE DATABASE IF NOT EXISTS kept",
        "CREATE OR REPLACE TABLE kept.t (id INT PRIMARY KEY AUTO_INCREMENT, b BLOB, s VARCHAR(50) CHARACTER SET utf8mb4, at TIMESTAMP(6) NULL, d DECIMAL(20,5), j JSON, n BIT(9))",
        "INSERT INTO kept.t (b, s, at, d, j, n) VALUES (UNHEX('00FF0A0D27225C1A80'), 'žluťoučký 🐺 \\'\\\\\\n', '2001-02-03 04:05:06.789', -1.5, '{\"a\": null}', b'100000001'), ('', '', NULL, NULL, NULL, NULL)",
        "CREATE OR REPLACE VIEW kept.v AS SELECT id, s FROM kept.t",
        "CREATE OR REPLACE PROCEDURE kept.p() SELECT COUNT(*) FROM kept.t",
        "CREATE OR REPLACE FUNCTION kept.f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1",
        "CREATE OR REPLACE TRIGGER kept.g BEFORE INSERT ON kept.t FOR EACH ROW SET NEW.d = COALESCE(NEW.d, 0)",
        "CREATE OR REPLACE EVENT kept.e ON SCHEDULE EVERY 1 YEAR DO DO 1",
        "CREATE OR REPLACE SEQUENCE kept.q START WITH 5",
        "CREATE USER IF NOT EXISTS reader@'%' IDENTIFIED BY 'secret'",
        "GRANT SELECT ON kept.* TO reader@'%'");

    /// <summary>All of it that a person would miss.</summary>
    private static async Task<string> DescribeAsync(DemoNode node) => string.Join('\n', await Task.WhenAll(((string[])
    [
        "CHECKSUM TABLE kept.t EXTENDED", "SELECT HEX(b) FROM kept.t WHERE id = 1", "SELECT s FROM kept.v WHERE id = 1", "SELECT kept.f(1)", "SELECT NEXTVAL(kept.q) >= 5",
        "SELECT GROUP_CONCAT(ROUTINE_NAME, ROUTINE_TYPE ORDER BY 1) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'kept'",
        "SELECT GROUP_CONCAT(TRIGGER_NAME, ACTION_STATEMENT) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'kept'",
        "SELECT GROUP_CONCAT(EVENT_NAME, EVENT_DEFINITION, INTERVAL_FIELD) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'kept'",
        "SELECT JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv WHERE User = 'reader'", "SELECT Select_priv FROM mysql.db WHERE User = 'reader'",
    ]).Select(node.Server.ScalarAsync)));

    private static Task<CommandResult> RunAsync(string script, TempFolder folder, params string[] arguments) =>
        Command.RunAsync("env", ["-C", folder.Path, Path.Combine(Repository.Root, "scripts", script), .. arguments], Limit);

    private static string Only(TempFolder folder, string pattern) => Assert.Single(Directory.GetFiles(folder.Path, pattern));

    /// <summary>Through the node's proxy, as an administrator that every server knows.</summary>
    private static async Task LoadAsync(DemoCluster cluster, DemoNode node, string file, string database = "")
    {
        await (await cluster.LeaderAsync()).Server.RunAsync("CREATE USER IF NOT EXISTS admin@'127.0.0.1' IDENTIFIED BY 'secret'", "GRANT ALL ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION");
        var loaded = await Command.RunAsync(
            "sh", ["-c", $"zcat '{file}' | mariadb --no-defaults --default-character-set=utf8mb4 -h {node.Proxy.Host} -P {node.Proxy.Port} -u admin -psecret {database}"], Limit);
        Assert.True(loaded.ExitCode == 0, loaded.ToString());
    }
}
