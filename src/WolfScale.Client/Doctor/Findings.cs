using System.Collections.Immutable;
using System.Globalization;
using static WolfScale.Client.DoctorSeverity;

namespace WolfScale.Client.Doctor;

/// <summary>What is wrong with a cluster now, by what its nodes tell.</summary>
public static class Findings
{
    /// <summary>Shorter lags come and go with every large transaction.</summary>
    private const double LagSeconds = 10;

    public static ImmutableArray<DoctorFinding> Of(Examined cluster) =>
        [.. OfCluster(cluster).Concat(cluster.Cluster.Nodes.SelectMany(n => OfMember(cluster, n))).Concat(cluster.Statuses.SelectMany(OfNode)).Concat(cluster.Statuses.SelectMany(s => MachineFindings.Of(cluster, s))).Concat(MachineFindings.OfClocks(cluster)).OrderBy(f => f.Severity)];

    private static IEnumerable<DoctorFinding> OfCluster(Examined examined)
    {
        var cluster = examined.Cluster;
        var voters = cluster.Nodes.Where(n => n.Voter).ToList();
        var living = voters.Count(examined.Lives);
        var majority = (voters.Count / 2) + 1;
        if (cluster.Leader is null)
        {
            yield return living < majority && !examined.IsAvailableMode
                ? new(Critical, "no_majority", null, string.Create(CultureInfo.InvariantCulture, $"No node leads: {living} of {voters.Count} voters live, and {majority} are needed. Nothing can be written."),
                    "Start what is down. Where a majority is gone for good: docs/operations.md, `wolfctl recover --force`.")
                : new(Critical, "no_leader", null, "No node leads at the moment, though enough voters live.", "An election takes a few seconds. If it lasts, `wolfctl events` tells what each candidate lacks.");
        }
        else if (!examined.IsAvailableMode && living == majority && voters.Count > 1)
        {
            yield return new(Warning, "no_spare", null, string.Create(CultureInfo.InvariantCulture, $"{living} of {voters.Count} voters live: the loss of one more stops all writes."),
                voters.Count == living ? "Two voters bear no loss: add a third node, or a witness." : "Bring back who is missing.");
        }

        var leaders = examined.Statuses.Where(s => s.AcceptsWrites).Select(s => s.Id).ToList();
        if (leaders.Count > 1)
            yield return new(Critical, "two_leaders", null, $"{string.Join(" and ", leaders)} both accept writes.", "In mode available a partition does that; otherwise tell us. `wolfctl events` on both tells since when.");
        else if (cluster.Leader is { } leader && examined.Status(leader) is { AcceptsWrites: false } idle)
            yield return new(Critical, "leader_closed", leader, $"{leader} leads and its MariaDB takes no writes{Because(idle.Database?.Reason)}.", "It opens or hands over by itself within seconds. If it does not, mend what the reason names, or `wolfctl promote` another node.");
        if (examined.Statuses.Select(s => s.Version).Distinct().Count() > 1)
            yield return new(Remark, "versions_differ", null, $"The nodes run different versions: {string.Join(", ", examined.Statuses.Select(s => $"{s.Id} {s.Version}"))}.", "Finish the upgrade.");
        if (examined.Statuses.Select(s => s.Verified).OfType<VerifiedDocument>().MaxBy(v => v.At) is not { } verified)
            yield return new(Remark, "never_verified", null, "The nodes' data were never compared.", "`wolfctl verify`, or [verify] interval_hours.");
        else if (verified.Different.Length > 0)
            yield return new(Critical, "different", null, $"{string.Join(", ", verified.Different)} held other rows than the leader when they were compared.", "`wolfctl verify` names the tables; `wolfctl migrate` on such a node rebuilds it.");
    }

