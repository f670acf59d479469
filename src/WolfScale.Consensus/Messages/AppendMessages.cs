using System.Collections.Immutable;

namespace WolfScale.Consensus;

/// <summary>
/// AppendEntries of Raft §5.3, in batches. Without batches it is a heartbeat, a commit update or a probe.
/// </summary>
/// <param name="Previous">The position directly before the first batch, as the leader's log has it.</param>
/// <param name="Batches">Consecutive batches. The host sends their bytes beside this message, and receives them in <see
/// cref="Attachment"/>.</param>
/// <param name="CommitLsn">The leader's commit LSN.</param>
/// <param name="ReadIndexContext">Number of the leader's latest read round; the answer echoes it.</param>
/// <param name="AnswerNow">
/// Heartbeat, probe or read round: to be answered at once. Otherwise new entries are answered when they are durable, and a mere commit
/// update not at all (unless refused), because a commit should cost one round of messages.
/// </param>
public sealed record AppendRequest(
    NodeKey From, NodeKey To, long Term, LogPosition Previous, ImmutableArray<BatchInfo> Batches, long CommitLsn, long ReadIndexContext,
    bool AnswerNow)
    : Message(From, To, Term)
{
    /// <summary>The host's own: what it needs to append these batches (their bytes). The core never looks at it.</summary>
    public object? Attachment { get; init; }

    /// <summary>LSN of the last entry this message covers: of its last batch, or <see cref="Previous"/>.</summary>
    public long EndLsn => Batches.IsEmpty ? Previous.Lsn : Batches[^1].LastLsn;
}

/// <summary>
/// Answer to <see cref="AppendRequest"/>. Also sent unasked when entries have become durable or the node's standing has changed.
/// </summary>
/// <param name="Success">False: <see cref="AppendRequest.Previous"/> is not in the log, see <paramref name="Hint"/>; or the leader is of an
/// older term.</param>
/// <param name="MatchLsn">Up to here the node's log is the leader's and is durable.</param>
/// <param name="PreviousLsn">
/// LSN of the request's <see cref="AppendRequest.Previous"/>; <paramref name="MatchLsn"/> when unasked; <see cref="NothingCompared"/> where the leader is of an older term.
/// </param>
/// <param name="Hint">When refused: a place in this node's log at or before which the two logs may meet (fast back-off).</param>
/// <param name="Standing">How the node stands as a candidate: the leader hands over to fit nodes only.</param>
/// <param name="ReadIndexContext">The highest round of this term's leader that this node has seen.</param>
public sealed record AppendResponse(
    NodeKey From, NodeKey To, long Term, bool Success, long MatchLsn, long PreviousLsn, LogPosition Hint, Standing Standing,
    long ReadIndexContext)
    : Message(From, To, Term)
{
    /// <summary>No position: one that no log reaches.</summary>
    public const long NothingCompared = long.MaxValue;
}
