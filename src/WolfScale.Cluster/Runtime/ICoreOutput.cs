using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Runtime;

/// <summary>Where a <see cref="CoreHost"/>'s effects leave the node.</summary>
internal interface ICoreOutput
{
    /// <summary>Sends, best effort; called under the gate, must not block.</summary>
    /// <param name="message">For one peer.</param>
    /// <param name="recent">The batch just appended, or null.</param>
    void Send(Message message, WalBatch? recent);

    /// <summary>Before the first entries are appended to a log that belongs to no cluster yet: binds state and log to the sender's cluster.</summary>
    void AdoptCluster(Guid clusterId);

    /// <summary>Mode "available": entries that may have been acknowledged are about to be cut off, see <see cref="ClusterOptions.SaveDiscarded"/>. Called under the gate.</summary>
    void Discarding(long firstLsn, long lastLsn, NodeKey? newLeader);

    /// <summary>News for subscribers; called without the gate, in order.</summary>
    void Deliver(Notification notification);
}
