namespace WolfScale.Consensus;

/// <summary>
/// The rules whose loss would lose data, by name. They are constants: the compiler folds every test of them away. The mutation tests
/// compile this project's sources a second time with a switchable twin of this file, take out one rule at a time, and demand that the
/// simulator notices.
/// </summary>
internal static class Rules
{
    /// <summary>Raft §5.1, figure 2: term and vote are durable before an answer leaves.</summary>
    public const bool PersistVote = true;

    /// <summary>Raft §5.4.1: a vote goes only to a log at least as complete as the voter's.</summary>
    public const bool ElectionRestriction = true;

    /// <summary>Raft §5.3: entries are accepted only after a position on which both logs agree.</summary>
    public const bool LogMatching = true;

    /// <summary>Raft §5.4.2, figure 8: only an entry of the leader's own term is committed by counting.</summary>
    public const bool CommitOwnTermOnly = true;

    /// <summary>
    /// Raft §5.1: a member acknowledges what is durable, and the leader counts itself no earlier either (thesis §10.2.1).
    /// </summary>
    public const bool AcknowledgeDurableOnly = true;

    /// <summary>A sync that began before a truncation says nothing about what was appended after it.</summary>
    public const bool IgnoreStaleSyncs = true;

    /// <summary>Rule C1: votes and acknowledgements count per incarnation.</summary>
    public const bool CountPerIncarnation = true;

    /// <summary>Rule C1: configuration changes wait for a committed entry of the current term.</summary>
    public const bool ConfigurationWaitsForOwnTerm = true;

    /// <summary>Thesis §4.1: one configuration change at a time.</summary>
    public const bool OneConfigurationAtATime = true;

    /// <summary>Thesis §4.1: a truncated configuration entry takes its configuration with it.</summary>
    public const bool RevertTruncatedConfiguration = true;

    /// <summary>Thesis §4.2.1: a learner counts for nothing.</summary>
    public const bool LearnersDoNotCount = true;

    /// <summary>Thesis §6.4: a strong read waits for a round of messages that began after it.</summary>
    public const bool ReadIndexRound = true;

    /// <summary>Thesis §6.4: a new leader does not know the commit LSN before an entry of its own term is committed.</summary>
    public const bool ReadIndexWaitsForOwnTerm = true;

    /// <summary>Rule C3: a leader that cannot serve takes no writes.</summary>
    public const bool UnfitNeverServes = true;

    /// <summary>Rule C3: a leader that cannot serve hands over.</summary>
    public const bool UnfitHandsOver = true;

    /// <summary>Mode "available": an epoch names the node that took it, so no two nodes lead in one.</summary>
    public const bool EpochsNameTheirLeader = true;

    /// <summary>Mode "available": whatever is cut off may have been acknowledged, and is handed to the host before.</summary>
    public const bool DiscardsAreReported = true;

    /// <summary>Mode "available": the committed prefix can be another one than the leader's, so it is compared like everything else.</summary>
    public const bool CommittedIsCompared = true;

    /// <summary>Mode "available": who answers with a more complete log leads instead.</summary>
    public const bool CompleteLogsLead = true;
}
