namespace WolfScale.Settings.Rules;

/// <summary>Heartbeats and election timeouts must fit each other, or leaders are deposed for nothing.</summary>
internal static class ElectionRules
{
    /// <summary>A follower that misses this many heartbeats stands for election; fewer make one lost packet an election.</summary>
    private const int HeartbeatsPerTimeout = 2;

    public static IEnumerable<Finding> Check(RuleContext context)
    {
        var cluster = context.Configuration.Cluster;
        var single = cluster.ElectionTimeoutMs is not null;
        var pair = context.Given("cluster.election_timeout_min_ms") || context.Given("cluster.election_timeout_max_ms");
        if (single && pair)
        {
            yield return context.Error("given_twice", "cluster.election_timeout_ms",
                "cluster.election_timeout_ms stands instead of election_timeout_min_ms and election_timeout_max_ms: keep either the one or the pair");
            yield break;
        }

        var (minimum, maximum) = context.Configuration.ElectionTimeoutMs;
        var key = single ? "cluster.election_timeout_ms" : "cluster.election_timeout_min_ms";
        if (minimum >= maximum)
            yield return context.Error("bad_interval", key, $"election_timeout_min_ms ({minimum}) must be below election_timeout_max_ms ({maximum}): equal timeouts split the votes for ever");
        if (minimum < HeartbeatsPerTimeout * cluster.HeartbeatIntervalMs)
            yield return context.Error("timeout_below_heartbeat", key,
                $"the shortest election timeout ({minimum} ms) must be at least {HeartbeatsPerTimeout} heartbeats ({HeartbeatsPerTimeout} × {cluster.HeartbeatIntervalMs} ms): healthy leaders would be deposed");
        else if (minimum < 3 * cluster.HeartbeatIntervalMs)
            yield return context.Warning("timeout_near_heartbeat", key,
                $"the shortest election timeout ({minimum} ms) is below 3 heartbeats (3 × {cluster.HeartbeatIntervalMs} ms): two lost packets cost a leader");
    }
}
