using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Preflight;

/// <summary>What WolfScale's account must be allowed.</summary>
public static class PrivilegeRules
{
    /// <summary>The name of WolfScale's own schema; never replicated, not part of any comparison between servers.</summary>
    public const string OwnSchema = "wolfscale";

    /// <summary>
    /// Global privileges, each under the names servers report it by (the first is the one to GRANT). Measured on 10.11 with an account
    /// that has exactly these. SUPER: <c>event_scheduler</c>, <c>binlog_checksum</c>, <c>innodb_flush_log_at_trx_commit</c> and
    /// <c>session_track_system_variables</c> have no finer privilege. SELECT: tables and foreign keys that the account may not see
    /// would be missing from the check whether a rewind is exact.
    /// </summary>
    private static readonly string[][] Required =
    [
        ["SELECT"],
        ["RELOAD"],
        ["PROCESS"],
        ["SUPER"],
        ["SHOW DATABASES"],
        ["EVENT"],
        ["SET USER"],
        ["REPLICATION SLAVE", "REPLICATION REPLICA"],
        ["REPLICATION SLAVE ADMIN", "REPLICATION REPLICA ADMIN"],
        ["REPLICATION MASTER ADMIN"],
        ["REPLICA MONITOR", "SLAVE MONITOR"],
        ["BINLOG MONITOR", "REPLICATION CLIENT"],
        ["BINLOG ADMIN"],
        ["BINLOG REPLAY"],
        ["CONNECTION ADMIN"],
        ["READ_ONLY ADMIN", "READ ONLY ADMIN"],
    ];

    /// <summary>
    /// What copies take besides: SHOW VIEW, TRIGGER and LOCK TABLES to read one, the rest to load one in place of the server's data. Without them a server takes part all
    /// the same, and cannot be rebuilt from another by WolfScale.
    /// </summary>
    private static readonly string[] ForMigration =
    [
        "SHOW VIEW", "TRIGGER", "LOCK TABLES", "CREATE", "DROP", "ALTER", "INDEX", "INSERT", "UPDATE", "DELETE", "REFERENCES", "EXECUTE", "CREATE VIEW", "CREATE ROUTINE", "ALTER ROUTINE",
        "DELETE HISTORY",
    ];

    /// <summary>The statements that give an account what it needs; run them under <c>sql_log_bin=0</c>, on every server separately.</summary>
    /// <param name="account">Quoted, for example <c>`wolfscale`@`localhost`</c>.</param>
    public static IEnumerable<string> GrantStatements(string account) =>
    [
        $"GRANT {string.Join(", ", Required.Select(names => names[0]).Concat(ForMigration))} ON *.* TO {account}",
        $"GRANT ALL PRIVILEGES ON `{OwnSchema}`.* TO {account}",
    ];

    /// <summary>The GRANT that a migration lacks; null where nothing is missing, or where that cannot be told now.</summary>
    internal static string? MissingForMigration(ServerFacts facts)
    {
        if (facts.Privileges is not { } privileges || privileges.Contains("ALL PRIVILEGES"))
            return null;
        var missing = ForMigration.Where(p => !privileges.Contains(p) && !(p == "DELETE HISTORY" && privileges.Contains("DELETE VERSIONING ROWS"))).ToList();
        return missing.Count == 0 ? null : $"GRANT {string.Join(", ", missing)} ON *.* TO {Sql.Account(facts.Account)}";
    }

    /// <summary>The same as a finding. Not one of preflight's: the server takes part without them.</summary>
    internal static PreflightFinding? CheckMigration(ServerFacts facts) => MissingForMigration(facts) is { } grant
        ? new("migration_privileges", FindingSeverity.Warning,
            $"The account {facts.Account} may not do all that a copy of the data takes, so this server can neither be rebuilt from another nor another from it.",
            $"As root on this server: SET sql_log_bin=0; {grant};",
            Statement: grant)
        : null;

    internal static IEnumerable<PreflightFinding> Check(ServerFacts facts)
    {
        if (facts.Privileges is not { } privileges || privileges.Contains("ALL PRIVILEGES"))
            yield break;
        var missing = Required.Where(names => !names.Any(privileges.Contains)).Select(names => names[0]).ToList();
        if (missing.Count == 0)
            yield break;
        var grant = $"GRANT {string.Join(", ", missing)} ON *.* TO {Sql.Account(facts.Account)}";
        yield return new("privileges", FindingSeverity.Refusal,
            $"The account {facts.Account} lacks {string.Join(", ", missing)}.",
            $"As root on this server: SET sql_log_bin=0; {grant};",
            Statement: grant);
    }
}
