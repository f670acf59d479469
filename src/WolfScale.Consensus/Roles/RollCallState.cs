namespace WolfScale.Consensus;

/// <summary>
/// Mode "available", and no leader is heard: asks who is there, and leads when nobody who answers has a better claim. No vote: silence is no refusal,
/// so one node that is left goes on alone.
/// <code>
///   all others have answered             ─▶ leads at once
///   some have not, within one heartbeat  ─▶ leads without them; a peer that has hung up is not waited for
///   somebody hears a leader, or has a better claim ─▶ follows; the latter stands itself
/// </code>
/// A node that was just started does not know how much it has missed. While those who answer are no majority, it waits for the others much longer
/// (<see cref="RaftOptions.ColdStartPatienceMs"/>): a lead taken with an old log would rewind what the others have acknowledged since.
/// </summary>
internal sealed class RollCallState(RaftCore core) : RoleState(core)
{
    private readonly HashSet<NodeKey> _present = [];
    private long _beganMs;
    private long _askAgainMs;
    private bool _hasWaited; // for answers that lay unread, once

    public override RaftRole Role => RaftRole.PreCandidate;

    public override long NextDeadlineMs => Math.Min(ClosesMs, _askAgainMs);

    private long ClosesMs
    {
        get
        {
            long closes = _beganMs + Node.Options.HeartbeatIntervalMs;
            return KnowsEnough ? closes : Math.Max(closes, Node.StartedMs + Node.Options.ColdStartPatienceMs);
        }
    }

    private bool KnowsEnough => Node.IsInStep || IsMajorityPresent;

    private bool IsMajorityPresent
    {
        get
        {
            int present = 0;
            foreach (Member member in Node.Configuration!.Members)
                if (member.IsVoter && (member.Key == Node.Self || _present.Contains(member.Key)))
                    present++;
            return present >= QuorumArithmetic.Majority(Node.Configuration.VoterCount);
        }
    }

    public void Begin()
    {
        Node.RestartElectionTimer(retry: true);
        _beganMs = Node.NowMs;
        if (!LeadWhenComplete())
            Ask();
    }

    public override void Tick()
    {
        if (!_hasWaited && Node.StoodStill(_askAgainMs))
        {
            _hasWaited = true;
            _beganMs = Node.NowMs;
            Ask();
        }
        else if (Node.NowMs >= ClosesMs)
            Core.TakeLead();
        else if (Node.NowMs >= _askAgainMs)
            Ask();
    }

    public override void OnAppendRequest(AppendRequest request) => Core.FollowAndReceive(request);

    public override void OnPreVoteResponse(PreVoteResponse response)
    {
        if (!response.Granted)
        {
            Core.BecomeFollower(Node.Term, leader: null);
            return;
        }

        _ = _present.Add(response.From);
        _ = LeadWhenComplete();
    }

    public override void OnPeerDisconnected(NodeKey peer) => LeadWhenComplete();

    private bool LeadWhenComplete()
    {
        foreach (Member member in Node.Configuration!.Members)
            if (member.Key != Node.Self && !_present.Contains(member.Key) && !(KnowsEnough && Node.HasHungUp(member.Key)))
                return false;
        Core.TakeLead();
        return true;
    }

    private void Ask()
    {
        _askAgainMs = Node.NowMs + Math.Max(1, Node.Options.HeartbeatIntervalMs / 4);
        foreach (Member member in Node.Configuration!.Members)
            if (member.Key != Node.Self && !_present.Contains(member.Key))
                Node.Send(new PreVoteRequest(Node.Self, member.Key, Node.NextTerm, Node.Log.Last, Node.Standing));
    }
}
