namespace WolfScale.Consensus;

/// <summary>Whether a member counts for elections and commits.</summary>
public enum MemberRole : byte
{
    /// <summary>Receives the log and counts for nothing: a node that has not caught up yet (thesis §4.2.1).</summary>
    Learner,

    /// <summary>Votes, and its durable entries count for the commit LSN.</summary>
    Voter,
}

/// <summary>A node as the replicated configuration knows it.</summary>
/// <param name="Key">Id and incarnation (rule C1).</param>
/// <param name="Address">Cluster address, <c>host:port</c>. Carried for the host; the core does not look at it.</param>
/// <param name="Role">Learner or voter.</param>
/// <param name="NeverLeader">Votes and never serves (rule C3).</param>
/// <param name="Witness">Has no MariaDB: keeps the log and votes, never serves (rule C3).</param>
public sealed record Member(NodeKey Key, string Address, MemberRole Role, bool NeverLeader = false, bool Witness = false)
{
    public bool IsVoter => Role == MemberRole.Voter;
}
