using System.Collections.Immutable;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using WolfScale.MariaDb.Preflight;
using static WolfScale.MariaDb.Tuning.SettingKind;

namespace WolfScale.MariaDb.Tuning;

/// <summary>What a server of a cluster is configured with: everything that <see cref="PreflightCheck"/> asks for (a test holds the two together), and what suits the machine.</summary>
public static class WantedSettings
{
    private const long Mebibyte = 1 << 20;

    /// <summary>As <see cref="RuntimeSettings"/> sets where there are none.</summary>
    private const int ApplierThreads = 16;

    /// <param name="machine">What the server may count on.</param>
    /// <param name="serverId">See <see cref="ServerIdFor"/>.</param>
    /// <param name="extraPort">A free port for the way in.</param>
    public static ImmutableArray<ServerSetting> For(MachineResources machine, uint serverId, int extraPort) =>
    [
        .. Log(serverId),
        .. RestartRules.Lines.Select(l => new ServerSetting(l.Name, l.Value, Needed, "else " + l.Otherwise)),
        .. Replication(machine),
        new("extra_port", Text(extraPort), Needed, "a way in when writers that wait for the quorum have filled max_connections") { Serves = static v => v != "0" },
        new("extra_max_connections", "10", Needed, "for that way in") { Serves = static v => v != "0" },
        .. Guards,
        .. Speed(machine),
    ];

    /// <summary>
    /// A server_id of its own for each node: 31 bits of a hash of its id, which is unique in the cluster. Small numbers are left to people, and the largest to WolfScale's captures.
    /// </summary>
    public static uint ServerIdFor(string nodeId) =>
        1000 + (uint)(XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(nodeId)) % (int.MaxValue - 1000));

    private static IEnumerable<ServerSetting> Log(uint serverId) =>
    [
        new("log_bin", "binlog", Needed, "a server without a binary log can follow and cannot lead") { Serves = static v => !ServerSetting.Same(v, "OFF") },
        new("log_slave_updates", "ON", Needed, "else its binary log lacks what it has applied, and it cannot lead"),
        new("server_id", Text(serverId), Needed, "unique in the cluster") { Serves = static v => v != "0" },
        new("gtid_strict_mode", "ON", Needed, "set at run time anyway"),
        new("binlog_format", "ROW", Needed, "what replicas apply does not hang on order or time") { Serves = static v => v.Equals("MIXED", StringComparison.OrdinalIgnoreCase) },
        new("max_binlog_size", "64M", Needed, "a promotion reads the active binary log from its start") { Serves = static v => ServerSetting.Bytes(v) <= 128 * Mebibyte },
    ];

    private static IEnumerable<ServerSetting> Replication(MachineResources machine) =>
    [
        new("skip_slave_start", "ON", Needed, "else replication begins before the server was compared with the log"),
        new("rpl_semi_sync_slave_enabled", "ON", Needed, "else a server skips its own old transactions after it was rebuilt; set at run time anyway"),
        new("slave_parallel_threads", Text(Math.Clamp(2 * machine.Cores, ApplierThreads, 32)), Needed, "applier threads") { Serves = static v => v != "0" },
        new("session_track_system_variables", "autocommit,character_set_client,character_set_connection,character_set_results,time_zone,last_gtid", Needed, "the OK packet tells the GTID; set at run time anyway")
        {
            Serves = static v => v == "*" || v.Split(',', StringSplitOptions.TrimEntries).Contains("last_gtid", StringComparer.OrdinalIgnoreCase),
        },
    ];

    private static IEnumerable<ServerSetting> Guards =>
    [
        new("binlog_checksum", "CRC32", Guard, "what is captured is verified"),
        new("binlog_row_image", "FULL", Guard, "else what a failed leader has alone cannot be undone in place"),
        new("log_bin_compress", "OFF", Guard, "else what a failed leader has alone cannot be undone in place"),
        new("rpl_semi_sync_master_wait_no_slave", "ON", Guard, "else commits do not wait while WolfScale is away"),
        new("slave_exec_mode", "STRICT", Guard, "else the applier passes over rows that are missing or there twice"),
        new("replicate_events_marked_for_skip", "REPLICATE", Guard, "else any client could keep its changes from this server"),
        new("slave_run_triggers_for_rbr", "NO", Guard, "else triggers run twice"),
        new("auto_increment_increment", "1", Guard, "there is one writer"),
        new("slave_skip_errors", "OFF", Guard, "else changes that fail are skipped without a word"),
    ];

    private static IEnumerable<ServerSetting> Speed(MachineResources machine)
    {
        var pool = BufferPool(machine.MemoryBytes);
        yield return new("innodb_buffer_pool_size", Size(pool), Faster, $"70 % of {Size(machine.MemoryBytes / Mebibyte * Mebibyte)}, less where memory is small");
        yield return new("innodb_log_file_size", Size(Math.Clamp(pool / 4 / (32 * Mebibyte) * (32 * Mebibyte), 96 * Mebibyte, 2048 * Mebibyte)), Faster, "a quarter of the buffer pool: fewer pages are written twice, and recovery stays short");
        yield return new("max_connections", Text(Math.Clamp(machine.MemoryBytes / Mebibyte / 16, 151, 2000)), Faster, "what memory beside the buffer pool bears");
        if (machine.Cores > 4)
        {
            yield return new("innodb_read_io_threads", Text(Math.Min(machine.Cores, 16)), Faster, "one for each core");
            yield return new("innodb_write_io_threads", Text(Math.Min(machine.Cores, 16)), Faster, "one for each core");
        }
    }

    /// <summary>Below 2 GiB half, because what is not the buffer pool needs its room all the same; in steps of 16 MiB, or of 128 MiB where it is large.</summary>
    private static long BufferPool(long memory)
    {
        var part = memory < 2048 * Mebibyte ? memory / 2 : memory / 10 * 7;
        var step = (part >= 1024 * Mebibyte ? 128 : 16) * Mebibyte;
        return Math.Max(part / step * step, 64 * Mebibyte);
    }

    private static string Size(long bytes) => bytes % (1 << 30) == 0 ? $"{Text(bytes >> 30)}G" : $"{Text(bytes >> 20)}M";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
