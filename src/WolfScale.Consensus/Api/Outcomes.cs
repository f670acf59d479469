namespace WolfScale.Consensus;

/// <summary>What became of a proposal.</summary>
public enum ProposeResult : byte
{
    /// <summary>It has its LSNs and is on its way.</summary>
    Accepted,

    /// <summary>This node does not lead in the expected term.</summary>
    NotLeader,

    /// <summary>This node leads and must not serve (rule C3).</summary>
    NotServing,

    /// <summary>The lead is being handed over; bounded by <see cref="RaftOptions.TransferTimeoutMs"/>.</summary>
    TransferInProgress,

    /// <summary>Too much is proposed and not committed; try again when the commit LSN advances.</summary>
    TooManyInFlight,
}

/// <summary>Answer to <see cref="RaftCore.Propose"/>.</summary>
/// <param name="Result">Accepted or why not.</param>
/// <param name="FirstLsn">LSN of the first entry when accepted, else 0.</param>
/// <param name="Term">The term it was accepted in, else the current term.</param>
public readonly record struct ProposeOutcome(ProposeResult Result, long FirstLsn, long Term)
{
    public bool Accepted => Result == ProposeResult.Accepted;
}

/// <summary>What became of a configuration change.</summary>
public enum ConfigurationResult : byte
{
    /// <summary>The entry is appended and in force.</summary>
    Accepted,

    /// <summary>The configuration says so already; nothing was appended.</summary>
    NothingToDo,

    NotLeader,

    TransferInProgress,

    /// <summary>No entry of this term is committed yet (rule C1); try again shortly.</summary>
    TermNotCommitted,

    /// <summary>The previous change is not committed yet; one at a time.</summary>
    ChangeInProgress,

    UnknownNode,

    /// <summary>Another incarnation of this id is alive: two nodes run under one id.</summary>
    IdInUse,

    /// <summary>The learner is still too far behind to get a vote.</summary>
    NotCaughtUp,

    /// <summary>The leader cannot take its own vote away; it hands over first.</summary>
    LeaderMustHandOver,

    /// <summary>The last voter stays.</summary>
    LastVoter,
}

/// <summary>Answer to <see cref="RaftCore.ProposeConfiguration"/>.</summary>
/// <param name="Result">Accepted or why not.</param>
/// <param name="Lsn">LSN of the configuration entry when accepted, of the active one when there was nothing to do, else 0.</param>
public readonly record struct ConfigurationOutcome(ConfigurationResult Result, long Lsn);

/// <summary>What became of a request to hand the lead over.</summary>
public enum TransferResult : byte
{
    /// <summary>Under way; <see cref="Effect.LeadershipTransferEnded"/> tells the end.</summary>
    Started,

    NotLeader,

    /// <summary>The target leads already: it is this node.</summary>
    AlreadyLeader,

    InProgress,

    /// <summary>Not a voter of the active configuration.</summary>
    NotAVoter,

    /// <summary>Witness, <c>never_leader</c> or unfit (rule C3).</summary>
    MayNotServe,

    /// <summary>Not heard from within an election timeout.</summary>
    NotResponding,

    /// <summary>No target was named and nobody can take the lead.</summary>
    NoCandidate,
}

/// <summary>What became of a read index request.</summary>
public enum ReadIndexResult : byte
{
    /// <summary><see cref="Effect.ReadIndexReady"/> or <see cref="Effect.ReadIndexAborted"/> follows.</summary>
    Started,

    NotLeader,

    TooManyInFlight,
}
