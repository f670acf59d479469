namespace WolfScale.Consensus;

/// <summary>
/// A change of the configuration by at most one vote (thesis §4.1: single-server changes, whose majorities always overlap).
/// </summary>
public abstract record ConfigurationChange
{
    private ConfigurationChange()
    {
    }

    /// <summary>
    /// A node joins as a learner. Where a member with the same id and another incarnation exists, that one leaves in the same entry:
    /// its vote is gone before the new incarnation can ever get one (rule C1).
    /// </summary>
    public sealed record AddLearner(NodeKey Key, string Address, bool NeverLeader = false, bool Witness = false) : ConfigurationChange;

    /// <summary>A learner that has caught up becomes a voter.</summary>
    public sealed record Promote(NodeKey Key) : ConfigurationChange;

    /// <summary>A voter becomes a learner: its vote leaves, it keeps receiving the log. Not for the leader itself.</summary>
    public sealed record Demote(NodeKey Key) : ConfigurationChange;

    /// <summary>A member leaves. Not for the leader itself, which hands over first.</summary>
    public sealed record Remove(NodeKey Key) : ConfigurationChange;

    /// <summary>New address or flags of a member; its vote stays as it is.</summary>
    public sealed record Update(NodeKey Key, string Address, bool NeverLeader, bool Witness) : ConfigurationChange;
}
