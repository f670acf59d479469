namespace WolfScale.Server.Configuration;

/// <summary>The statements that create WolfScale's account, with what it needs and no more.</summary>
public static class AccountSql
{
    /// <summary>
    /// Each privilege and what it is for. Source: the measured list of which statement wants which (MariaDB 10.5 split SUPER into these).
    /// </summary>
    public static IReadOnlyList<(string Privilege, string For)> Privileges { get; } =
    [
        ("REPLICATION SLAVE", "read the binary log"),
        ("REPLICATION MASTER ADMIN", "semi-sync variables, gtid_binlog_state"),
        ("REPLICATION SLAVE ADMIN", "CHANGE MASTER, gtid_slave_pos, gtid_strict_mode, slave_parallel_threads"),
        ("REPLICA MONITOR", "SHOW SLAVE STATUS"),
        ("BINLOG MONITOR", "SHOW MASTER STATUS, SHOW BINARY LOGS"),
        ("BINLOG ADMIN", "sql_log_bin"),
        ("BINLOG REPLAY", "apply what mariadb-binlog prints, when a rewind undoes a tail"),
        ("READ_ONLY ADMIN", "set read_only, and write while it is set"),
        ("CONNECTION ADMIN", "a way in when max_connections is reached, and KILL of other sessions"),
        ("RELOAD", "RESET MASTER, FLUSH BINARY LOGS"),
        ("PROCESS", "see all sessions before they are ended"),
        ("EVENT", "enable the events that the former leader had enabled"),
        ("SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, LOCK TABLES, SHOW VIEW, TRIGGER", "rewind tails, verify tables, dump for a joining node"),
        ("SUPER", "SET GLOBAL event_scheduler, and events whose definer is somebody else (kept as they are)"),
    ];

    /// <summary>
    /// The statements, under <c>sql_log_bin = 0</c>: an account that is created on each server separately must not be a transaction
    /// of that server, or the cluster would find one that it never committed (an errant one).
    /// </summary>
    public static string Statements(string user, string password, IEnumerable<string>? hosts = null)
    {
        var lines = new List<string>
        {
            "-- WolfScale's account. Run this as root on EACH server: it is not replicated, on purpose.",
            "SET SESSION sql_log_bin = 0;",
        };
        foreach (var host in hosts ?? ["localhost", "127.0.0.1"])
        {
            var account = $"'{Quote(user)}'@'{Quote(host)}'";
            lines.Add($"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{Quote(password)}';");
            foreach (var (privilege, purpose) in Privileges)
                lines.Add($"GRANT {privilege} ON *.* TO {account}; -- {purpose}");
        }

        lines.Add("SET SESSION sql_log_bin = 1;");
        return string.Join('\n', lines) + "\n";
    }

    private static string Quote(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);
}
