using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Preflight;

/// <summary>Which servers work at all.</summary>
internal static class VersionRules
{
    public static IEnumerable<PreflightFinding> Check(ServerFacts facts)
    {
        if (!facts.Version.IsMariaDb)
        {
            yield return new("version", FindingSeverity.Refusal,
                $"The server is not MariaDB (it says {facts.Version}).",
                $"WolfScale works with MariaDB {MariaDbVersion.Oldest.ToString(2)} or later; MySQL has other GTIDs and another binlog.");
            yield break;
        }

        if (facts.Version.Number < MariaDbVersion.Oldest)
        {
            yield return new("version", FindingSeverity.Refusal,
                $"The server is MariaDB {facts.Version}.",
                $"WolfScale needs MariaDB {MariaDbVersion.Oldest.ToString(2)} or later: upgrade the server.");
        }

        // MariaDB 12.3: the binlog inside InnoDB has no two-phase commit with the engine, hence no AFTER_SYNC: commits would not wait for the quorum.
        if (facts.Variable("binlog_storage_engine").Length > 0)
        {
            yield return new("binlog_storage_engine", FindingSeverity.Refusal,
                $"binlog_storage_engine={facts.Variable("binlog_storage_engine")}: the InnoDB-based binlog has no AFTER_SYNC, so commits cannot wait for the quorum.",
                "Remove binlog_storage_engine from the configuration and restart MariaDB.");
        }

        if (facts.IsOn("wsrep_on"))
        {
            yield return new("wsrep_on", FindingSeverity.Refusal,
                "wsrep_on=ON: the server belongs to a Galera cluster.",
                "Take it out of Galera and restart MariaDB.",
                "wsrep_on = OFF");
        }
    }
}
