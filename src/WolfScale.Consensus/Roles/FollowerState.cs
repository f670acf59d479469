namespace WolfScale.Consensus;

/// <summary>
/// Follows the leader of a term, or waits for one to appear. Learners and nodes outside the configuration are followers that never lose
/// patience.
/// </summary>
internal sealed class FollowerState(RaftCore core) : RoleState(core)
{
    private readonly LogReceiver _receiver = new(core.Node);
    private bool _hasWaited; // once, since the leader was heard: who always is late must not wait for ever

    public override RaftRole Role => RaftRole.Follower;

    /// <summary>
    /// Mode "available": the log with which this node has asked its leader to step aside, in this term and since it was started. Null: it has not.
    /// </summary>
    public LogPosition? AskedWith { get; private set; }

    public override void Tick()
    {
        if (Node.NowMs < Node.ElectionDeadlineMs)
            return;
        if (!_hasWaited && Node.Leader is not null && Node.LeaderHeardMs != NodeContext.Never && Node.StoodStill(Node.ElectionDeadlineMs)) // not where its connection has ended: that was no silence
        {
            _hasWaited = true;
            Node.ElectionDeadlineMs = Node.NowMs + Node.Options.HeartbeatIntervalMs;
            return;
        }

        if (Node.MayCampaign)
        {
            Core.Campaign();
            return;
        }

        // Who has no vote can only stop believing in the leader.
        Node.Leader = null;
        Node.RestartElectionTimer();
        Core.AnnounceRole();
    }

    public override void OnAppendRequest(AppendRequest request)
    {
        if (Node.Leader is { } leader && leader != request.From)
        {
            Node.Alarm($"both {leader} and {request.From} claim to lead (Raft §5.2, election safety)");
            return;
        }

        Node.Leader = request.From;
        Node.LeaderHeardMs = Node.NowMs;
        _hasWaited = false;
        Node.RestartElectionTimer();
        Core.AnnounceRole();
        _receiver.Receive(request);
    }

    public override void OnTimeoutNow(TimeoutNow request)
    {
        // Thesis §3.10. A node that meanwhile became unfit lets the transfer run into its time limit (rule C3).
        if (Node.Leader != request.From || !Node.IsVoter || !Node.Standing.MayServe)
            return;
        AskedWith = Node.Log.Last;
        if (Node.IsAvailable)
            Node.Send(new VoteRequest(Node.Self, request.From, Node.NextTerm, Node.Log.Last, Node.Standing, LeaderTransfer: true));
        else
            Core.BecomeCandidate(leaderTransfer: true);
    }

    /// <summary>
    /// A leader whose connection ends is not protected any longer, and has as long as it takes to dial again before this node asks for votes: a
    /// process that dies need not be waited for like one that is silent. If it lives after all, the others refuse (thesis §9.6).
    /// </summary>
    public override void OnPeerDisconnected(NodeKey peer)
    {
        if (Node.Leader != peer)
            return;
        Node.LeaderHeardMs = NodeContext.Never;
        long redialled = Node.NowMs + Node.DrawRedialMs();
        // Whoever stood still hears of connections that he has given up himself meanwhile: the deadline that has passed leaves no time to dial again.
        Node.ElectionDeadlineMs = Node.StoodStill(Node.ElectionDeadlineMs) ? redialled : Math.Min(Node.ElectionDeadlineMs, redialled);
    }

    /// <summary>A leader that has only lost its connections dials again at once, and its next heartbeat may be a whole interval away.</summary>
    public override void OnPeerConnected(NodeKey peer)
    {
        if (Node.Leader != peer)
            return;
        Node.LeaderHeardMs = Node.NowMs;
        _hasWaited = false;
        Node.RestartElectionTimer();
    }

    public override void OnDurable() => _receiver.OnDurable();

    public override void OnStandingChanged()
    {
        if (Node.Leader is not null)
            _receiver.Acknowledge();
    }
}
