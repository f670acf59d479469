namespace WolfScale.Consensus;

/// <summary>
/// Asks whether an election could be won, without a new term: a node that was cut off, or has a short log, disturbs nobody (thesis §9.6).
/// </summary>
internal sealed class PreCandidateState(RaftCore core) : RoleState(core)
{
    private readonly VoteTally _tally = new(core.Node.Configuration!);

    public override RaftRole Role => RaftRole.PreCandidate;

    public void Begin()
    {
        Node.RestartElectionTimer(retry: true);
        if (_tally.Record(Node.Self, granted: true) == TallyResult.Won)
        {
            Core.BecomeCandidate(leaderTransfer: false);
            return;
        }

        foreach (Member member in Node.Configuration!.Members)
            if (Identity.IsVoter(member) && member.Key != Node.Self)
                Node.Send(new PreVoteRequest(Node.Self, member.Key, Node.Term + 1, Node.Log.Last, Node.Standing));
    }

    public override void Tick()
    {
        if (Node.NowMs >= Node.ElectionDeadlineMs)
            Core.Campaign();
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
}
