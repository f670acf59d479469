namespace WolfScale.Consensus;

/// <summary>A hand-over under way (thesis §3.10). Outlives the leadership it ends, until it is known who leads next.</summary>
/// <param name="Target">Who is to lead.</param>
/// <param name="Term">The term in which it began.</param>
/// <param name="DeadlineMs">When it has failed.</param>
internal sealed record LeaderTransfer(NodeKey Target, long Term, long DeadlineMs);
