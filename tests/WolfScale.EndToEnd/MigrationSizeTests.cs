using System.Diagnostics;
using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>
/// A large database is copied from a follower while the leader works: how long that takes, what it costs the leader's commits, and in how much memory. The long form copies 5 GB,
/// or <c>WOLFSCALE_MIGRATION_MB</c>. All three nodes share this machine's cores and its disk, so the ratio says more than the milliseconds;
/// <c>WOLFSCALE_MIGRATION_OTHER_DISK</c> names a folder on another file system for both followers, as machines of their own have disks of their own.
/// </summary>
public sealed class MigrationSizeTests(FollowersElsewhere fixture) : ClusterTests<FollowersElsewhere>(fixture)
{
    private const long MemoryLimit = 300_000_000;
    private const int Tables = 5;
    private const int RowBytes = 1024;

    private static readonly TimeSpan Limit = Long.Or(TimeSpan.FromMinutes(45), TimeSpan.FromMinutes(4));
    private static readonly TimeSpan Alone = Long.Or(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(5));
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private static int Megabytes => int.TryParse(Environment.GetEnvironmentVariable("WOLFSCALE_MIGRATION_MB"), CultureInfo.InvariantCulture, out var set) ? set : Long.Or(5000, 50);

    [Fact]
    public Task A_large_database_is_dumped_and_loaded_in_little_memory_while_the_leader_works() => CopyAsync(physical: false);

    [Fact]
    public Task A_large_databases_files_are_copied_in_little_memory_while_the_leader_works() => CopyAsync(physical: true);

    private async Task CopyAsync(bool physical)
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        if (Environment.GetEnvironmentVariable("WOLFSCALE_MIGRATION_OTHER_DISK") is { Length: > 0 } otherDisk)
            followers = [.. await Fixture.MoveAsync(cluster, followers, otherDisk)];
        var (source, target) = (followers[0], followers[1]);
        await FillAsync(leader.Server, source.Server);
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.commits (id BIGINT AUTO_INCREMENT PRIMARY KEY, b VARBINARY(200))");

        await using var load = new BoundedLoad(await leader.Server.ClientAsync(cluster.Facts.User, cluster.Facts.Password, "demo"), Interval);
        await Task.Delay(Alone); // a time of measuring, not a wait for something
        var before = load.Take();
        var clock = Stopwatch.StartNew();
        using var migrate = CommandLine.StartCtl(
        [
            "migrate", "-c", cluster.ConfigurationFile(target.Id), "--from", new Uri(source.Api).Authority, "--replace-data", "--yes", "--confirm", cluster.Facts.Cluster,
            .. physical ? PhysicalMigrationTests.Commands(cluster, target) : [],
        ]);
        var said = migrate.StandardOutput.ReadToEndAsync();
        var errors = migrate.StandardError.ReadToEndAsync();
        long toolPeak = 0;
        using (var limit = new CancellationTokenSource(Limit))
        using (var look = new PeriodicTimer(TimeSpan.FromSeconds(1)))
        {
            while (!migrate.HasExited && await look.WaitForNextTickAsync(limit.Token))
                toolPeak = Math.Max(toolPeak, Processes.PeakResidentBytes(migrate.Id) ?? 0);
        }

        var took = clock.Elapsed;
        var during = load.Take();
        Print(await said + await errors);
        Assert.Equal(0, migrate.ExitCode);
        Print(string.Create(CultureInfo.InvariantCulture,
            $"{(physical ? "physical" : "logical")}: {Megabytes} MB in {took.TotalSeconds:0} s; commits on the leader, p95 {before.P95:0.0} ms before ({before.Count}), {during.P95:0.0} ms during ({during.Count}): ratio {during.P95 / before.P95:0.00}; wolfctl at most {toolPeak >> 20} MiB; load of the machine {File.ReadAllText("/proc/loadavg").Trim()}"));

        clock.Restart();
        await cluster.AwaitHealthyAsync(Limit);
        await cluster.RefreshAsync();
        foreach (var node in cluster.Facts.Nodes)
        {
            var peak = Processes.PeakResidentBytes(node.Pid ?? 0);
            Print(string.Create(CultureInfo.InvariantCulture, $"{node.Id}: at most {peak >> 20} MiB resident"));
            Assert.True(peak < MemoryLimit, $"{node.Id} had {peak >> 20} MiB resident");
        }

