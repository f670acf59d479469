using System.Collections.Immutable;

namespace WolfScale.Consensus;

/// <summary>
/// The pure Raft core of one node: inputs in, effects out. No clock, thread, socket, file or randomness of its own. Not thread-safe: one
/// caller at a time, who executes all effects of a call, in order, before the next call.
/// <code>
///   Tick · Receive · Propose · LogDurable …                       effects, in order
///        │                                                              ▲
///        ▼                                                              │
///   RaftCore ── who is it for, which term ──▶ RoleState (one per role and term) ──▶ NodeContext (term, vote, log, commit)
///        └── (pre-)vote requests ──▶ Ballot        Follower · PreCandidate · Candidate · Leader
/// </code>
/// </summary>
public sealed partial class RaftCore
{
    /// <exception cref="ArgumentException">What was restored contradicts itself.</exception>
    public RaftCore(RaftOptions options, NodeKey self, RestoredState restored, ILogView log, Random random)
    {
        Node = new NodeContext(options, self, restored, log, random);
        _ballot = new Ballot(Node);
        _role = new FollowerState(this);
        _announced = new Effect.RoleChanged(RaftRole.Follower, Node.Term, null, MayServe: false);
    }

    public NodeKey Self => Node.Self;

    public RaftRole Role => _role.Role;

    public long Term => Node.Term;

    /// <summary>The leader of <see cref="Term"/>, when known.</summary>
    public NodeKey? Leader => Node.Leader;

    public long CommitLsn => Node.CommitLsn;

    /// <summary>Where the log ends, durable or not.</summary>
    public LogPosition Last => Node.Log.Last;

    /// <summary>This node leads and may open for writes (rule C3).</summary>
    public bool MayServe => Role == RaftRole.Leader && Node.Standing.MayServe;

    /// <summary>The configuration in force; null on a node that waits to be joined.</summary>
    public Configuration? Configuration => Node.Configuration;

    /// <summary>When <see cref="Tick"/> wants to be called next, at the latest. Changes with every call.</summary>
    public long NextDeadlineMs => Transfer is { } transfer ? Math.Min(_role.NextDeadlineMs, transfer.DeadlineMs) : _role.NextDeadlineMs;

    public CoreStatus Status() => new(
        Self, Role, Term, Node.HardState.Vote, Leader, MayServe, Node.Standing, CommitLsn, Last, Node.DurableLsn,
        Node.Configuration, Node.Configurations.ActiveLsn, Transfer?.Target,
        _role is LeaderState leader ? leader.PeerStatuses() : ImmutableArray<PeerStatus>.Empty);

    /// <summary>Time has passed. To be called at <see cref="NextDeadlineMs"/>; earlier or more often does no harm.</summary>
    public void Tick(long nowMs, IEffects effects)
    {
        Node.BeginCall(nowMs, effects);
        if (!_started)
            Start();
        EndTransferWhenOver();
        _role.Tick();
        Node.FlushHardState();
    }

    /// <summary>A message has arrived; it may be late, doubled, out of order or for somebody else.</summary>
    public void Receive(long nowMs, Message message, IEffects effects)
    {
        Node.BeginCall(nowMs, effects);
        if (!_started)
            Start();

        // Rule C1: what was meant for an earlier life of this data directory is not for this one.
        if (!Identity.IsSame(message.To, Self))
            return;
        Node.Heard(message.From);
        Dispatch(message);
        EndTransferWhenOver();
        Node.FlushHardState();
    }

    /// <summary>
    /// The last connection from <paramref name="peer"/> has ended: most often because its process has. A hint and no more: an election begun on it
    /// needs the same votes as any other.
    /// </summary>
    public void PeerDisconnected(long nowMs, NodeKey peer, IEffects effects)
    {
        Node.BeginCall(nowMs, effects);
        if (!_started)
            Start();
        Node.HungUp(peer);
        _role.OnPeerDisconnected(peer);
        Node.FlushHardState();
    }

    /// <summary><paramref name="peer"/> has connected: it lives. Takes back what <see cref="PeerDisconnected"/> has made this node believe.</summary>
    public void PeerConnected(long nowMs, NodeKey peer, IEffects effects)
    {
        Node.BeginCall(nowMs, effects);
        if (!_started)
            Start();
        Node.Heard(peer);
        _role.OnPeerConnected(peer);
        Node.FlushHardState();
    }

    /// <summary>
    /// Gives LSNs to a batch. When accepted, the host appends the batch with these LSNs and this term to its log first, then executes the
    /// effects.
    /// </summary>
    /// <param name="entries">Number of entries, at least 1.</param>
    /// <param name="bytes">Size on the wire.</param>
    /// <param name="expectedTerm">The term the batch was captured in; refused in any other.</param>
    /// <param name="effects">Where the effects go.</param>
    public ProposeOutcome Propose(int entries, int bytes, long expectedTerm, IEffects effects)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(entries, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Node.BeginCall(effects);
        return _role is LeaderState leader && Term == expectedTerm
            ? leader.Propose(entries, bytes)
            : new ProposeOutcome(ProposeResult.NotLeader, 0, Term);
    }

    /// <summary>Changes the membership by one entry in the log.</summary>
    public ConfigurationOutcome ProposeConfiguration(ConfigurationChange change, IEffects effects)
    {
        Node.BeginCall(effects);
        return _role is LeaderState leader
            ? leader.ProposeConfiguration(change)
            : new ConfigurationOutcome(ConfigurationResult.NotLeader, 0);
    }

    /// <summary>Hands the lead to <paramref name="to"/>, or to the best fit voter when null (thesis §3.10).</summary>
    public TransferResult TransferLeadership(long nowMs, NodeKey? to, IEffects effects)
    {
        Node.BeginCall(nowMs, effects);
        return _role is LeaderState leader ? leader.BeginTransfer(to) : TransferResult.NotLeader;
    }

    /// <summary>Says whether this node could open for service now (rules C3, C4).</summary>
    public void SetFitness(Fitness fitness, IEffects effects)
    {
        Node.BeginCall(effects);
        if (!Node.SetFitness(fitness))
            return;
        AnnounceRole();
        _role.OnStandingChanged();
    }

    /// <summary>The log is durable up to <paramref name="lsn"/>, a batch boundary.</summary>
    /// <param name="lsn">The last durable LSN.</param>
    /// <param name="generation">The truncation counter when the sync began; a stale one is ignored.</param>
    /// <param name="effects">Where the effects go.</param>
    public void LogDurable(long lsn, long generation, IEffects effects)
    {
        Node.BeginCall(effects);
        if (Node.RecordDurable(lsn, generation))
            _role.OnDurable();
    }

    /// <summary>
    /// Begins a strong read: finds the commit LSN and confirms, by a round of messages to a majority that starts after this call, that
    /// nobody else leads (thesis §6.4).
    /// </summary>
    /// <param name="context">The host's number for it, handed back.</param>
    /// <param name="effects">Where the effects go.</param>
    public ReadIndexResult BeginReadIndex(long context, IEffects effects)
    {
        Node.BeginCall(effects);
        return _role is LeaderState leader ? leader.BeginReadIndex(context) : ReadIndexResult.NotLeader;
    }
}
