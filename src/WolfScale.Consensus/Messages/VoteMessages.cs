namespace WolfScale.Consensus;

/// <summary>"Would you vote for me in <c>Term</c>?" Changes nothing at the receiver (thesis §9.6).</summary>
/// <param name="Last">Where the candidate's log ends.</param>
/// <param name="Standing">How it stands as a candidate.</param>
public sealed record PreVoteRequest(NodeKey From, NodeKey To, long Term, LogPosition Last, Standing Standing) : Message(From, To, Term);

/// <summary>Answer to a <see cref="PreVoteRequest"/>.</summary>
public sealed record PreVoteResponse(NodeKey From, NodeKey To, long Term, bool Granted) : Message(From, To, Term);

/// <summary>RequestVote of Raft §5.2.</summary>
/// <param name="Last">Where the candidate's log ends.</param>
/// <param name="Standing">How it stands as a candidate.</param>
/// <param name="LeaderTransfer">The leader itself asked for this election: voters do not protect it (thesis §4.2.3).</param>
public sealed record VoteRequest(NodeKey From, NodeKey To, long Term, LogPosition Last, Standing Standing, bool LeaderTransfer)
    : Message(From, To, Term);

/// <summary>Answer to a <see cref="VoteRequest"/>. Leaves only after the vote is durable.</summary>
public sealed record VoteResponse(NodeKey From, NodeKey To, long Term, bool Granted) : Message(From, To, Term);

/// <summary>The leader asks an up-to-date voter to start an election at once (thesis §3.10).</summary>
public sealed record TimeoutNow(NodeKey From, NodeKey To, long Term) : Message(From, To, Term);
