namespace WolfScale.Consensus;

/// <summary>A leader that hands over: because it was asked to (thesis §3.10), or because it cannot serve (rule C3).</summary>
internal sealed partial class LeaderState
{
    /// <summary>Targets that did not take the lead when this unfit leader offered it; tried again when all have been tried.</summary>
    private readonly HashSet<NodeKey> _handoverTried = [];
    private long? _timeoutNowSentMs;
    private long _firstLookUntilMs;

    /// <summary>Where the configuration stands with which a cluster begins.</summary>
    private const long FoundingLsn = 1;

    public TransferResult BeginTransfer(NodeKey? to)
    {
        if (to == Node.Self)
            return TransferResult.AlreadyLeader;
        if (Core.Transfer is not null)
            return TransferResult.InProgress;
        _handoverTried.Clear();
        PeerProgress? target = to is { } key ? FindPeer(key) : BestCandidate(mustBeComplete: false);
        if (target is null)
            return to is null ? TransferResult.NoCandidate : TransferResult.NotAVoter;
        if (!target.Member.IsVoter)
            return TransferResult.NotAVoter;
        if (!IsResponding(target))
            return TransferResult.NotResponding;
        if (!MayLead(target))
            return TransferResult.MayNotServe;
        StartTransfer(target);
        return TransferResult.Started;
    }

    /// <summary>Sends TimeoutNow as soon as the target has the whole log, and again with every heartbeat until the transfer ends.</summary>
    private void ContinueTransfer()
    {
        if (Core.Transfer is not { } transfer || FindPeer(transfer.Target) is not { } target)
            return;
        if (!MayLead(target))
        {
            // It would ignore TimeoutNow. Nobody needs to wait for that.
            Core.EndTransfer(succeeded: false, "it has become unfit to serve; this node goes on leading");
            return;
        }

        if (target.MatchLsn != Node.Log.Last.Lsn)
            return;
        if (_timeoutNowSentMs is { } sent && Node.NowMs - sent < Node.Options.HeartbeatIntervalMs)
            return;
        _timeoutNowSentMs = Node.NowMs;
        Node.Send(new TimeoutNow(Node.Self, target.Key, Node.Term));
    }

    /// <summary>
    /// Rule C3: a leader that cannot serve commits its no-op, waits until a fit voter has the whole log, and hands over. It never opens, so
    /// its log does not grow and the fit node does catch up.
    /// </summary>
    private void ConsiderHandover()
    {
        if (!Rules.UnfitHandsOver || Core.Role != RaftRole.Leader || Core.MayServe || Core.Transfer is not null || !OwnTermCommitted || AwaitsFirstLook)
            return;
        PeerProgress? target = BestCandidate(mustBeComplete: true);
        if (target is null && _handoverTried.Count > 0)
        {
            _handoverTried.Clear();
            return; // the next answer or heartbeat begins a new round
        }

        if (target is null)
        {
            StepDownWithoutVote();
            return;
        }

        _ = _handoverTried.Add(target.Key);
        StartTransfer(target);
    }

    /// <summary>
    /// The founder of a cluster leads, with the no-op right after the founding configuration, before it can know how its server stands. It keeps the
    /// lead for as long as it takes to find out, within a bound: the others have no better claim, and a lead that moves at once is no predictable one.
    /// </summary>
    private bool AwaitsFirstLook =>
        _termStartLsn == FoundingLsn + 1 && !Node.WasFit && Node.IsVoter && Node.Standing is { NeverLeader: false, Witness: false } && Node.NowMs < _firstLookUntilMs;

    /// <summary>
    /// Thesis §4.2.2: a leader whose vote the configuration has taken away leads until that is committed, and no longer.
    /// </summary>
    private void StepDownWithoutVote()
    {
        if (!Node.IsVoter && Node.Configurations.ActiveLsn <= Node.CommitLsn)
            Core.BecomeFollower(Node.Term, leader: null);
    }

    private void StartTransfer(PeerProgress target)
    {
        _timeoutNowSentMs = null;
        Core.Transfer = new LeaderTransfer(target.Key, Node.Term, Node.NowMs + Node.Options.TransferTimeoutMs);
        _sender.SendTo(target);
        ContinueTransfer();
    }

    /// <summary>The best-placed voter that could take over: peers are sorted by key, so the first one that qualifies.</summary>
    private PeerProgress? BestCandidate(bool mustBeComplete)
    {
        foreach (PeerProgress peer in _peers)
        {
            if (peer.Member.IsVoter && MayLead(peer) && IsResponding(peer) && !_handoverTried.Contains(peer.Key)
                && (!mustBeComplete || peer.MatchLsn == Node.Log.Last.Lsn))
                return peer;
        }

        return null;
    }

    private bool IsResponding(PeerProgress peer) => peer.HeardSince(Node.NowMs - Node.Options.ElectionTimeoutMinMs);

    /// <summary>By what it last reported, and by what the configuration says now.</summary>
    private static bool MayLead(PeerProgress peer) => peer.Standing.MayServe && !peer.Member.NeverLeader && !peer.Member.Witness;
}
