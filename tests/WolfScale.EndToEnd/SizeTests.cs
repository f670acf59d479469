using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using MySqlConnector;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Native;
using WolfScale.EndToEnd.Workloads;

namespace WolfScale.EndToEnd;

/// <summary>Size: large transactions in little memory, and a long way to catch up.</summary>
public sealed class SizeTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private const int RowBytes = 1 << 20;
    private const long MemoryLimit = 300_000_000;

    [Fact]
    public async Task A_huge_transaction_of_large_rows_replicates_in_little_memory_and_small_commits_go_on_after_it()
    {
        var rows = Long.Or(2048, 64);
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE TABLE demo.huge (id INT PRIMARY KEY, v LONGBLOB NOT NULL)", "CREATE TABLE demo.small (id INT PRIMARY KEY)");

        var clock = Stopwatch.StartNew();
        await WriteHugeAsync(cluster, leader, rows);
        Print(string.Create(CultureInfo.InvariantCulture, $"{rows} MiB committed after {clock.Elapsed.TotalSeconds:0.0} s"));
        clock.Restart();
        await WriteSmallAsync(cluster, leader, 20);
        Print(string.Create(CultureInfo.InvariantCulture, $"20 small commits after it took {clock.Elapsed.TotalMilliseconds:0} ms"));
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.huge", rows), new("table", "demo.small", 20)], TimeSpan.FromMinutes(15));
        Print(string.Create(CultureInfo.InvariantCulture, $"identical everywhere {clock.Elapsed.TotalSeconds:0.0} s after the commit"));

        Assert.Equal(leader.Id, (await cluster.LeaderAsync()).Id);
        foreach (var node in cluster.Facts.Nodes)
        {
            var peak = Processes.PeakResidentBytes(node.Pid ?? 0);
            Print(string.Create(CultureInfo.InvariantCulture, $"{node.Id}: at most {peak >> 20} MiB resident"));
            Assert.True(peak < MemoryLimit, $"{node.Id} had {peak >> 20} MiB resident");
        }
        await leader.Server.RunAsync("DROP TABLE demo.huge");
    }

    [Fact]
    public async Task A_follower_that_was_away_catches_up_like_a_native_replica()
    {
        var transactions = Long.Or(500_000, 20_000);
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Facts.Nodes.Last(n => n.Id != leader.Id);
        var sysbench = new Sysbench(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database) { Tables = 4, TableSize = 10_000 };
        await sysbench.PrepareAsync(leader.Server);
        await cluster.Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(60));
        await using var native = await NativeReplica.AttachAsync(leader.Server, await leader.Server.ScalarAsync("SELECT @@server_id") ?? "");
        await native.AwaitAsync(await PositionAsync(leader.Server), TimeSpan.FromMinutes(2));

        await native.Server.RunAsync("STOP SLAVE");
        await cluster.SignalAsync(follower.Id, Part.Both, Signal.Kill);
        await sysbench.RunAsync("oltp_insert", leader.Server, 16, TimeSpan.FromMinutes(30), transactions);
        var target = await PositionAsync(leader.Server);

        var clock = Stopwatch.StartNew();
        await native.Server.RunAsync("START SLAVE");
        await native.AwaitAsync(target, TimeSpan.FromMinutes(20));
        var nativeRate = transactions / clock.Elapsed.TotalSeconds;
        Print(string.Create(CultureInfo.InvariantCulture, $"native replica: {clock.Elapsed.TotalSeconds:0.0} s, {nativeRate:0} transactions/s"));

        await cluster.StartNodeAsync(follower.Id, Part.MariaDb);
        clock.Restart();
        await cluster.StartNodeAsync(follower.Id, Part.Node);
        await AwaitPositionAsync(follower.Server, target, TimeSpan.FromMinutes(20));
        var ourRate = transactions / clock.Elapsed.TotalSeconds;
        Print(string.Create(CultureInfo.InvariantCulture, $"WolfScale follower: {clock.Elapsed.TotalSeconds:0.0} s from the command that starts its node, {ourRate:0} transactions/s, ratio {ourRate / nativeRate:0.00} (aim: at least 1)"));
        await cluster.AwaitHealthyAsync();
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.sbtest1", 10_000)]);
        if (Long.Form)
            Assert.True(ourRate >= nativeRate, "slower than a native replica");
    }

    /// <summary>Random bytes, so that compression does not make it small. One row per statement: no packet holds more than one.</summary>
    internal static async Task WriteHugeAsync(DemoCluster cluster, DemoNode leader, int rows, Func<Task>? beforeCommit = null)
    {
        await using var client = await leader.Server.ClientAsync(cluster.Facts.User, cluster.Facts.Password, "demo");
        await client.RunAsync("START TRANSACTION");
        await using var insert = client.CreateCommand();
        insert.CommandText = "INSERT INTO huge VALUES (@id, @v)";
        var id = insert.Parameters.Add("@id", MySqlDbType.Int32);
        var value = insert.Parameters.Add("@v", MySqlDbType.LongBlob);
        var bytes = new byte[RowBytes];
        for (var row = 1; row <= rows; row++)
        {
            RandomNumberGenerator.Fill(bytes);
            (id.Value, value.Value) = (row, bytes);
            await insert.ExecuteNonQueryAsync();
        }
        if (beforeCommit is not null)
            await beforeCommit();
        await client.RunAsync("COMMIT");
    }

    private static async Task WriteSmallAsync(DemoCluster cluster, DemoNode leader, int count)
    {
        await using var client = await leader.Server.ClientAsync(cluster.Facts.User, cluster.Facts.Password, "demo");
        for (var i = 1; i <= count; i++)
            await client.RunAsync($"INSERT INTO small VALUES ({i})");
    }

    private static async Task<string> PositionAsync(SqlServer server) => await server.ScalarAsync("SELECT @@gtid_binlog_pos") ?? "";

    private static Task<TimeSpan> AwaitPositionAsync(SqlServer server, string target, TimeSpan within) => Poll.UntilAsync($"{server} at {target}", within, async () =>
        await PositionAsync(server) is var position && position == target ? null : position, TimeSpan.FromMilliseconds(100));
}

