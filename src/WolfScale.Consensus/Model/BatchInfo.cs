namespace WolfScale.Consensus;

/// <summary>
/// What the core knows of a batch: a run of consecutive LSNs of one term. The leader makes it, every node keeps it as it is: sends,
/// appends, truncations and acknowledgements are at batch boundaries, so for one (LSN, term) the boundaries are the same on all nodes.
/// </summary>
/// <param name="FirstLsn">LSN of the first entry.</param>
/// <param name="LastLsn">LSN of the last entry.</param>
/// <param name="Term">Term of the leader that made it.</param>
/// <param name="Bytes">Size on the wire, for flow control; an estimate is good enough.</param>
/// <param name="Configuration">The configuration, where the batch is a configuration entry (which then is its only entry).</param>
public sealed record BatchInfo(long FirstLsn, long LastLsn, long Term, int Bytes, Configuration? Configuration = null);
