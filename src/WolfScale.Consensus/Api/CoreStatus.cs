using System.Collections.Immutable;

namespace WolfScale.Consensus;

/// <summary>How the leader sends to a member.</summary>
public enum ReplicationState : byte
{
    /// <summary>Looking for the place where the logs meet: one message at a time.</summary>
    Probe,

    /// <summary>Pipelining.</summary>
    Replicate,

    /// <summary>The member needs entries that this log no longer has: it must be migrated.</summary>
    BehindRetention,
}

/// <summary>What the leader knows of a member.</summary>
/// <param name="Key">The member.</param>
/// <param name="State">How it is sent to.</param>
/// <param name="MatchLsn">Up to here its log is the leader's, and durable.</param>
/// <param name="NextLsn">What is sent next.</param>
/// <param name="InflightMessages">Sent and not acknowledged.</param>
/// <param name="InflightBytes">Sent and not acknowledged.</param>
/// <param name="LastHeardMs">When it last answered, on the host's clock; <see cref="long.MinValue"/> for never in this term.</param>
/// <param name="Standing">As it last reported.</param>
public sealed record PeerStatus(
    NodeKey Key, ReplicationState State, long MatchLsn, long NextLsn, int InflightMessages, long InflightBytes, long LastHeardMs,
    Standing Standing);

/// <summary>An immutable picture of the core for status and tests; allocates.</summary>
/// <param name="Peers">Leader only: every other member, by key.</param>
public sealed record CoreStatus(
    NodeKey Self, RaftRole Role, long Term, NodeKey? Vote, NodeKey? Leader, bool MayServe, Standing Standing,
    long CommitLsn, LogPosition Last, long DurableLsn, Configuration? Configuration, long ConfigurationLsn,
    NodeKey? TransferTarget, ImmutableArray<PeerStatus> Peers);
