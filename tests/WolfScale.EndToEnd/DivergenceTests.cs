using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>How a leader whose WolfScale is frozen comes to commit what nobody acknowledged.</summary>
public enum WayAround
{
    KillQueryOfTheWaitingCommit,
    TerminateMariaDb,
    SwitchSemiSyncOff,
    KillMariaDbAndStartItAgain,
}

/// <summary>
/// Divergence, first rung: what MariaDB committed on a deposed leader without an acknowledgement is rolled back exactly and saved to a file.
/// </summary>
public sealed class DivergenceTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly ExpectedObject[] Expected = [new("table", "demo.book", 1000), new("table", "demo.keyless", 1000)];

    public static TheoryData<WayAround> Ways => [.. Enum.GetValues<WayAround>()];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Unacknowledged_transactions_of_a_deposed_leader_are_rolled_back_and_saved(WayAround way)
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var old = await cluster.LeaderAsync();
        await old.Server.RunAsync(
            "CREATE OR REPLACE TABLE demo.book (id INT PRIMARY KEY, v VARCHAR(100), g INT AS (id * 2) STORED)",
            "CREATE OR REPLACE TABLE demo.keyless (v VARCHAR(100), b BLOB)",
            "INSERT INTO demo.book (id, v) SELECT seq, MD5(seq) FROM demo.seq_1_to_1000",
            "INSERT INTO demo.keyless SELECT 'same', 'same' FROM demo.seq_1_to_1000");
        await cluster.Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(30));
        var marker = string.Create(CultureInfo.InvariantCulture, $"nobody heard of {way}");

        await cluster.SignalAsync(old.Id, Part.Node, Signal.Stop);
        var before = await old.Server.ScalarAsync("SELECT @@gtid_binlog_pos");
        await CommitUnheardAsync(cluster, old, way, marker);
        var leader = await cluster.LeaderAsync(except: old.Id);
        await leader.Server.RunAsync("INSERT INTO demo.book (id, v) VALUES (5000, 'the cluster went on')");
        await AssertDivergedAsync(old, before, marker);
        await cluster.SignalAsync(old.Id, Part.Node, Signal.Continue);

        await cluster.AwaitStatusAsync(old.Id, "ACTIVE");
        await cluster.Comparer.AssertIdenticalAsync(Expected);
        Assert.Equal("0", await old.Server.ScalarAsync($"SELECT COUNT(*) FROM demo.book WHERE v LIKE 'nobody heard%' OR id = 3 AND v <> MD5(3)"));
        await SavedTransactions.AssertContainAsync(cluster, old.Id, marker);
    }

    /// <summary>Brings a transaction (rows added, changed and deleted) into the old leader's engine without any acknowledgement.</summary>
    private static async Task CommitUnheardAsync(DemoCluster cluster, DemoNode old, WayAround way, string marker)
    {
        await using var client = await old.Server.ClientAsync(cluster.Facts.User, cluster.Facts.Password, "demo");
        var id = client.ServerThread;
        await client.RunAsync("START TRANSACTION");
        await client.RunAsync($"INSERT INTO book (id, v) VALUES (2000, '{marker}'), (2001, '{marker}')");
        await client.RunAsync($"UPDATE book SET v = '{marker}' WHERE id BETWEEN 1 AND 50");
        await client.RunAsync("DELETE FROM book WHERE id BETWEEN 100 AND 150");
        await client.RunAsync("UPDATE keyless SET v = 'changed' LIMIT 7");
        await client.RunAsync("DELETE FROM keyless LIMIT 7");
        var commit = client.RunAsync("COMMIT");
        await Poll.UntilAsync("the commit to wait for its ACK", TimeSpan.FromSeconds(5), async () =>
            await old.Server.ScalarAsync($"SELECT state FROM information_schema.processlist WHERE id = {id}") is "Waiting for semi-sync ACK from slave" ? null : "not yet");

        switch (way)
        {
            case WayAround.KillQueryOfTheWaitingCommit:
                await old.Server.RunAsync($"KILL QUERY {id}");
                break;
            case WayAround.SwitchSemiSyncOff:
                await old.Server.RunAsync("SET GLOBAL rpl_semi_sync_master_enabled = OFF");
                break;
            case WayAround.TerminateMariaDb:
            case WayAround.KillMariaDbAndStartItAgain:
                await cluster.SignalAsync(old.Id, Part.MariaDb, way == WayAround.TerminateMariaDb ? Signal.Terminate : Signal.Kill);
                await Processes.AwaitEndAsync(old.MariaDb.Pid ?? 0, $"{old.Id}'s mariadbd");
                await cluster.StartNodeAsync(old.Id, Part.MariaDb);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(way), way, "no such way");
        }
        try
        {
            await commit;
        }
        catch (MySqlException)
        {
            // The connection may end with the server: the client knows nothing then.
        }
    }

    /// <summary>The test would prove nothing if the transaction had not been committed there.</summary>
    private static async Task AssertDivergedAsync(DemoNode old, string? before, string marker)
    {
        Assert.NotEqual(before, await old.Server.ScalarAsync("SELECT @@gtid_binlog_pos"));
        Assert.Equal("52", await old.Server.ScalarAsync($"SELECT COUNT(*) FROM demo.book WHERE v = '{marker}'"));
    }
}
