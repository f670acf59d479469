namespace WolfScale.Consensus;

/// <summary>
/// What a leader knows of one other member in its term. <c>Match &lt; Next</c>; both lie on batch boundaries (<see cref="NextLsn"/> is one
/// after one).
/// </summary>
internal sealed class PeerProgress(Member member, long nextLsn, long nowMs)
{
    public Member Member { get; set; } = member;

    public NodeKey Key => Member.Key;

    public ReplicationState State { get; set; } = ReplicationState.Probe;

    /// <summary>Up to here its log is the leader's, and durable.</summary>
    public long MatchLsn { get; set; }

    /// <summary>First LSN that has not been sent.</summary>
    public long NextLsn { get; set; } = nextLsn;

    /// <summary>Batches on their way, in <see cref="ReplicationState.Replicate"/>.</summary>
    public InflightWindow Inflight { get; } = new();

    /// <summary>A probe is on its way and unanswered; the next heartbeat repeats it, in case it was lost.</summary>
    public bool ProbeSent { get; set; }

    /// <summary>The commit LSN it was last told.</summary>
    public long SentCommitLsn { get; set; }

    /// <summary>The read round it has answered.</summary>
    public long ReadIndexContext { get; set; }

    /// <summary>When it last answered; at first, when this leader began to count it (grace for check-quorum).</summary>
    public long LastHeardMs { get; set; } = nowMs;

    /// <summary>Whether it has answered in this term at all.</summary>
    public bool EverHeard { get; set; }

    /// <summary>As it last reported; unfit until then.</summary>
    public Standing Standing { get; set; }

    public bool HeardSince(long ms) => EverHeard && LastHeardMs >= ms;

    /// <summary>Searches for the meeting point again, after <paramref name="matchCandidate"/>.</summary>
    public void BecomeProbe(long matchCandidate)
    {
        State = ReplicationState.Probe;
        NextLsn = Math.Max(matchCandidate, MatchLsn) + 1;
        ProbeSent = false;
        Inflight.Clear();
    }

    public void BecomeReplicate()
    {
        State = ReplicationState.Replicate;
        ProbeSent = false;
        Inflight.Clear();
    }
}
