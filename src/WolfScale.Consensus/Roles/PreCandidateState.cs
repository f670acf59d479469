namespace WolfScale.Consensus;

/// <summary>
/// Asks whether an election could be won, without a new term: a node that was cut off, or has a short log, disturbs nobody (thesis §9.6).
/// </summary>
internal sealed class PreCandidateState(RaftCore core) : RoleState(core)
{
    private readonly VoteTally _tally = new(core.Node.Configuration!);
    private long _askAgainMs;

    public override RaftRole Role => RaftRole.PreCandidate;

    public override long NextDeadlineMs => Math.Min(Node.ElectionDeadlineMs, _askAgainMs);

    public void Begin()
    {
        Node.RestartElectionTimer(retry: true);
        if (_tally.Record(Node.Self, granted: true) == TallyResult.Won)
        {
            Core.BecomeCandidate(leaderTransfer: false);
            return;
        }

        Ask();
    }

    public override void Tick()
    {
        if (Node.NowMs >= Node.ElectionDeadlineMs)
            Core.Campaign();
        else if (Node.NowMs >= _askAgainMs)
            Ask();
    }

    public override void OnAppendRequest(AppendRequest request) => Core.FollowAndReceive(request);

    public override void OnPreVoteResponse(PreVoteResponse response)
    {
        switch (_tally.Record(response.From, response.Granted))
        {
            case TallyResult.Won:
                Core.BecomeCandidate(leaderTransfer: false);
                break;
            case TallyResult.Lost:
                Core.BecomeFollower(Node.Term, leader: null);
                break;
        }
    }

    /// <summary>
    /// Asks whoever has not answered, and soon again: clients wait while there is no leader, and the node whose return makes a majority
    /// should be heard at once. The question disturbs nobody.
    /// </summary>
    private void Ask()
    {
        _askAgainMs = Node.NowMs + Math.Max(1, Node.Options.HeartbeatIntervalMs / 2);
        foreach (Member member in Node.Configuration!.Members)
            if (Identity.IsVoter(member) && !_tally.HasAnswered(member.Key))
                Node.Send(new PreVoteRequest(Node.Self, member.Key, Node.NextTerm, Node.Log.Last, Node.Standing));
    }
}
