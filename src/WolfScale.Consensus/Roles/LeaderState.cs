using System.Collections.Immutable;

namespace WolfScale.Consensus;

/// <summary>
/// Leads one term: replicates, counts, commits. This file: beginning, time, answers, commit. The others: proposals and membership, strong
/// reads, hand-over.
/// </summary>
internal sealed partial class LeaderState : RoleState
{
    private readonly ReadIndexQueue _reads = new();
    private readonly InflightWindow _uncommitted = new();
    private readonly LogSender _sender;
    private PeerProgress[] _peers = [];

    /// <summary>LSN of this term's no-op: an entry is of this term exactly when it is not before it.</summary>
    private long _termStartLsn;
    private long _nextHeartbeatMs;
    private bool _hasWaited; // for answers that lay unread; not twice in a row

    /// <summary>
    /// When members that still have not heard of the latest commit LSN are told; <see cref="long.MaxValue"/> when all have.
    /// </summary>
    private long _commitUpdateMs = long.MaxValue;

    public LeaderState(RaftCore core)
        : base(core) => _sender = new LogSender(Node, _reads);

    public override RaftRole Role => RaftRole.Leader;

    public override long NextDeadlineMs => Math.Min(_nextHeartbeatMs, _commitUpdateMs);

    /// <summary>The commit LSN is this leader's own finding, not hearsay: an entry of its term is committed.</summary>
    private bool OwnTermCommitted => Node.CommitLsn >= _termStartLsn;

    public void Begin()
    {
        _nextHeartbeatMs = Node.NowMs + Node.Options.HeartbeatIntervalMs;
        _firstLookUntilMs = Node.NowMs + Node.Options.ElectionTimeoutMaxMs;
        RebuildPeers();

        // Raft §8: a no-op of the new term at once, because older entries are committed only together with one of the own term (§5.4.2).
        var noOp = new BatchInfo(Node.Log.Last.Lsn + 1, Node.Log.Last.Lsn + 1, Node.Term, NoOpBytes);
        _termStartLsn = noOp.FirstLsn;
        AppendOwn(noOp);

        // Announced once the no-op stands in the log: whoever is told that this node leads finds its term there.
        Core.AnnounceRole();
        foreach (PeerProgress peer in _peers)
            _sender.SendTo(peer);
        AdvanceCommit();
    }

    public override void Tick()
    {
        if (Node.NowMs >= _commitUpdateMs)
            SendCommitUpdates();
        if (Node.NowMs < _nextHeartbeatMs)
            return;
        bool heard = HeardMajority();
        _hasWaited = !heard && !_hasWaited && Node.StoodStill(_nextHeartbeatMs);
        _nextHeartbeatMs = Node.NowMs + Node.Options.HeartbeatIntervalMs;
        if (!heard && !_hasWaited)
        {
            // Thesis §6.2: a leader without a majority steps down, so that nobody waits for it in vain.
            Core.BecomeFollower(Node.Term, leader: null);
            return;
        }

        foreach (PeerProgress peer in _peers)
            _sender.SendEmpty(peer, answerNow: true);

        ContinueTransfer();
        ConsiderHandover();
    }

    public override void OnAppendRequest(AppendRequest request) =>
        Node.Alarm($"{request.From} claims to lead as well (Raft §5.2, election safety)");

    public override void OnAppendResponse(AppendResponse response)
    {
        // Rule C1: only this incarnation of a member of this configuration counts.
        if (FindPeer(response.From) is not { } peer)
            return;
        if (response.MatchLsn > Node.Log.Last.Lsn)
        {
            Node.Alarm($"{response.From} acknowledges LSN {response.MatchLsn}, this leader's log ends at {Node.Log.Last}");
            return;
        }

        peer.LastHeardMs = Node.NowMs;
        peer.EverHeard = true;
        peer.Standing = response.Standing;
        peer.ReadIndexContext = Math.Max(peer.ReadIndexContext, response.ReadIndexContext);
        _sender.OnResponse(peer, response);
        AdvanceCommit();
        ConfirmReads();
        _sender.SendTo(peer);
        ContinueTransfer();
        ConsiderHandover();
    }

