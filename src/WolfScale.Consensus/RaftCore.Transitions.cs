namespace WolfScale.Consensus;

/// <summary>Terms, and the way from one role to the next.</summary>
public sealed partial class RaftCore
{
    private readonly Ballot _ballot;
    private RoleState _role;
    private Effect.RoleChanged _announced;
    private bool _started;

    internal NodeContext Node { get; }

    /// <summary>The hand-over under way, or null.</summary>
    internal LeaderTransfer? Transfer { get; set; }

    private bool IsLeader => _role is LeaderState;

    /// <summary>The first call brings the first time.</summary>
    private void Start()
    {
        _started = true;
        Node.StartedMs = Node.NowMs;
        Node.RestartElectionTimer();

        // The only voter has nobody to wait for.
        if (Node.IsVoter && Node.Configuration!.VoterCount == 1)
            Node.ElectionDeadlineMs = Node.NowMs;
    }

    private void Dispatch(Message message)
    {
        switch (message)
        {
            case PreVoteRequest request:
                // Changes no term on either side (thesis §9.6).
                if (Node.IsAvailable ? _ballot.AnswerRollCall(request, IsLeader) : _ballot.Answer(request, IsLeader))
                    StandMyself();
                return;
            case PreVoteResponse { Granted: true } response:
                if (response.Term == Node.NextTerm)
                    _role.OnPreVoteResponse(response);
                return;
            case VoteRequest request when Node.IsAvailable:
                AnswerTakeover(request);
                return;
            case VoteResponse response when Node.IsAvailable:
                OnTakeoverAnswered(response);
                return;
            case VoteRequest { LeaderTransfer: false } request when request.Term > Node.Term && _ballot.ProtectsLeader(IsLeader, request.From):
                // Thesis §4.2.3: not even its term is looked at, or a removed node could depose a working leader.
                return;
        }

        // Raft §5.1: a later term ends every role.
        if (message.Term > Node.Term)
            BecomeFollower(message.Term, message is AppendRequest ? message.From : null);
        if (message.Term < Node.Term)
            AnswerOldTerm(message);
        else
            DispatchInTerm(message);
    }

    private void DispatchInTerm(Message message)
    {
        switch (message)
        {
            case VoteRequest request:
                if (_ballot.Answer(request, IsLeader))
                    StandMyself();
                break;
            case VoteResponse response:
                _role.OnVoteResponse(response);
                break;
            case PreVoteResponse response:
                _role.OnPreVoteResponse(response);
                break;
            case AppendRequest request:
                _ballot.LeaderHeard();
                _role.OnAppendRequest(request);
                break;
            case AppendResponse response:
                _role.OnAppendResponse(response);
                break;
            case TimeoutNow request:
                _role.OnTimeoutNow(request);
                break;
        }
    }

    /// <summary>
    /// Raft §5.1: who asks in an old term is told the new one. Whoever asked may by now lead that very term, and must not take it for a word about its log: nothing was
    /// compared here.
    /// </summary>
    private void AnswerOldTerm(Message message)
    {
        switch (message)
        {
            case AppendRequest request:
                Node.Send(new AppendResponse(
                    Self, request.From, Node.Term, Success: false, MatchLsn: 0, AppendResponse.NothingCompared, Hint: default, Node.Standing,
                    ReadIndexContext: 0));
                break;
            case VoteRequest request:
                Node.Send(new VoteResponse(Self, request.From, Node.Term, Granted: false));
                break;
        }
    }

    /// <summary>A worse-placed candidate has shown that the leader is gone: this node need not wait for its own patience to end.</summary>
    private void StandMyself()
    {
        if (_role is FollowerState && Node.IsVoter)
            Campaign();
    }

    /// <summary>Begins with the question whether it could win (thesis §9.6).</summary>
    internal void Campaign()
    {
        if (!Node.MayCampaign)
        {
            Node.RestartElectionTimer();
            BecomeFollower(Node.Term, leader: null);
            return;
        }

        Node.Leader = null;
        if (Node.IsAvailable)
        {
            var rollCall = new RollCallState(this);
            Enter(rollCall);
            rollCall.Begin();
            return;
        }

        var role = new PreCandidateState(this);
        Enter(role);
        role.Begin();
    }

    internal void BecomeCandidate(bool leaderTransfer)
    {
        Node.EnterTerm(Node.NextTerm);
        Node.CastVote(Self);
        var role = new CandidateState(this);
        Enter(role);
        role.Begin(leaderTransfer);
    }

    internal void BecomeLeader()
    {
        Node.Leader = Self;
        Node.IsInStep = true;
        _ballot.LeaderHeard();
        var role = new LeaderState(this);
        Enter(role, announce: false); // it does so itself
        role.Begin();
    }

    internal void BecomeFollower(long term, NodeKey? leader)
    {
        if (term > Node.Term)
            Node.EnterTerm(term);

        // A later term alone is no sign of a leader: who was waiting, or asking, keeps its patience. A leader had none.
        if (IsLeader)
            Node.RestartElectionTimer();
        Node.Leader = leader;
        Enter(new FollowerState(this));
    }

    internal void FollowAndReceive(AppendRequest request)
    {
        BecomeFollower(Node.Term, request.From);
        _role.OnAppendRequest(request);
    }

    private void Enter(RoleState role, bool announce = true)
    {
        RoleState left = _role;
        _role = role;
        if (announce)
            AnnounceRole();
        left.OnLeave();
    }

    /// <summary>
    /// Tells the host when anything of the role has changed. Not held up by the hard state: a leader's end cannot be known too early.
    /// </summary>
    internal void AnnounceRole()
    {
        bool mayServe = MayServe;
        if (_announced.Role == Role && _announced.Term == Term && _announced.Leader == Leader && _announced.MayServe == mayServe)
            return;
        _announced = new Effect.RoleChanged(Role, Term, Leader, mayServe);
        Node.Effects.Add(_announced);
    }

    /// <summary>A transfer ends when somebody leads a later term, or in time.</summary>
    private void EndTransferWhenOver()
    {
        if (Transfer is not { } transfer)
            return;
        if (Term > transfer.Term && Leader is { } leader)
        {
            bool succeeded = leader == transfer.Target;
            EndTransfer(succeeded, succeeded ? "" : $"{leader} was elected instead");
        }
        else if (Node.NowMs >= transfer.DeadlineMs)
        {
            EndTransfer(
                succeeded: false,
                IsLeader ? "it did not take the lead in time; this node goes on leading" : "no new leader was heard of in time");
        }
    }

    internal void EndTransfer(bool succeeded, string reason)
    {
        NodeKey target = Transfer!.Target;
        Transfer = null;
        Node.Emit(new Effect.LeadershipTransferEnded(target, succeeded, reason));
    }
}
