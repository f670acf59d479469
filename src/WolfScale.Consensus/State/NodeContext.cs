namespace WolfScale.Consensus;

/// <summary>
/// What a node knows whatever its role: its hard state, log, configuration and commit LSN, and where effects go. Roles come and go; this
/// stays.
/// </summary>
internal sealed class NodeContext
{
    /// <summary>A time before all others, far enough from the end of the numbers to be calculated with.</summary>
    public const long Never = long.MinValue / 2;

    private readonly HashSet<NodeKey> _hungUp = [];
    private bool _hardStateDirty;

    public NodeContext(RaftOptions options, NodeKey self, RestoredState restored, ILogView log, Random random)
    {
        Options = options;
        Self = self;
        Random = random;
        Log = new CoreLog(log);
        HardState = restored.HardState;
        if (Log.Last.Term > HardState.Term)
        {
            throw new ArgumentException(
                $"the log of {self} ends in term {Log.Last.Term}, its saved term is {HardState.Term}: the saved vote is older than the "
                + "log, and a node that forgets a vote may vote twice. Restore the state database, or let the node join again with an "
                + "empty data directory.",
                nameof(restored));
        }

        Configurations = new ConfigurationHistory(restored.Configurations);
        // Whatever was pruned was committed before.
        CommitLsn = Math.Clamp(restored.CommitLsn, Log.First.Lsn, Log.Last.Lsn);
        if (!IsAvailable)
            Configurations.Committed(CommitLsn);
        DurableLsn = Math.Min(restored.DurableLsn ?? long.MaxValue, Log.Last.Lsn);
        Generation = restored.Generation;
    }

    public RaftOptions Options { get; }

    public NodeKey Self { get; }

    public Random Random { get; }

    public CoreLog Log { get; }

    public ConfigurationHistory Configurations { get; }

    public Configuration? Configuration => Configurations.Active;

    public HardState HardState { get; private set; }

    public long Term => HardState.Term;

    /// <summary>The highest commit LSN this node knows of; on a follower never above its own durable LSN.</summary>
    public long CommitLsn { get; private set; }

    /// <summary>Up to here the log survives a crash.</summary>
    public long DurableLsn { get; private set; }

    /// <summary>Number of truncations so far.</summary>
    public long Generation { get; private set; }

    public Fitness Fitness { get; private set; }

    /// <summary>Whether this node has been fit since it was started: before that, unfit may only mean that its server was not looked at yet.</summary>
    public bool WasFit { get; private set; }

    /// <summary>Rule C5: the mode stands in the log. A node that waits to be joined has none yet, and takes no decisions that depend on it.</summary>
    public bool IsAvailable => Configuration is { Mode: ClusterMode.Available };

    /// <summary>The term that this node would start.</summary>
    public long NextTerm => IsAvailable ? Epoch.Next(Term, Self) : Term + 1;

    /// <summary>Mode "available": since it was started this node has led, or has held and committed what a leader began its term with.</summary>
    public bool IsInStep { get; set; }

    /// <summary>The host's clock at the first call.</summary>
    public long StartedMs { get; set; }

    /// <summary>The host's clock at the latest call that brought it.</summary>
    public long NowMs { get; private set; }

    /// <summary>The leader of the current term, when known.</summary>
    public NodeKey? Leader { get; set; }

    /// <summary>When that leader was last heard.</summary>
    public long LeaderHeardMs { get; set; } = Never;

    /// <summary>When this node loses patience, if nothing happens before.</summary>
    public long ElectionDeadlineMs { get; set; }

    /// <summary>Where the effects of the current call go.</summary>
    public IEffects Effects { get; private set; } = null!;

    /// <summary>
    /// Whether a call for a deadline comes so late that this node itself stood still (overload, a virtual machine that was suspended, one machine under all nodes). What was sent to it meanwhile lies unread, so
    /// that others' silence says nothing until it has been read.
    /// </summary>
    public bool StoodStill(long deadlineMs) => NowMs - deadlineMs >= Options.HeartbeatIntervalMs / 2;

    public bool IsVoter => Configuration?.IsVoter(Self) ?? false;

    /// <summary>
    /// Whether this node may stand for election: it has a vote, or had one until an entry that is not known to be committed took it away.
    /// Such a node may be the only one that can win (thesis §4.2.2): it has that entry, the others do not, and they need its vote. It does
    /// not count itself, and leads only to finish the change.
    /// </summary>
    public bool MayCampaign => IsAvailable ? IsVoter : Configurations.AnyHasVoter(Self);

