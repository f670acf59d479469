using System.Diagnostics.CodeAnalysis;
using WolfScale.Consensus;

namespace WolfScale.Cluster;

/// <summary>This node's role in the consensus has changed.</summary>
/// <param name="Role">The role.</param>
/// <param name="Term">The term it belongs to.</param>
/// <param name="Leader">The leader of that term, when known.</param>
/// <param name="Lease">
/// Given exactly while this node leads <em>and</em> may open for writes (rule C3); the permission to serve. A leader without a lease commits
/// and hands over, and must not open.
/// </param>
public sealed record RoleChange(RaftRole Role, long Term, NodeKey? Leader, TermLease? Lease);

/// <summary>
/// The right to serve as leader in one term. <see cref="Ended"/> is cancelled before anything of a later term can be seen on this node:
/// before its log is truncated or extended by another leader, and before a commit of a later term is announced.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing to dispose, and its token outlives the lease.")]
public sealed class TermLease
{
    private readonly CancellationTokenSource _ended = new();

    internal TermLease(long term) => Term = term;

    public long Term { get; }

    /// <summary>
    /// Cancelled when the lease ends. The flag is set at that moment; callbacks registered on the token run on the thread pool right after,
    /// so that they cannot hold up the node (and may call into it).
    /// </summary>
    public CancellationToken Ended => _ended.Token;

    internal void End() => _ = _ended.CancelAsync();
}
