using System.Collections.Immutable;

namespace WolfScale.Client;

/// <summary><c>GET /stats</c>: what the node is doing, over the last seconds. Unknown is null.</summary>
/// <param name="Node">Its id.</param>
/// <param name="At">When it was looked.</param>
/// <param name="OverSeconds">Rates and latencies are of so many seconds before.</param>
/// <param name="Role">LEADER, FOLLOWER, …</param>
/// <param name="Leader">Who leads.</param>
/// <param name="Term">The term.</param>
/// <param name="LastLsn">Last entry on this node's disk.</param>
/// <param name="CommitLsn">Last entry that a majority has.</param>
/// <param name="AppliedLsn">Last entry that the local MariaDB has applied.</param>
/// <param name="EntriesPerSecond">Entries that were committed in the cluster.</param>
/// <param name="Leading">Of the leader; null elsewhere.</param>
/// <param name="LogSyncs">The disk under the log.</param>
/// <param name="Proxy">Its proxy; null where it is off.</param>
/// <param name="Nodes">All members, with what they lag.</param>
public sealed record StatsDocument(
    string Node, DateTimeOffset At, double OverSeconds, string? Role, string? Leader, long Term, long LastLsn, long CommitLsn, long? AppliedLsn,
    double EntriesPerSecond, LeadingStats? Leading, TimesStats LogSyncs, ProxyStats? Proxy, ImmutableArray<MemberReport> Nodes);

/// <summary>What only a leader does.</summary>
/// <param name="TransactionsPerSecond">Transactions that its MariaDB wrote.</param>
/// <param name="BytesPerSecond">Of their events.</param>
/// <param name="Waiting">Commits that wait for the quorum now.</param>
/// <param name="Commits">From the end of a transaction's events to its release.</param>
public sealed record LeadingStats(double TransactionsPerSecond, double BytesPerSecond, int Waiting, TimesStats Commits);

/// <summary>How long things took, in milliseconds; null where there were none.</summary>
public sealed record TimesStats(double PerSecond, double? MedianMs, double? P95Ms, double? P99Ms);

/// <summary>A node's proxy.</summary>
/// <param name="Sessions">Clients now, other proxies' connections among them.</param>
/// <param name="StatementsPerSecond">All.</param>
/// <param name="LocalReadsPerSecond">Those of them that this node's own server answered while it followed.</param>
/// <param name="ConnectionsPerSecond">New clients.</param>
public sealed record ProxyStats(int Sessions, double StatementsPerSecond, double LocalReadsPerSecond, double ConnectionsPerSecond);
