using System.Collections.Immutable;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Preflight;
using WolfScale.MariaDb.Tuning;

namespace WolfScale.Unit.MariaDb;

/// <summary>What <c>tune-mariadb</c> writes, and what it leaves alone.</summary>
public sealed class TuningTests : IDisposable
{
    private static readonly MachineResources Machine = new(16L << 30, 8, "a test");

    private readonly TempFolder _folder = new("tuning");

    private string Main => Path.Combine(_folder.Path, "my.cnf");

    private string Own => Path.Combine(_folder.Path, "conf.d", "99-wolfscale.cnf");

    public TuningTests()
    {
        _ = Directory.CreateDirectory(_folder.File("conf.d"));
        File.WriteAllText(Main, $"[client-server]\nsocket = /run/s\n!includedir {_folder.Path}/conf.d/\n[mariadbd]\n");
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>The two must not drift apart: a server with everything wrong, and these lines, is one that preflight and the node have nothing to ask of.</summary>
    [Fact]
    public void Preflight_asks_for_nothing_that_is_not_written()
    {
        var wrong = new Dictionary<string, string>
        {
            ["log_bin"] = "OFF", ["log_slave_updates"] = "OFF", ["server_id"] = "0", ["gtid_strict_mode"] = "OFF", ["binlog_format"] = "STATEMENT", ["max_binlog_size"] = "1073741824", ["extra_port"] = "0",
            ["read_only"] = "OFF", ["sync_binlog"] = "0", ["innodb_flush_log_at_trx_commit"] = "2", ["rpl_semi_sync_master_enabled"] = "OFF", ["rpl_semi_sync_master_wait_point"] = "AFTER_COMMIT",
            ["rpl_semi_sync_master_timeout"] = "10000", ["rpl_semi_sync_master_wait_no_slave"] = "OFF", ["rpl_semi_sync_slave_enabled"] = "OFF", ["slave_parallel_threads"] = "0",
            ["session_track_system_variables"] = "autocommit", ["binlog_checksum"] = "NONE", ["binlog_row_image"] = "MINIMAL", ["log_bin_compress"] = "ON", ["slave_exec_mode"] = "IDEMPOTENT",
            ["replicate_events_marked_for_skip"] = "FILTER_ON_MASTER", ["slave_run_triggers_for_rbr"] = "YES", ["auto_increment_increment"] = "2", ["slave_skip_errors"] = "1062",
        };
        var before = Facts(wrong);
        Assert.Equal(19, PreflightCheck.Run(before, new PreflightContext { FeedStartedItself = true }).Findings.Length);
        Assert.NotEmpty(RuntimeSettings.Statements(before));

        File.WriteAllText(Path.Combine(_folder.Path, "conf.d", "50-user.cnf"), "[mysqld]\n" + string.Concat(wrong.Select(w => $"{w.Key} = {w.Value}\n")));
        var plan = Plan();
        var after = wrong.ToDictionary(w => w.Key, w => plan.Options.Lines.Last(l => l.Name == w.Key).Value);
        after["max_binlog_size"] = "67108864"; // as the server shows it
        after["log_bin"] = "ON";
        Assert.Empty(plan.Conflicts);
        Assert.Empty(PreflightCheck.Run(Facts(after), new PreflightContext()).Findings);
        Assert.Empty(RuntimeSettings.Statements(Facts(after)));
        Assert.Contains(plan.Written, s => s.Name == "skip_slave_start"); // what FeedStartedItself asks for
    }

    [Fact]
    public void What_the_user_has_chosen_for_speed_stands_and_what_the_server_needs_is_overridden_and_told()
    {
        var user = Path.Combine(_folder.Path, "conf.d", "50-server.cnf");
        File.WriteAllText(user, "[mysqld]\nlog_bin = /var/log/mysql/mysql-bin  # mine\nsync-binlog=0\ninnodb-buffer-pool-size = \"3G\"\nbind-address=127.0.0.1\n[client]\nserver_id = 77\n");

        var plan = Plan();

        Assert.Equal(["log_bin", "innodb_buffer_pool_size"], plan.Left.Select(l => l.Setting.Name));
        Assert.Equal("3G", plan.Left.Single(l => l.Setting.Name == "innodb_buffer_pool_size").Line.Value);
        var overridden = Assert.Single(plan.Overridden);
        Assert.Equal((user, 3, "sync_binlog", "0"), (overridden.Line.File, overridden.Line.Line, overridden.Line.Name, overridden.Line.Value));
        Assert.DoesNotContain("\ninnodb_buffer_pool_size", plan.After, StringComparison.Ordinal);
        Assert.DoesNotContain("\nlog_bin =", plan.After, StringComparison.Ordinal);
        Assert.Contains("\nsync_binlog = 1\n", plan.After, StringComparison.Ordinal);
        Assert.Contains("\nserver_id = 4711\n", plan.After, StringComparison.Ordinal);
    }

    /// <summary>In a file that is read later, behind the include, or below WolfScale's part of its own file.</summary>
    [Theory]
    [InlineData("conf.d/99-z.cnf")]
    [InlineData("my.cnf")]
    [InlineData("conf.d/99-wolfscale.cnf")]
    public void A_line_that_wins_over_what_the_server_needs_is_a_conflict(string file)
    {
        var path = Path.Combine(_folder.Path, file);
        if (path == Own)
            File.WriteAllText(Own, Plan().After);
        File.AppendAllText(path, "[mariadb]\nsync_binlog = 100\n");

        var plan = Plan();

        var conflict = Assert.Single(plan.Conflicts);
        Assert.Equal(("sync_binlog", path, "100"), (conflict.Setting.Name, conflict.Line.File, conflict.Line.Value));
        Assert.EndsWith("[mariadb]\nsync_binlog = 100\n", file == "conf.d/99-wolfscale.cnf" ? plan.After : File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Fact]
    public void What_stands_around_WolfScales_part_stays_and_a_second_run_changes_nothing()
    {
        File.WriteAllText(Own, "# mine\n[mariadbd]\nmax_connections = 321");
        var first = Plan();
        Assert.StartsWith("# mine\n[mariadbd]\nmax_connections = 321\n\n# >>> WolfScale", first.After, StringComparison.Ordinal);
        Assert.Contains(first.Left, l => l.Setting.Name == "max_connections");
        File.WriteAllText(Own, first.After + "# mine too\n");

        var second = Plan();
        Assert.False(second.Changes);

        File.WriteAllText(Own, second.After.Replace("sync_binlog = 1", "sync_binlog = 7", StringComparison.Ordinal));
        Assert.Equal(second.After, Plan().After); // between the marks it is WolfScale's
    }

    [Fact]
    public void A_file_with_one_mark_is_not_touched()
    {
        File.WriteAllText(Own, OwnBlock.Begin + "\nsync_binlog = 1\n");
        Assert.Contains("marks", Assert.Throws<DatabaseException>(Plan).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_the_server_does_not_read_is_said()
    {
        Assert.True(Plan().IsRead);
        Assert.False(TuningPlan.Make(Path.Combine(_folder.Path, "elsewhere.cnf"), Main, Wanted()).IsRead);
    }

    [Theory]
    [InlineData("sync-binlog=0", "sync_binlog", "0")]
    [InlineData("  loose_innodb_buffer_pool_size = '1G' # a comment", "innodb_buffer_pool_size", "1G")]
    [InlineData("skip-log-bin", "log_bin", "OFF")]
    [InlineData("skip-slave-start", "skip_slave_start", "ON")]
    [InlineData("log_bin", "log_bin", "ON")]
    [InlineData("init_connect = \"SET @a='#'\"", "init_connect", "SET @a='#'")]
    public void Lines_mean_what_they_mean_to_the_server(string line, string name, string value)
    {
        File.WriteAllText(Own, $"[mysqld]\n{line}\n");
        var read = OptionFiles.Read(Main, null).Lines.Single(l => l.File == Own);
        Assert.Equal((2, name, value), (read.Line, read.Name, read.Value));
    }

    /// <summary>Gives, for memory and cores: the pool, the redo log, the connections.</summary>
    [Theory]
    [InlineData(1024, "512M", "128M", "151")]
    [InlineData(4096, "2816M", "704M", "256")]
    [InlineData(16384, "11392M", "2G", "1024")]
    [InlineData(262144, "183424M", "2G", "2000")]
    public void The_machine_decides_the_sizes(long megabytes, string pool, string log, string connections)
    {
        var wanted = WantedSettings.For(Machine with { MemoryBytes = megabytes << 20 }, 1, 3308).ToDictionary(s => s.Name, s => s.Value);
        Assert.Equal((pool, log, connections), (wanted["innodb_buffer_pool_size"], wanted["innodb_log_file_size"], wanted["max_connections"]));
    }

    [Fact]
    public void A_containers_limit_counts_where_it_is_smaller_than_the_machine()
    {
        void Put(string file, string text)
        {
            var path = Path.Combine(_folder.Path, "root", file);
            _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }

        Put("proc/meminfo", "MemTotal:       33554432 kB\nMemFree: 1 kB\n");
        Put("proc/self/cgroup", "0::/a.slice/b.scope\n");
        var root = Path.Combine(_folder.Path, "root");
        Assert.Equal((32L << 30, "this machine"), (MachineResources.Read(root, 4).MemoryBytes, MachineResources.Read(root, 4).MemoryIsFrom));

        Put("sys/fs/cgroup/a.slice/b.scope/memory.max", "max\n");
        Put("sys/fs/cgroup/a.slice/memory.max", "8589934592\n");
        Assert.Equal(8L << 30, MachineResources.Read(root, 4).MemoryBytes);
        Put("sys/fs/cgroup/memory.max", "4294967296\n");
        Assert.Equal(4L << 30, MachineResources.Read(root, 4).MemoryBytes);

        Put("proc/self/cgroup", "5:cpu,memory:/docker/x\n0::/\n");
        Put("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "2147483648\n");
        Put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Assert.Equal(2L << 30, MachineResources.Read(root, 4).MemoryBytes);
    }

    [Fact]
    public void Each_node_id_has_a_server_id_of_its_own_and_always_the_same()
    {
        var ids = Enumerable.Range(1, 1000).Select(i => WantedSettings.ServerIdFor($"node-{i}")).ToList();
        Assert.Equal(1000, ids.Distinct().Count());
        Assert.All(ids, id => Assert.InRange(id, 1000u, (uint)int.MaxValue));
        Assert.Equal(ids[0], WantedSettings.ServerIdFor("node-1"));
    }

    private TuningPlan Plan() => TuningPlan.Make(Own, Main, Wanted());

    private static ImmutableArray<ServerSetting> Wanted() => WantedSettings.For(Machine, 4711, 3308);

    private static ServerFacts Facts(IReadOnlyDictionary<string, string> variables) => new()
    {
        Version = MariaDbVersion.Parse("10.11.6-MariaDB"), Privileges = ["ALL PRIVILEGES"], Account = "wolfscale@localhost",
        Variables = variables.ToImmutableDictionary(),
    };
}
