namespace WolfScale.Consensus;

/// <summary>Who should win when several could (rules C3, C4): those that may serve before those that may not, then by id.</summary>
internal static class ElectionPolicy
{
    /// <summary>Whether the first stands before the second. Says nothing about their logs.</summary>
    public static bool IsBetterPlaced(NodeKey key, Standing standing, NodeKey otherKey, Standing other) =>
        standing.MayServe != other.MayServe ? standing.MayServe : key < otherKey;

    /// <summary>
    /// Mode "available": who leads among those who hear one another. Synced comes first: who has more of the latest epoch, because what it has and the
    /// other lacks would be lost. Then fitness, then the lowest id. A total order: of two nodes exactly one has the better claim.
    /// </summary>
    public static bool HasBetterClaim(NodeKey key, Standing standing, LogPosition last, NodeKey otherKey, Standing other, LogPosition otherLast)
    {
        if (last != otherLast && Rules.CompleteLogsLead)
            return last.IsAtLeastAsUpToDateAs(otherLast);
        return IsBetterPlaced(key, standing, otherKey, other);
    }

    /// <summary>
    /// A randomised timeout (Raft §5.2) from this node's own slice of [min, max]. Slices are ranked by id; nodes that may not serve have
    /// theirs after all those that may. So the best-placed node asks first, and failover is predictable; pre-vote keeps a node with a short
    /// log from disturbing anybody.
    /// </summary>
    /// <param name="retry">After a lost election: half of it, because nobody needs to find out that the leader is gone.</param>
    public static long DrawTimeoutMs(
        RaftOptions options, Configuration? configuration, NodeKey self, Standing standing, Random random, bool retry)
    {
        double timeout = DrawMs(options.ElectionTimeoutMinMs, options.ElectionTimeoutMaxMs, configuration, self, standing, random);
        return Math.Max(1, (long)(retry ? timeout / 2 : timeout));
    }

    /// <summary>The same ranking within one heartbeat interval: for a leader that has hung up, see <see cref="RaftCore.PeerDisconnected"/>.</summary>
    public static long DrawRedialMs(RaftOptions options, Configuration? configuration, NodeKey self, Standing standing, Random random) =>
        Math.Max(1, (long)DrawMs(options.HeartbeatIntervalMs / 4.0, options.HeartbeatIntervalMs, configuration, self, standing, random));

    private static double DrawMs(double minMs, double maxMs, Configuration? configuration, NodeKey self, Standing standing, Random random)
    {
        int voters = 0;
        int rank = 0;
        if (configuration is not null)
        {
            foreach (Member member in configuration.Members)
            {
                if (!member.IsVoter)
                    continue;
                voters++;
                if (member.Key < self)
                    rank++;
            }
        }

        voters = Math.Max(voters, rank + 1);
        int slices = 2 * voters;
        int slice = standing.MayServe ? rank : voters + rank;
        double width = (maxMs - minMs) / slices;
        return minMs + (width * (slice + random.NextDouble()));
    }

    /// <summary>
    /// How long after a leader's last word a voter still protects it (thesis §4.2.3). Somewhat less than the shortest timeout, so that
    /// the first node to lose patience finds the others ready.
    /// </summary>
    public static long ProtectionMs(RaftOptions options) =>
        Math.Max(options.ElectionTimeoutMinMs / 2, options.ElectionTimeoutMinMs - (options.HeartbeatIntervalMs / 2));
}
