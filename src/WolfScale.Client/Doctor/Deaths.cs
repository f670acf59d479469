using System.Collections.Immutable;
using System.Globalization;

namespace WolfScale.Client.Doctor;

/// <summary>
/// What would happen if one node died now. The rules are the cluster's own: a majority of voters must live (Raft §5.4.2); among those whose log is complete a node that may serve stands
/// before one that may not, and then the lowest id leads (rules C3, C4).
/// </summary>
public static class Deaths
{
    /// <summary>What was replicated while the answers were on their way is no lag.</summary>
    private const long SlackEntries = 1000;

    /// <summary>In mode available who has more leads, whoever that is, because what it has and the others lack would be lost.</summary>
    private static long Slack(Examined cluster) => cluster.IsAvailableMode ? 0 : SlackEntries;

    public static ImmutableArray<DoctorDeath> Foresee(Examined cluster) => [.. cluster.Cluster.Nodes.Where(cluster.Lives).Select(n => Foresee(cluster, n))];

    private static DoctorDeath Foresee(Examined cluster, MemberReport dies)
    {
        var leads = dies.Id == cluster.Cluster.Leader;
        var left = cluster.Cluster.Nodes.Where(n => n.Id != dies.Id && cluster.Lives(n)).ToList();
        var voters = cluster.Cluster.Nodes.Count(n => n.Voter);
        var enough = cluster.IsAvailableMode ? left.Count > 0 : left.Count(n => n.Voter) > voters / 2;
        var next = !enough ? null : leads ? Successor(cluster, left) : cluster.Cluster.Leader ?? Successor(cluster, left);
        var goesOn = next is not null;
        return new DoctorDeath(
            dies.Id, next, goesOn,
            !goesOn ? null : leads ? cluster.Timing.AfterDeath : 0,
            !goesOn ? null : leads ? cluster.Timing.AfterSilence : 0,
            AtRisk(cluster, dies, leads, left),
            !enough ? $"Writes would stand still until {dies.Id} or another missing voter is back: {left.Count(n => n.Voter)} of {voters} voters would be left. Bring back who is missing, or add a node or a witness."
                : !goesOn ? "No node with a MariaDB that may serve would be left. Bring another one in step: `wolfctl list servers` shows what keeps each from it."
                : null);
    }

    private static string? Successor(Examined cluster, List<MemberReport> left)
    {
        var able = left.Where(n => n is { Fit: true, NeverLeader: false, Status: "ACTIVE" } && (n.Voter || cluster.IsAvailableMode) && !Examined.IsWitness(n)
            && cluster.Status(n.Id) is not { Maintenance: true }).ToList();
        var newest = able.Count == 0 ? 0 : able.Max(n => n.LastLsn ?? 0);
        return able.Where(n => (n.LastLsn ?? 0) + Slack(cluster) >= newest).Select(n => n.Id).Min(StringComparer.Ordinal);
    }

    private static string? AtRisk(Examined cluster, MemberReport dies, bool leads, List<MemberReport> left)
    {
        if (cluster.IsAvailableMode && leads)
        {
            var known = left.Count == 0 ? 0 : left.Max(n => n.LastLsn ?? 0);
            var behind = Math.Max(0, (dies.LastLsn ?? 0) - known);
            return string.Create(CultureInfo.InvariantCulture, $"what it acknowledged and had not sent yet (mode available): {behind} entries at this moment; saved and told when it is back");
        }

        if (!cluster.Statuses.Any(s => s.Warnings.Contains("fsync_off")))
            return null;
        return "none by its death alone; a power cut on a majority at once loses what their disks had not synced (wal.fsync = false)";
    }
}
