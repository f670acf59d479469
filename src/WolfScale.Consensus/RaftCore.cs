namespace WolfScale.Consensus;

/// <summary>
/// The pure Raft core of one node: inputs in, effects out. No clock, thread, socket, file or randomness of its own. Not thread-safe: one caller at a time,
/// who executes all effects of a call, in order, before the next call.
/// </summary>
public sealed class RaftCore
{
    /// <exception cref="ArgumentException">What was restored contradicts itself.</exception>
    public RaftCore(RaftOptions options, NodeKey self, RestoredState restored, ILogView log, Random random) => throw new NotSupportedException("not built yet");

    public NodeKey Self => throw new NotSupportedException("not built yet");

    public RaftRole Role => throw new NotSupportedException("not built yet");

    public long Term => throw new NotSupportedException("not built yet");

    /// <summary>The leader of <see cref="Term"/>, when known.</summary>
    public NodeKey? Leader => throw new NotSupportedException("not built yet");

    public long CommitLsn => throw new NotSupportedException("not built yet");

    /// <summary>Where the log ends, durable or not.</summary>
    public LogPosition Last => throw new NotSupportedException("not built yet");

    /// <summary>This node leads and may open for writes (rule C3).</summary>
    public bool MayServe => throw new NotSupportedException("not built yet");

    /// <summary>The configuration in force; null on a node that waits to be joined.</summary>
    public Configuration? Configuration => throw new NotSupportedException("not built yet");

    /// <summary>When <see cref="Tick"/> wants to be called next, at the latest. Changes with every call.</summary>
    public long NextDeadlineMs => throw new NotSupportedException("not built yet");

    public CoreStatus Status() => throw new NotSupportedException("not built yet");

    /// <summary>Time has passed. To be called at <see cref="NextDeadlineMs"/>; earlier or more often does no harm.</summary>
    public void Tick(long nowMs, IEffects effects) => throw new NotSupportedException("not built yet");

    /// <summary>A message has arrived; it may be late, doubled, out of order or for somebody else.</summary>
    public void Receive(long nowMs, Message message, IEffects effects) => throw new NotSupportedException("not built yet");

    /// <summary>
    /// Gives LSNs to a batch. When accepted, the host appends the batch with these LSNs and this term to its log first, then executes the effects.
    /// </summary>
    /// <param name="entries">Number of entries, at least 1.</param>
    /// <param name="bytes">Size on the wire.</param>
    /// <param name="expectedTerm">The term the batch was captured in; refused in any other.</param>
    public ProposeOutcome Propose(int entries, int bytes, long expectedTerm, IEffects effects) => throw new NotSupportedException("not built yet");

    /// <summary>Changes the membership by one entry in the log.</summary>
    public ConfigurationOutcome ProposeConfiguration(ConfigurationChange change, IEffects effects) => throw new NotSupportedException("not built yet");

    /// <summary>Hands the lead to <paramref name="to"/>, or to the best fit voter when null (thesis §3.10).</summary>
    public TransferResult TransferLeadership(long nowMs, NodeKey? to, IEffects effects) => throw new NotSupportedException("not built yet");

    /// <summary>Says whether this node could open for service now (rules C3, C4).</summary>
    public void SetFitness(Fitness fitness, IEffects effects) => throw new NotSupportedException("not built yet");

    /// <summary>The log is durable up to <paramref name="lsn"/>, a batch boundary.</summary>
    /// <param name="generation">The truncation counter when the sync began; a stale one is ignored.</param>
    public void LogDurable(long lsn, long generation, IEffects effects) => throw new NotSupportedException("not built yet");

    /// <summary>
    /// Begins a strong read: finds the commit LSN and confirms, by a round of messages to a majority that starts after this call, that nobody else leads (thesis §6.4).
    /// </summary>
    /// <param name="context">The host's number for it, handed back.</param>
    public ReadIndexResult BeginReadIndex(long context, IEffects effects) => throw new NotSupportedException("not built yet");
}
