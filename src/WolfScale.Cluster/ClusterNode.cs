using Microsoft.Extensions.Logging;
using WolfScale.Cluster.State;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster;

/// <summary>
/// One node of the cluster: runs the consensus core over the network, the log and the node's state. All members may be called from any thread.
/// </summary>
public sealed class ClusterNode : IAsyncDisposable
{
    /// <summary>Opens log and state, founds or finds the cluster, and takes part from then on.</summary>
    /// <exception cref="ClusterStartException">The node cannot or must not start; the message says what to do.</exception>
    public static Task<ClusterNode> StartAsync(
        ClusterOptions options, ILoggerFactory logging, TimeProvider time, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>This node, in this life of its data directory.</summary>
    public NodeKey Self => throw new NotSupportedException();

    /// <summary>Where other nodes reach it, HOST:PORT.</summary>
    public string Address => throw new NotSupportedException();

    /// <summary>The cluster as this node sees it; swapped whole.</summary>
    public ClusterView View => throw new NotSupportedException();

    /// <summary>A new <see cref="View"/> is there. Must be short; views may be left out where several follow at once.</summary>
    public event Action<ClusterView>? ViewChanged;

    /// <summary>In order, one at a time, with <see cref="CommitAdvanced"/>; must be short and must not block.</summary>
    public event Action<RoleChange>? RoleChanged;

    /// <summary>The last role change, as it was or will be announced.</summary>
    public RoleChange Role => throw new NotSupportedException();

    /// <summary>The configuration in force on this node (cluster id, base, members); null before it is a member.</summary>
    public Configuration? Configuration => throw new NotSupportedException();

    /// <summary>The node's log.</summary>
    public WriteAheadLog Wal => throw new NotSupportedException();

    /// <summary>The node's small durable state, for the database side's plans.</summary>
    public IStateStore State => throw new NotSupportedException();

    /// <summary>Last LSN known to be held by a majority (and, on a follower, durable here).</summary>
    public long CommitLsn => throw new NotSupportedException();

    /// <summary>
    /// The commit LSN has risen. In order, one at a time, normally on the thread that learned of it; must be short and must not block. May call into
    /// the node. Nothing of a term is announced after its lease has ended.
    /// </summary>
    public event Action<long>? CommitAdvanced;

    /// <summary>
    /// Appends a batch at the end of the log and starts its replication, on the calling thread. Takes over the batch when accepted; a refused one
    /// stays the caller's. Does not wait for the disk.
    /// </summary>
    public ProposeOutcome Propose(SealedBatch batch, long term) => throw new NotSupportedException();

    /// <summary>Back-pressure: completes when the log accepts more without growing its backlog over the limit.</summary>
    public ValueTask WaitForRoomAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Completes when <see cref="CommitLsn"/> is at least <paramref name="lsn"/>.</summary>
    public ValueTask WaitForCommitAsync(long lsn, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>What this node tells the others about itself from now on.</summary>
    public void SetLocalState(LocalState state) => throw new NotSupportedException();

    /// <summary>Planned switchover to a node, or to the best fit one when null. Only on the leader.</summary>
    public Task<TransferOutcome> TransferLeadershipAsync(string? nodeId, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Removes a dead member from the configuration, through the leader. Returns when it has left.</summary>
    /// <exception cref="InvalidOperationException">It cannot be removed; the message says why.</exception>
    public Task RemoveAsync(string nodeId, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Leaves the cluster for good: this data directory does not join again by itself.</summary>
    public Task LeaveAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>
    /// For a strong read: the LSN that local data must show, confirmed by a majority in a round that starts after this call. On any member.
    /// </summary>
    /// <exception cref="InvalidOperationException">No leader confirmed it in time.</exception>
    public Task<long> ReadIndexAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Stops: says goodbye, closes the connections, syncs and closes the log.</summary>
    public ValueTask DisposeAsync() => throw new NotSupportedException();

    internal void Use() => (ViewChanged, RoleChanged, CommitAdvanced) = (null, null, null);
}