    public override void OnDurable() => AdvanceCommit();

    public override void OnStandingChanged() => ConsiderHandover();

    public override void OnLeave() => _reads.Abort(Node);

    public ImmutableArray<PeerStatus> PeerStatuses() =>
    [
        .. _peers.Select(peer => new PeerStatus(
            peer.Key, peer.State, peer.MatchLsn, peer.NextLsn, peer.Inflight.Count, peer.Inflight.Bytes,
            peer.EverHeard ? peer.LastHeardMs : long.MinValue, peer.Standing)),
    ];

    /// <summary>
    /// Commits what is durable on a majority (Raft §5.3), if it is of this term (§5.4.2: figure 8 shows an entry of an older term that a
    /// majority holds and that is overwritten all the same). The next batches tell the others; where there are none soon, an empty message
    /// does.
    /// </summary>
    private void AdvanceCommit()
    {
        long own = Rules.AcknowledgeDurableOnly ? Node.DurableLsn : Node.Log.Last.Lsn;
        // In mode "available" the leader's own disk is all that counts (rule C5).
        long lsn = Node.IsAvailable ? own : MajorityValue(Node.CommitLsn, own, static peer => peer.MatchLsn);
        if (lsn <= Node.CommitLsn || (Rules.CommitOwnTermOnly && lsn < _termStartLsn))
            return;
        _uncommitted.FreeThrough(lsn);
        Node.AdvanceCommit(lsn);
        BeginEarlyReads();
        if (_peers.Length > 0)
            _commitUpdateMs = Math.Min(_commitUpdateMs, Node.NowMs + Node.Options.CommitUpdateDelayMs);
        if (Node.Options.CommitUpdateDelayMs == 0)
            SendCommitUpdates();
        ConsiderHandover();
    }

    private void SendCommitUpdates()
    {
        _commitUpdateMs = long.MaxValue;
        foreach (PeerProgress peer in _peers)
            if (WaitsForCommit(peer))
                _sender.SendEmpty(peer, answerNow: false);
    }

    private bool EveryoneKnowsCommit()
    {
        foreach (PeerProgress peer in _peers)
            if (WaitsForCommit(peer))
                return false;
        return true;
    }

    private bool WaitsForCommit(PeerProgress peer) => peer.State == ReplicationState.Replicate && peer.SentCommitLsn < Node.CommitLsn;

    /// <summary>Check-quorum; in mode "available" a leader needs nobody.</summary>
    private bool HeardMajority()
    {
        if (Node.IsAvailable)
            return true;
        long since = Node.NowMs - Node.Options.ElectionTimeoutMaxMs;
        return MajorityValue(Node.NowMs, Node.NowMs, static peer => peer.LastHeardMs) >= since;
    }

    /// <summary>What a majority of the voters has reached, this node counted with <paramref name="own"/>.</summary>
    /// <param name="none">The answer of a configuration without voters.</param>
    private long MajorityValue(long none, long own, Func<PeerProgress, long> of)
    {
        Span<long> reached = stackalloc long[_peers.Length + 1];
        int count = 0;
        if (Node.IsVoter)
            reached[count++] = own;
        foreach (PeerProgress peer in _peers)
            if (Identity.IsVoter(peer.Member))
                reached[count++] = of(peer);
        return count == 0 ? none : QuorumArithmetic.MajorityValue(reached[..count]);
    }

    private PeerProgress? FindPeer(NodeKey key)
    {
        foreach (PeerProgress peer in _peers)
            if (Identity.IsSame(peer.Key, key))
                return peer;
        return null;
    }

    /// <summary>Follows the configuration in force: keeps what is known of members that stay.</summary>
    private void RebuildPeers()
    {
        var peers = new List<PeerProgress>();
        foreach (Member member in Node.Configuration!.Members)
        {
            if (member.Key == Node.Self)
                continue;
            PeerProgress? known = Array.Find(_peers, peer => peer.Key == member.Key);
            if (known is not null)
                known.Member = member;
            peers.Add(known ?? new PeerProgress(member, Node.Log.Last.Lsn + 1, Node.NowMs));
        }

        _peers = [.. peers];
    }
}