    private static IEnumerable<DoctorFinding> OfMember(Examined examined, MemberReport member)
    {
        switch (member.Status)
        {
            case "LAGGING":
                yield return new(
                    Warning, "node_missing", member.Id, $"{member.Id} is LAGGING{Because(member.Reason)}.",
                    $"It catches up by itself. If it does not: is its network well, or does something hold its applier up (`SHOW PROCESSLIST` on {member.Id}: a lock, a long statement)?");
                break;
            case "DROPPED" or "OFFLINE":
                yield return new(Warning, "node_missing", member.Id, $"{member.Id} is {member.Status}{Because(member.Reason)}.", "Start the machine or the service (`systemctl start wolfscale`); it catches up by itself. Gone for good: `wolfctl remove`.");
                break;
            case "NEEDS_MIGRATION":
                yield return new(Warning, "needs_migration", member.Id, $"{member.Id} cannot rejoin with its data{Because(member.Reason)}.", $"`wolfctl migrate` on {member.Id} copies another node's data to it.");
                break;
            case "SYNCING" or "JOINING":
                yield return new(Remark, "syncing", member.Id, $"{member.Id} is {member.Status}{Because(member.Reason)}.", "Wait; `wolfctl list servers` shows how far it is.");
                break;
            case "ACTIVE" when examined.HasJustGone(member):
                yield return new(Warning, "node_missing", member.Id, $"{member.Id} was ACTIVE a moment ago, and its HTTP API refuses connections: its process has ended.", "Start the service (`systemctl start wolfscale`); it catches up by itself.");
                break;
            case "ACTIVE" when examined.Silent.TryGetValue(member.Id, out var why):
                yield return new(Remark, "api_silent", member.Id, $"{member.Id} takes part, and its HTTP API cannot be reached from here: {why}.", "api.enabled, api.bind_address or a firewall keep its own facts from this report.");
                break;
        }
    }

    private static IEnumerable<DoctorFinding> OfNode(NodeReport node)
    {
        if (node.Failure is { } failure)
            yield return new(Critical, "node_failed", node.Id, $"{node.Id} can serve no more: {failure}", "Mend its disk and restart it.");
        if (node.Database is { Enabled: true } database)
        {
            if (!database.Up)
                yield return new(Warning, "database_down", node.Id, $"The MariaDB of {node.Id} does not answer{Because(database.Reason)}.", "Start it (`systemctl start mariadb`); the node goes on by itself.");
            else if (!database.Fit && node.Status != "NEEDS_MIGRATION" && node.Migration is not { Error: null })
                yield return new(Warning, "database_unfit", node.Id, $"The MariaDB of {node.Id} may not serve{Because(database.Reason)}.", "Mend what the reason names.");
            foreach (var alarm in database.Alarms)
                yield return new(Warning, "database_alarm", node.Id, $"{node.Id}: {alarm}", "See the line itself.");
        }

        if (node.LagSeconds > LagSeconds)
        {
            yield return new(Warning, "lag", node.Id, string.Create(CultureInfo.InvariantCulture, $"The MariaDB of {node.Id} has been behind for {node.LagSeconds:0} s, {node.LagEntries} entries at this moment."),
                "Reads go to the leader meanwhile. A large transaction, a table without a primary key, or a slow disk.");
        }

        if (node.Migration is { Error: { } error })
            yield return new(Warning, "migration_failed", node.Id, $"The copy of another node's data to {node.Id} has failed: {error}", $"`wolfctl migrate` on {node.Id} begins it anew.");
        if (node.Maintenance)
            yield return new(Remark, "maintenance", node.Id, $"{node.Id} is in maintenance: it keeps the lead away.", "`wolfctl maintenance off` on it when you are done.");
        foreach (var warning in node.Warnings)
            yield return new(Remark, warning, node.Id, $"{node.Id}: {Warnings.Explain(warning)}.", "Nothing, where it is meant.");
        if (node.Discarded is { Transactions: > 0, LastFile: { } file } discarded)
            yield return new(Remark, "discarded", node.Id, string.Create(CultureInfo.InvariantCulture, $"{node.Id} has discarded {discarded.Transactions} transactions that may have been acknowledged."), $"They are saved, the last of them in {file}: look whether they are to be repeated.");
    }

    private static string Because(string? reason) => reason is { Length: > 0 } ? ": " + reason.TrimEnd('.') : "";
}
