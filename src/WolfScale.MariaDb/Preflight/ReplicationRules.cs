using System.Globalization;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Preflight;

/// <summary>Replication of the user's own, in either direction.</summary>
internal static class ReplicationRules
{
    public const string ForeignSemiSync = "foreign_semi_sync";

    private static readonly string[] FilterNames =
    [
        "Replicate_Do_DB", "Replicate_Ignore_DB", "Replicate_Do_Table", "Replicate_Ignore_Table",
        "Replicate_Wild_Do_Table", "Replicate_Wild_Ignore_Table", "Replicate_Rewrite_DB",
    ];

    public static IEnumerable<PreflightFinding> Check(ServerFacts facts, PreflightContext context) =>
        Incoming(facts).Concat(Outgoing(facts, context)).Concat(Filters(facts));

    private static IEnumerable<PreflightFinding> Incoming(ServerFacts facts)
    {
        foreach (var connection in facts.Replications.Where(r => r.Name != ServerFacts.FeedConnection && r.Runs))
        {
            var name = connection.Name.Length == 0 ? "the default replication connection" : $"the replication connection '{connection.Name}'";
            var stop = connection.Name.Length == 0 ? "STOP SLAVE; RESET SLAVE ALL" : $"STOP SLAVE {Sql.Text(connection.Name)}; RESET SLAVE {Sql.Text(connection.Name)} ALL";
            yield return new("foreign_replication", FindingSeverity.Refusal,
                $"The server replicates from {connection.Source} through {name}: it would write what the cluster's log does not order, and its GTID position cannot be set while that runs.",
                $"End it: {stop}. (Then let the application write through the cluster.)",
                Statement: stop);
        }
    }

    private static IEnumerable<PreflightFinding> Outgoing(ServerFacts facts, PreflightContext context)
    {
        if (int.TryParse(facts.SemiSync.GetValueOrDefault("rpl_semi_sync_master_clients", "0"), CultureInfo.InvariantCulture, out var clients)
            && clients > context.OwnSemiSyncClients)
        {
            var who = context.DumpHosts.IsEmpty ? "" : $" (replicas are connected from {string.Join(", ", context.DumpHosts)})";
            yield return new(ForeignSemiSync, FindingSeverity.Refusal,
                $"Someone else's semi-sync replica is attached{who}: its acknowledgement would let commits through that the quorum does not hold.",
                "On that replica: SET GLOBAL rpl_semi_sync_slave_enabled=OFF; STOP SLAVE IO_THREAD; START SLAVE IO_THREAD. Asynchronous replicas are welcome.");
        }
    }

    private static IEnumerable<PreflightFinding> Filters(ServerFacts facts)
    {
        foreach (var filter in facts.BinlogFilters ?? [])
        {
            yield return new("binlog_filter", FindingSeverity.Refusal,
                $"{filter}: what the filter keeps out of the binlog would be on this server only.",
                "Remove binlog_do_db and binlog_ignore_db from the configuration and restart MariaDB.");
        }

        var found = facts.Replications.SelectMany(r => r.Filters).Concat(Variables(facts)).Distinct(StringComparer.OrdinalIgnoreCase);
        foreach (var filter in found)
        {
            yield return new("replication_filter", FindingSeverity.Refusal,
                $"{filter}: what the filter passes over would be missing on this server.",
                "Remove the replicate_… settings from the configuration and restart MariaDB.");
        }
    }

    private static IEnumerable<string> Variables(ServerFacts facts) =>
        from name in FilterNames
        let value = facts.Variable(name.ToLowerInvariant())
        where value.Length > 0
        select $"{name}={value}";
}
