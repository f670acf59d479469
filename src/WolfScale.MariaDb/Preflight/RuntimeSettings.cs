using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Preflight;

/// <summary>Sets what can be set without a restart (design: Settings), whatever role the server is about to get.</summary>
internal static class RuntimeSettings
{
    /// <summary>
    /// Applier threads where the server has none. Fed in conservative mode (<see cref="Following.FeedReplication"/>), two cores applied what 64
    /// clients had written twice as fast with 16 as with 4, at the same cost a transaction: larger groups share a sync (measured).
    /// </summary>
    private const int ApplierThreads = 16;

    /// <summary>The statements this server still needs, in order. Pure.</summary>
    public static IEnumerable<string> Statements(ServerFacts facts)
    {
        if (!facts.IsOn("gtid_strict_mode"))
            yield return "SET GLOBAL gtid_strict_mode = ON";
        if (facts.Variable("sync_binlog") != "1")
            yield return "SET GLOBAL sync_binlog = 1";
        if (facts.Variable("innodb_flush_log_at_trx_commit") != "1")
            yield return "SET GLOBAL innodb_flush_log_at_trx_commit = 1";
        if (facts.LogBin && facts.Variable("binlog_checksum") != "CRC32")
            yield return "SET GLOBAL binlog_checksum = CRC32";
        if (facts.Variable("rpl_semi_sync_master_wait_point") != "AFTER_SYNC")
            yield return "SET GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC";
        if (facts.Variable("rpl_semi_sync_master_timeout") != RestartRules.LongestTimeout)
            yield return $"SET GLOBAL rpl_semi_sync_master_timeout = {RestartRules.LongestTimeout}";
        if (!facts.IsOn("rpl_semi_sync_master_wait_no_slave"))
            yield return "SET GLOBAL rpl_semi_sync_master_wait_no_slave = ON";

        // A replica skips events that bear its own server_id, unless it speaks semi-sync to its master: after a re-seed its own old
        // transactions would be lost (measured).
        if (!facts.IsOn("rpl_semi_sync_slave_enabled"))
            yield return "SET GLOBAL rpl_semi_sync_slave_enabled = ON";

        // The OK packet then carries the GTID: the proxy's and the API's gate needs it.
        var tracked = facts.Variable("session_track_system_variables");
        if (tracked != "*" && !tracked.Split(',').Contains("last_gtid"))
            yield return $"SET GLOBAL session_track_system_variables = {Sql.Text(tracked.Length == 0 ? "last_gtid" : tracked + ",last_gtid")}";

        // Refused while any replication connection runs.
        if (facts.Variable("slave_parallel_threads") == "0" && !facts.Replications.Any(r => r.Runs))
            yield return $"SET GLOBAL slave_parallel_threads = {ApplierThreads}";
    }

    public static async Task ApplyAsync(AdminConnection server, ServerFacts facts)
    {
        foreach (var statement in Statements(facts))
            await server.ExecuteAsync(statement);
    }
}
