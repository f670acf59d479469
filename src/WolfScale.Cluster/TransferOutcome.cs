namespace WolfScale.Cluster;

/// <summary>How a planned hand-over ended.</summary>
/// <param name="Succeeded">Another node leads now.</param>
/// <param name="NewLeader">Its id; null when it failed.</param>
/// <param name="Reason">Why it failed and what to do, for people; empty when it succeeded.</param>
public sealed record TransferOutcome(bool Succeeded, string? NewLeader, string Reason);
