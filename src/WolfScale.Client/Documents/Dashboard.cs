using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace WolfScale.Client;

/// <summary><c>GET /dashboard/node</c>: what a node tells of itself alone, in one answer.</summary>
/// <param name="Status">As <c>GET /status</c>.</param>
/// <param name="Stats">As <c>GET /stats</c>, without the members.</param>
/// <param name="Point">Its last second, for the charts; null before the first.</param>
public sealed record DashboardNode(NodeReport Status, StatsDocument Stats, DashboardPoint? Point)
{
    /// <summary>Of its history: what came after the event that was named, else the newest. Not in a picture.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<EventDocument>? Events { get; init; }
}

/// <summary>One second of a cluster, for the charts. Unknown, and what there was none of, is null.</summary>
/// <param name="AtMs">Its end, in milliseconds since 1970, by the node's clock.</param>
/// <param name="CommitsPerSecond">Log entries that the quorum committed: one for each transaction, and another for each MiB of a large one.</param>
/// <param name="CaptureMs">Of the leader's commits, mean: from the end of a transaction's events to its proposal to the log.</param>
/// <param name="QuorumMs">Mean: from there until a majority had it on disk.</param>
/// <param name="CommitP95Ms">95 of 100 commits took no longer, both stages together.</param>
/// <param name="SyncMs">Mean of a sync of the leader's log, which is a part of the quorum's stage.</param>
/// <param name="Nodes">All members.</param>
public sealed record DashboardPoint(
    long AtMs, double CommitsPerSecond, double? CaptureMs, double? QuorumMs, double? CommitP95Ms, double? SyncMs, ImmutableArray<DashboardNodePoint> Nodes);

/// <summary>A member in that second.</summary>
/// <param name="Id">Which.</param>
/// <param name="LagEntries">Committed entries that its MariaDB had not applied; null for the leader, whose MariaDB has them first.</param>
/// <param name="Sessions">Clients of its proxy, as far as it was asked.</param>
public sealed record DashboardNodePoint(string Id, long? LagEntries, int? Sessions);

/// <summary>One picture of the cluster, as <c>GET /dashboard/stream</c> sends it every second and when something changes.</summary>
/// <param name="Number">Rises with every picture of this process.</param>
/// <param name="At">By the node's clock.</param>
/// <param name="Cluster">As <c>GET /cluster</c> of the node whose page it is.</param>
/// <param name="Nodes">What those that answer tell of themselves, the node whose page it is first.</param>
/// <param name="Silent">Members that do not answer over HTTP, and why.</param>
/// <param name="Doctor">What is wrong and what to do, as <c>wolfctl doctor</c> tells it.</param>
/// <param name="Point">The last second; null before the first.</param>
/// <param name="Verification">The comparison of all nodes that was asked for here last; null: none since the process began.</param>
public sealed record DashboardSnapshot(
    long Number, DateTimeOffset At, ClusterDocument Cluster, ImmutableArray<DashboardNode> Nodes, ImmutableSortedDictionary<string, string> Silent,
    DoctorDocument Doctor, DashboardPoint? Point, VerificationProgress? Verification);

/// <summary>How far a comparison of all nodes has come.</summary>
/// <param name="StartedAt">When.</param>
/// <param name="Running">It goes on.</param>
/// <param name="Table">Which it is at.</param>
/// <param name="Rows">Rows of the leader compared so far.</param>
/// <param name="Report">What came of it; null: nothing yet, or nothing.</param>
/// <param name="Error">Why nothing came of it.</param>
public sealed record VerificationProgress(DateTimeOffset StartedAt, bool Running, string? Table, long Rows, VerifyReport? Report, string? Error);