        Assert.True(toolPeak < MemoryLimit, $"wolfctl had {toolPeak >> 20} MiB resident");
        await load.StopAsync();
        await cluster.Comparer.AwaitSamePositionAsync(Limit);
        Print(string.Create(CultureInfo.InvariantCulture, $"in step {clock.Elapsed.TotalSeconds:0.0} s after the command's end"));
        for (var table = 1; table <= Tables; table++)
            Assert.Equal(await SumAsync(source.Server, $"filled{table}"), await SumAsync(target.Server, $"filled{table}"));
        Assert.Equal(await SumAsync(leader.Server, "commits"), await SumAsync(target.Server, "commits"));
    }

    /// <summary>The same bytes on both, unlogged: five gigabytes in three logs and binlogs are not what is measured. Every row looks random, and is made from its number.</summary>
    private static async Task FillAsync(params SqlServer[] servers)
    {
        var rows = Megabytes * 1_000_000L / RowBytes / Tables;
        foreach (var server in servers)
        {
            if (await server.ScalarAsync("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'demo' AND TABLE_NAME = 'filled1'") is not null)
                continue;
            await using var root = await server.RootAsync("demo");
            await root.RunAsync("SET sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0");
            for (var table = 1; table <= Tables; table++)
            {
                await root.RunAsync($"CREATE TABLE filled{table} (id INT PRIMARY KEY, b VARBINARY({RowBytes}) NOT NULL)");
                // In pieces, because a transaction of a gigabyte is undone for as long when something goes wrong.
                for (var from = 1L; from <= rows; from += 100_000)
                {
                    var until = Math.Min(rows, from + 99_999);
                    await root.RunAsync(table == 1
                        ? $"INSERT INTO filled1 SELECT seq, CONCAT({string.Join(", ", Enumerable.Range(0, RowBytes / 64).Select(i => $"UNHEX(SHA2(seq * 16 + {i}, 512))"))}) FROM seq_{from}_to_{until}"
                        : $"INSERT INTO filled{table} SELECT id, CONCAT(SUBSTRING(b, {table * 7}), LEFT(b, {(table * 7) - 1})) FROM filled1 WHERE id BETWEEN {from} AND {until}");
                }
            }
        }
    }

    private static async Task<string?> SumAsync(SqlServer server, string table) => await server.ScalarAsync($"SELECT CONCAT(COUNT(*), ' ', SUM(CRC32(CONCAT(id, b)))) FROM demo.{table}");

    /// <summary>One session that commits at most so often.</summary>
    private sealed class BoundedLoad : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly MySqlConnection _connection;
        private readonly Task _running;
        private readonly Lock _lock = new();
        private List<double> _milliseconds = [];

        public BoundedLoad(MySqlConnection connection, TimeSpan interval)
        {
            _connection = connection;
            _running = RunAsync(interval);
        }

        /// <summary>What has been measured since the last time.</summary>
        public (double P95, int Count) Take()
        {
            lock (_lock)
            {
                var sorted = _milliseconds.Order().ToList();
                _milliseconds = [];
                return (sorted.Count == 0 ? 0 : sorted[(int)(sorted.Count * 0.95)], sorted.Count);
            }
        }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _running;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            await _connection.DisposeAsync();
            _stop.Dispose();
        }

        private async Task RunAsync(TimeSpan interval)
        {
            using var timer = new PeriodicTimer(interval);
            try
            {
                while (await timer.WaitForNextTickAsync(_stop.Token))
                {
                    var began = Stopwatch.GetTimestamp();
                    await _connection.RunAsync("INSERT INTO commits (b) VALUES (RANDOM_BYTES(200))");
                    lock (_lock)
                        _milliseconds.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                }
            }
            catch (OperationCanceledException)
            {
                // It was stopped.
            }
        }
    }
}

/// <summary>A cluster, some of whose nodes keep their files on another file system.</summary>
public sealed class FollowersElsewhere : ClusterFixture
{
    private readonly List<string> _elsewhere = [];

    /// <summary>Stops each node, moves its folder, leaves a link in its place, and starts it again.</summary>
    /// <returns>The nodes as they are afterwards.</returns>
    internal async Task<IReadOnlyList<DemoNode>> MoveAsync(DemoCluster cluster, IReadOnlyList<DemoNode> nodes, string to)
    {
        foreach (var node in nodes)
        {
            var from = Path.Combine(cluster.Directory, node.Id);
            if (new DirectoryInfo(from).LinkTarget is not null)
                continue; // by an earlier test
            await cluster.SignalAsync(node.Id, Part.Both, Signal.Kill);
            var folder = Path.Combine(to, $"{Path.GetFileName(cluster.Directory)}-{node.Id}");
            _elsewhere.Add(folder);
            using (var copy = Process.Start("cp", ["-a", from, folder]))
            {
                await copy.WaitForExitAsync();
                Assert.Equal(0, copy.ExitCode);
            }

            Directory.Delete(from, recursive: true);
            _ = Directory.CreateSymbolicLink(from, folder);
            await cluster.StartNodeAsync(node.Id);
            await cluster.AwaitHealthyAsync();
        }

        await cluster.RefreshAsync();
        return [.. nodes.Select(n => cluster.Facts.Node(n.Id))];
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var folder in _elsewhere)
            Directory.Delete(folder, recursive: true);
    }
}
