namespace WolfScale.Client.Doctor;

/// <summary>What a doctor hears of a cluster.</summary>
/// <param name="Cluster">As the leader sees it, or the first node that answers.</param>
/// <param name="Statuses">Of the nodes that answer.</param>
/// <param name="Silent">Members that do not answer over HTTP, and why.</param>
/// <param name="Timing">How soon a lost leader is missed.</param>
public sealed record Examined(ClusterDocument Cluster, IReadOnlyList<NodeReport> Statuses, IReadOnlyDictionary<string, string> Silent, Timing Timing)
{
    /// <summary>How far each node's clock is ahead of the one here, in seconds, and how exactly that is known: by half the time that its answer took.</summary>
    public IReadOnlyDictionary<string, (double Ahead, double Within)> Clocks { get; init; } = new Dictionary<string, (double, double)>();

    /// <summary>Now, here.</summary>
    public DateTimeOffset Now { get; init; }

    public NodeReport? Status(string node) => Statuses.FirstOrDefault(s => s.Id == node);

    public bool IsAvailableMode => Cluster.Mode == "available";

    /// <summary>It takes part: the node that tells has heard it within three heartbeats, and nothing says that its process has gone since.</summary>
    public bool Lives(MemberReport member) => member.Status is "ACTIVE" or "SYNCING" or "JOINING" or "NEEDS_MIGRATION" && !HasJustGone(member);

    /// <summary>Its machine refuses connections to where its API was a moment ago. (A firewall lets them wait, as a rule.)</summary>
    public bool HasJustGone(MemberReport member) => Silent.TryGetValue(member.Id, out var why) && why.Contains("refused", StringComparison.OrdinalIgnoreCase);

    public static bool IsWitness(MemberReport member) => member.Role == "WITNESS";
}

/// <summary>The timeouts in force.</summary>
/// <param name="HeartbeatMs"><c>cluster.heartbeat_interval_ms</c>.</param>
/// <param name="ElectionMaxMs"><c>cluster.election_timeout_max_ms</c>.</param>
public readonly record struct Timing(int HeartbeatMs, int ElectionMaxMs)
{
    /// <summary>From winning to an open server, with much to apply; measured promotions take 40 to 300 ms.</summary>
    private const double PromotionSeconds = 0.5;

    /// <summary>Its connections end, and the best-placed node asks for votes within one heartbeat.</summary>
    public double AfterDeath => Math.Round((HeartbeatMs / 1000.0) + PromotionSeconds, 1);

    public double AfterSilence => Math.Round((ElectionMaxMs / 1000.0) + PromotionSeconds, 1);
}
