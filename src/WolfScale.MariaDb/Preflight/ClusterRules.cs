using System.Globalization;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Preflight;

/// <summary>What must be unique or equal among the members' servers.</summary>
internal static class ClusterRules
{
    public static IEnumerable<PreflightFinding> Check(ServerFacts facts, PreflightContext context)
    {
        if (facts.ServerId == 0)
        {
            yield return new("server_id", FindingSeverity.Refusal,
                "server_id is 0: the server cannot take part in replication.",
                "Give every server of the cluster a server_id of its own.",
                $"server_id = {FreeServerId(context)}");
        }

        foreach (var peer in context.Peers.Where(p => p.ServerId == facts.ServerId && p.ServerId != 0))
        {
            // One of the two gives way, not both: never the leader's, else the one with the higher node id.
            var givesWay = !context.Leads && (peer.Leads || string.CompareOrdinal(peer.NodeId, context.NodeId) < 0);
            yield return new("server_id", givesWay ? FindingSeverity.Refusal : FindingSeverity.Warning,
                $"server_id={facts.ServerId} is also that of {peer.NodeId}'s server: their transactions could not be told apart.",
                "Give one of the two another server_id.",
                $"server_id = {FreeServerId(context)}",
                $"SET GLOBAL server_id = {FreeServerId(context)}");
        }

        foreach (var peer in context.Peers.Where(p => p.LowerCaseTableNames is { } value && value != facts.LowerCaseTableNames))
        {
            yield return new("lower_case_table_names", FindingSeverity.Refusal,
                $"lower_case_table_names={facts.LowerCaseTableNames} here and {peer.LowerCaseTableNames} on {peer.NodeId}: table names would not match.",
                "It is fixed when a data directory is created: make this server anew with the cluster's value.",
                string.Create(CultureInfo.InvariantCulture, $"lower_case_table_names = {peer.LowerCaseTableNames}"));
        }

        if (context.ClusterDomain is { } domain && domain != facts.GtidDomainId)
        {
            yield return new("gtid_domain_id", FindingSeverity.CannotLead,
                $"gtid_domain_id={facts.GtidDomainId}, and the cluster's is {domain}: the server can follow and cannot lead.",
                "Use the cluster's domain.",
                $"gtid_domain_id = {domain}",
                $"SET GLOBAL gtid_domain_id = {domain}");
        }

        foreach (var peer in context.Peers.Where(p => p.Version.Length > 0 && IsNewer(p.Version, facts.Version)))
        {
            yield return new("peer_version", peer.Leads ? FindingSeverity.Refusal : FindingSeverity.Warning,
                $"{peer.NodeId} has MariaDB {peer.Version}, newer than {facts.Version} here: replication from newer to older is not supported by MariaDB.",
                peer.Leads ? "Upgrade this server, or let an older one lead until all are upgraded." : "Upgrade this server before that one leads.");
        }
    }

    // Series are compared, not patch levels: 10.11.19 may feed 10.11.6.
    private static bool IsNewer(string theirs, MariaDbVersion ours)
    {
        var their = MariaDbVersion.Parse(theirs).Number;
        return (their.Major, their.Minor).CompareTo((ours.Number.Major, ours.Number.Minor)) > 0;
    }

    private static uint FreeServerId(PreflightContext context)
    {
        var id = 1u;
        while (context.Peers.Any(p => p.ServerId == id))
            id++;
        return id;
    }
}
