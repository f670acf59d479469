namespace WolfScale.Consensus;

/// <summary>Stands for election in a new term (Raft §5.2).</summary>
internal sealed class CandidateState(RaftCore core) : RoleState(core)
{
    private readonly VoteTally _tally = new(core.Node.Configuration!);

    public override RaftRole Role => RaftRole.Candidate;

    /// <summary>The own vote is cast; it must be durable before anybody hears of it, itself included.</summary>
    public void Begin(bool leaderTransfer)
    {
        Node.RestartElectionTimer(retry: true);
        Node.FlushHardState();
        if (_tally.Record(Node.Self, granted: true) == TallyResult.Won)
        {
            Core.BecomeLeader();
            return;
        }

        foreach (Member member in Node.Configuration!.Members)
            if (Identity.IsVoter(member) && member.Key != Node.Self)
                Node.Send(new VoteRequest(Node.Self, member.Key, Node.Term, Node.Log.Last, Node.Standing, leaderTransfer));
    }

    public override void Tick()
    {
        if (Node.NowMs >= Node.ElectionDeadlineMs)
            Core.Campaign();
    }

    /// <summary>Somebody else won this term (Raft §5.2).</summary>
    public override void OnAppendRequest(AppendRequest request) => Core.FollowAndReceive(request);

    public override void OnVoteResponse(VoteResponse response)
    {
        switch (_tally.Record(response.From, response.Granted))
        {
            case TallyResult.Won:
                Core.BecomeLeader();
                break;
            case TallyResult.Lost:
                Core.BecomeFollower(Node.Term, leader: null);
                break;
        }
    }
}
