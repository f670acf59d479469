using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>
/// Liveness, and the final audit: when everything works again, a leader that may serve commits a new write within bounded time, all its members get it, and every
/// acknowledged write is in each of their logs.
/// </summary>
public static class Recovery
{
    /// <summary>Virtual time allowed for it, in election timeouts.</summary>
    private const int MaxElectionTimeouts = 60;

    public static void Run(Cluster cluster)
    {
        cluster.Faults.End();
        long deadline = cluster.NowMs + (MaxElectionTimeouts * cluster.CoreOptions.ElectionTimeoutMaxMs);
        SimulatedNode leader = WaitForServingLeader(cluster, deadline);
        long target = leader.Log.Last.Lsn;
        while (!EverybodyHas(cluster, ref leader, ref target))
        {
            if (cluster.NowMs > deadline)
                throw new InvariantViolationException($"liveness: {Blocked(cluster)}");
            cluster.Step();
        }

        foreach (Member member in leader.Core!.Configuration!.Members)
            if (cluster.Find(member.Key) is { } node)
                cluster.Checker.CheckHoldsEverything(node);
    }

    private static SimulatedNode WaitForServingLeader(Cluster cluster, long deadline)
    {
        while (true)
        {
            if (ServingLeader(cluster) is { } leader && (NobodyMayServe(cluster, leader) || Writes(cluster, leader)))
                return leader;

            if (cluster.NowMs > deadline)
                throw new InvariantViolationException($"liveness: no leader that may serve: {Blocked(cluster)}");
            cluster.Step();
        }
    }

    /// <summary>The leader of the latest term, if it may serve, or if nobody among its voters may.</summary>
    private static SimulatedNode? ServingLeader(Cluster cluster)
    {
        SimulatedNode? leader = cluster.Nodes.Where(node => node.Core?.Role == RaftRole.Leader).MaxBy(node => node.Core!.Term);
        return leader is not null && (leader.Core!.MayServe || NobodyMayServe(cluster, leader)) && leader.Core.Term == cluster.Nodes.Max(node => node.Core?.Term ?? 0)
            ? leader
            : null;
    }

    /// <summary>Only witnesses and never_leader nodes with a vote are left: then the cluster keeps its log and serves nobody.</summary>
    private static bool NobodyMayServe(Cluster cluster, SimulatedNode leader) =>
        !leader.Core!.Configuration!.Members.Any(member => member is { IsVoter: true, NeverLeader: false, Witness: false } && cluster.Find(member.Key) is not null);

    private static bool Writes(Cluster cluster, SimulatedNode leader)
    {
        long before = leader.Log.Last.Lsn;
        cluster.Operator.Write(leader);
        return leader.Log.Last.Lsn > before;
    }

    private static bool EverybodyHas(Cluster cluster, ref SimulatedNode leader, ref long target)
    {
        if (leader.Core!.Role != RaftRole.Leader)
        {
            // Deposed after all (an election was under way): go on with its successor.
            if (ServingLeader(cluster) is not { } next)
                return false;
            leader = next;
            cluster.Operator.Write(next);
            target = next.Log.Last.Lsn;
        }

        long needed = Math.Max(target, cluster.Checker.CommittedLsn);
        cluster.Operator.MigrateStranded(leader);
        foreach (Member member in leader.Core!.Configuration!.Members)
            if (cluster.Find(member.Key) is { } node && (node.Core?.CommitLsn ?? 0) < needed)
                return false;
        return true;
    }

    private static string Blocked(Cluster cluster) => string.Join("; ", cluster.Nodes.Select(node =>
        $"{node.Key} {(node.Core is { } core ? $"{core.Role} t{core.Term} commit {core.CommitLsn} last {core.Last} of {string.Join(' ', core.Configuration?.Members.Select(m => m.Key + (m.IsVoter ? "" : "L")) ?? [])}" : "down")}"));
}
