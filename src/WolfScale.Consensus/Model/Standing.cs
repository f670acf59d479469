namespace WolfScale.Consensus;

/// <summary>Whether a node's MariaDB could be opened for service now (rule C4). A node starts unfit and says when it is fit.</summary>
public enum Fitness : byte
{
    /// <summary>Votes, stands last, and if elected hands over (rule C3).</summary>
    Unfit,

    /// <summary>Position verified since start, applier running, apply lag small.</summary>
    Fit,
}

/// <summary>How a node stands as a candidate: its fitness now, and what its member record says for good.</summary>
public readonly record struct Standing(Fitness Fitness, bool NeverLeader, bool Witness)
{
    /// <summary>Whether the node may open for writes when it leads (rule C3).</summary>
    public bool MayServe => Fitness == Fitness.Fit && !NeverLeader && !Witness;
}

/// <summary>A node's role in the current term.</summary>
public enum RaftRole : byte
{
    Follower,

    /// <summary>Asks whether it could win before it disturbs anybody with a new term (thesis §9.6).</summary>
    PreCandidate,

    Candidate,

    Leader,
}

/// <summary>What must survive a crash besides the log (Raft §5.1, figure 2): a node that forgets its vote can vote twice.</summary>
/// <param name="Term">The latest term this node has seen.</param>
/// <param name="Vote">Whom it voted for in that term, itself included; null for nobody.</param>
public readonly record struct HardState(long Term, NodeKey? Vote);