    /// <summary>Without a vote in the active configuration a node stands last, like one that cannot serve.</summary>
    public Standing Standing =>
        Configuration?.Find(Self) is { } member
            ? new Standing(member.IsVoter ? Fitness : Fitness.Unfit, member.NeverLeader, member.Witness)
            : default;

    /// <returns>Whether that is news.</returns>
    public bool SetFitness(Fitness fitness)
    {
        WasFit |= fitness == Fitness.Fit;
        if (Fitness == fitness)
            return false;
        Fitness = fitness;
        return true;
    }

    public void BeginCall(IEffects effects)
    {
        Effects = effects;
        Log.BeginCall();
    }

    public void BeginCall(long nowMs, IEffects effects)
    {
        NowMs = Math.Max(NowMs, nowMs);
        BeginCall(effects);
    }

    /// <summary>Adds an effect that the world can see: what it promises must be durable before it (Raft §5.1).</summary>
    public void Emit(Effect effect)
    {
        FlushHardState();
        Effects.Add(effect);
    }

    public void Send(Message message) => Emit(new Effect.Send(message));

    /// <summary>Enters a later term, with nobody voted for yet.</summary>
    public void EnterTerm(long term)
    {
        HardState = new HardState(term, null);
        Leader = null;
        _hardStateDirty = true;
    }

    public void CastVote(NodeKey candidate)
    {
        HardState = HardState with { Vote = candidate };
        _hardStateDirty = true;
    }

    /// <summary>Every call ends with this: a term seen is a term remembered.</summary>
    public void FlushHardState()
    {
        if (!_hardStateDirty)
            return;
        _hardStateDirty = false;
        Effects.Add(new Effect.PersistHardState(Rules.PersistVote ? HardState : HardState with { Vote = null }));
    }

    /// <summary>Adds to the log as the core sees it; the effect that makes it real is the caller's.</summary>
    public void Append(BatchInfo batch)
    {
        Log.Append(batch);
        if (batch.Configuration is not null)
            Configurations.Append(batch.FirstLsn, batch.Configuration);
    }

    public void Truncate(long lastKeptLsn)
    {
        if (IsAvailable)
            Discard(lastKeptLsn);
        Log.TruncateAfter(lastKeptLsn);
        Generation++;
        DurableLsn = Math.Min(DurableLsn, lastKeptLsn);
        Emit(new Effect.Truncate(lastKeptLsn, Generation));
        if (Rules.RevertTruncatedConfiguration && Configurations.TruncateAfter(lastKeptLsn) && Configuration is { } active)
            Emit(new Effect.ConfigurationChanged(active, Configurations.ActiveLsn));
    }

    /// <summary>
    /// Rule C5. Not only what this node knows to be committed: a node that was restarted does not know what it has acknowledged before.
    /// </summary>
    private void Discard(long lastKeptLsn)
    {
        CommitLsn = Math.Min(CommitLsn, lastKeptLsn);
        if (Rules.DiscardsAreReported)
            Emit(new Effect.Discarding(lastKeptLsn, Log.Last.Lsn, CommitLsn));
    }

    /// <returns>Whether more is durable than before.</returns>
    public bool RecordDurable(long lsn, long generation)
    {
        if (Rules.IgnoreStaleSyncs && generation != Generation)
            return false;
        lsn = Math.Min(lsn, Log.Last.Lsn);
        if (lsn <= DurableLsn)
            return false;
        DurableLsn = lsn;
        return true;
    }

    public void AdvanceCommit(long lsn)
    {
        CommitLsn = lsn;
        if (!IsAvailable)
            Configurations.Committed(lsn); // what is committed may still be taken back in mode "available", and its configuration with it
        Emit(new Effect.CommitAdvanced(lsn));
    }

    /// <summary>Nothing connects that node with this one.</summary>
    public void HungUp(NodeKey peer) => _hungUp.Add(peer);

    public void Heard(NodeKey peer)
    {
        if (_hungUp.Count > 0)
            _ = _hungUp.Remove(peer);
    }

    public bool HasHungUp(NodeKey peer) => _hungUp.Contains(peer);

    /// <summary>Draws a new election timeout from now on.</summary>
    public void RestartElectionTimer(bool retry = false) =>
        ElectionDeadlineMs = NowMs + ElectionPolicy.DrawTimeoutMs(Options, Configuration, Self, Standing, Random, retry);

    /// <summary>How long a leader whose connection has ended may take to dial again before this node stands for election.</summary>
    public long DrawRedialMs() => ElectionPolicy.DrawRedialMs(Options, Configuration, Self, Standing, Random);

    public void Alarm(string what) => Emit(new Effect.SafetyAlarm($"{Self} in term {Term}: {what}"));
}
