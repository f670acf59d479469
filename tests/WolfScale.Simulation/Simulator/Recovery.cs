using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>
/// Liveness, and the final audit: when everything works again, a leader that may serve commits a new write within bounded time, all its
/// members get it, and every acknowledged write is in each of their logs.
/// </summary>
public static class Recovery
{
    /// <summary>Virtual time allowed for an election, and without progress of the slowest member, in election timeouts.</summary>
    private const int MaxElectionTimeouts = 60;

    public static void Run(Cluster cluster)
    {
        cluster.Faults.End();
        if (cluster.Mode == ClusterMode.Available)
        {
            RunAvailable(cluster);
            return;
        }

        long patience = MaxElectionTimeouts * cluster.CoreOptions.ElectionTimeoutMaxMs;
        long deadline = cluster.NowMs + patience;
        SimulatedNode leader = WaitForServingLeader(cluster, deadline);
        long target = leader.Log.Last.Lsn;
        long slowest = -1;
        while (SlowestCommit(cluster, ref leader, ref target) is var reached && reached < Math.Max(target, cluster.Checker.CommittedLsn))
        {
            if (reached > slowest)
                deadline = cluster.NowMs + patience;
            slowest = Math.Max(slowest, reached);
            if (cluster.NowMs > deadline)
                throw new InvariantViolationException($"liveness: {Blocked(cluster)}");
            cluster.Step();
        }

        foreach (Member member in leader.Core!.Configuration!.Members)
            if (cluster.Find(member.Key) is { } node)
                cluster.Checker.CheckHoldsEverything(node);
    }

    /// <summary>Mode "available": within bounded time one leader is left, and all logs are equal.</summary>
    private static void RunAvailable(Cluster cluster)
    {
        long deadline = cluster.NowMs + (2 * MaxElectionTimeouts * cluster.CoreOptions.ElectionTimeoutMaxMs);
        bool wrote = false;
        while (true)
        {
            if (cluster.NowMs > deadline)
                throw new InvariantViolationException($"liveness: {Blocked(cluster)}");
            cluster.Step();
            SimulatedNode[] leaders = [.. cluster.Nodes.Where(node => node.Core?.Role == RaftRole.Leader)];
            if (leaders.MaxBy(node => node.Core!.Term) is not { } leader)
                continue;
            cluster.Operator.MigrateStranded(leader);
            cluster.Operator.LetIn(leader);
            wrote = wrote || Writes(cluster, leader);
            if ((wrote || NobodyMayServe(cluster, leader)) && leaders.Length == 1 && cluster.Nodes.TrueForAll(node => IsLike(node, leader)))
                break;
        }

        foreach (SimulatedNode node in cluster.Nodes)
            cluster.Checker.CheckHoldsEverything(node);
    }

    private static bool IsLike(SimulatedNode node, SimulatedNode leader) =>
        node.Core is { } core && core.CommitLsn == leader.Log.Last.Lsn && node.Log.LastChain == leader.Log.LastChain;

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
        return leader is not null && (leader.Core!.MayServe || NobodyMayServe(cluster, leader)) ? leader : null;
    }

    /// <summary>Only witnesses and never_leader nodes with a vote are left: then the cluster keeps its log and serves nobody.</summary>
    private static bool NobodyMayServe(Cluster cluster, SimulatedNode leader) =>
        !leader.Core!.Configuration!.Members.Any(member =>
            member is { IsVoter: true, NeverLeader: false, Witness: false } && cluster.Find(member.Key) is not null);

    private static bool Writes(Cluster cluster, SimulatedNode leader)
    {
        long before = leader.Log.Last.Lsn;
        cluster.Operator.Write(leader);
        return leader.Log.Last.Lsn > before;
    }

    /// <summary>
    /// The lowest commit LSN of the members of the leader's configuration. A deposed leader (an election was under way) is replaced by its
    /// successor.
    /// </summary>
    private static long SlowestCommit(Cluster cluster, ref SimulatedNode leader, ref long target)
    {
        if (leader.Core!.Role != RaftRole.Leader)
        {
            if (ServingLeader(cluster) is not { } next)
                return -1;
            leader = next;
            cluster.Operator.Write(next);
            target = next.Log.Last.Lsn;
        }

        cluster.Operator.MigrateStranded(leader);
        long slowest = long.MaxValue;
        foreach (Member member in leader.Core!.Configuration!.Members)
            if (cluster.Find(member.Key) is { } node)
                slowest = Math.Min(slowest, node.Core?.CommitLsn ?? 0);
        return slowest;
    }

    private static string Blocked(Cluster cluster) => string.Join("; ", cluster.Nodes.Select(Describe));

    private static string Describe(SimulatedNode node)
    {
        if (node.Core is not { } core)
            return $"{node.Key} down";
        IEnumerable<string> members = core.Configuration?.Members.Select(member => member.Key + (member.IsVoter ? "" : "L")) ?? [];
        return $"{node.Key} {core.Role} t{core.Term} commit {core.CommitLsn} last {core.Last} of {string.Join(' ', members)}";
    }
}
