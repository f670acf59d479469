using System.Collections.Immutable;

namespace WolfScale.Consensus;

/// <summary>What an acknowledgement promises; one per cluster, in the log (rule C5).</summary>
public enum ClusterMode : byte
{
    /// <summary>Raft: a write is acknowledged when it is durable on a majority.</summary>
    Consistent,

    /// <summary>The lowest id among live, synced nodes leads without a vote; a write is acknowledged by the leader's log alone.</summary>
    Available,
}

/// <summary>What the cluster's data was before LSN 1 (rule C2).</summary>
/// <param name="GtidPosition">GTID position of the first server at bootstrap, empty when it had none.</param>
/// <param name="ServerWasEmpty">Whether that server held no user data.</param>
public sealed record LogBase(string GtidPosition, bool ServerWasEmpty);

/// <summary>
/// Membership, mode and base of a cluster: the content of a configuration entry. In force on a node from the moment the entry is
/// appended to its log, committed or not (thesis §4.1). Compared by value, members included.
/// </summary>
public sealed record Configuration
{
    /// <param name="clusterId">Identity of the cluster, drawn at bootstrap.</param>
    /// <param name="clusterName">Its name, for people.</param>
    /// <param name="mode">What an acknowledgement promises.</param>
    /// <param name="logBase">What the data was before LSN 1.</param>
    /// <param name="members">In any order; kept sorted by key. No id may occur twice, whatever the incarnations (rule C1).</param>
    public Configuration(Guid clusterId, string clusterName, ClusterMode mode, LogBase logBase, ImmutableArray<Member> members)
    {
        ClusterId = clusterId;
        ClusterName = clusterName;
        Mode = mode;
        Base = logBase;
        Members = members.Sort((a, b) => a.Key.CompareTo(b.Key));
        for (int i = 1; i < Members.Length; i++)
            if (Members[i].Key.Id == Members[i - 1].Key.Id)
                throw new ArgumentException($"{Members[i].Key.Id} occurs twice in the configuration", nameof(members));
    }

    public Guid ClusterId { get; }

    public string ClusterName { get; }

    public ClusterMode Mode { get; }

    public LogBase Base { get; }

    /// <summary>Sorted by key.</summary>
    public ImmutableArray<Member> Members { get; }

    /// <summary>Number of voters.</summary>
    public int VoterCount
    {
        get
        {
            int count = 0;
            foreach (Member member in Members)
                if (member.IsVoter)
                    count++;
            return count;
        }
    }

    /// <summary>The member with this key, id and incarnation, or null.</summary>
    public Member? Find(NodeKey key)
    {
        foreach (Member member in Members)
            if (member.Key == key)
                return member;
        return null;
    }

    /// <summary>The member with this id in whatever incarnation, or null.</summary>
    public Member? FindById(string id)
    {
        foreach (Member member in Members)
            if (string.Equals(member.Key.Id, id, StringComparison.Ordinal))
                return member;
        return null;
    }

    public bool IsVoter(NodeKey key) => Find(key) is { IsVoter: true };

    /// <summary>The same configuration with other members.</summary>
    public Configuration WithMembers(ImmutableArray<Member> members) => new(ClusterId, ClusterName, Mode, Base, members);

    public bool Equals(Configuration? other) =>
        other is not null && ClusterId == other.ClusterId && ClusterName == other.ClusterName && Mode == other.Mode
        && Base == other.Base && Members.AsSpan().SequenceEqual(other.Members.AsSpan());

    public override int GetHashCode() => HashCode.Combine(ClusterId, ClusterName, Mode, Base, Members.Length);
}

/// <summary>A configuration and the LSN of the entry that holds it (0: given from outside, before the first entry).</summary>
public readonly record struct PlacedConfiguration(long Lsn, Configuration Configuration);