/// <summary>On nodes that wait long before they elect another: however slow the machine, the leader is not deposed while the others are frozen.</summary>
public sealed class MoreThanMayBeInFlightTests(FrozenLeaderGateTests.Patient fixture) : ClusterTests<FrozenLeaderGateTests.Patient>(fixture)
{
    /// <summary>More than may be proposed and not committed: the log makes the server wait, and that is all that happens.</summary>
    [Fact]
    public async Task A_transaction_larger_than_may_be_in_flight_waits_for_frozen_followers_and_the_leader_stays()
    {
        const int Rows = 90;
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE TABLE demo.huge (id INT PRIMARY KEY, v LONGBLOB NOT NULL)");
        var term = (await cluster.StatusAsync(leader.Id))!.Term;
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();

        var thawed = Task.CompletedTask;
        await SizeTests.WriteHugeAsync(cluster, leader, Rows, async () =>
        {
            foreach (var follower in followers)
                await cluster.SignalAsync(follower.Id, Part.Node, Signal.Stop);
            thawed = ThawAsync(); // while the commit waits
        });
        await thawed;

        Assert.Equal(("LEADER", term), (await cluster.StatusAsync(leader.Id)) is { } now ? (now.Role, now.Term) : default);
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.huge", Rows)], TimeSpan.FromMinutes(2));
        await leader.Server.RunAsync("DROP TABLE demo.huge");

        // Longer than the transaction needs to the leader's log.
        async Task ThawAsync()
        {
            await Task.Delay(TimeSpan.FromSeconds(2));
            foreach (var follower in followers)
                await cluster.SignalAsync(follower.Id, Part.Node, Signal.Continue);
        }
    }
}
