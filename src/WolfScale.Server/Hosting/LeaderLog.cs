using WolfScale.Cluster;
using WolfScale.MariaDb.Log;
using WolfScale.Wal;

namespace WolfScale.Server.Hosting;

/// <summary>
/// The leader's side of the log for one lease. The lease ends before anything of a later term can be seen on this node, so what is
/// checked here against it cannot announce or accept for the wrong term.
/// </summary>
internal sealed class LeaderLog(ClusterNode node, ReplicatedLog log, TermLease lease) : ILeaderLog
{
    public long Term => lease.Term;

    public CancellationToken Ended => lease.Ended;

    public IReplicatedLog Log => log;

    public long? Propose(SealedBatch batch)
    {
        var entries = batch.Count; // before the call: an accepted batch belongs to the node
        var outcome = node.Propose(batch, lease.Term);
        if (outcome.Accepted)
            return outcome.FirstLsn + entries - 1;
        batch.Dispose();
        return null;
    }

    public ValueTask WaitForRoomAsync(CancellationToken cancellationToken) => node.WaitForRoomAsync(cancellationToken);

    public IDisposable SubscribeCommit(Action<long> onCommit) => new CommitSubscription(node, lease, onCommit);

    /// <summary>Passes commits on while the lease lasts. The node raises commits and role changes one at a time, so none slips past its end.</summary>
    private sealed class CommitSubscription : IDisposable
    {
        private readonly ClusterNode _node;
        private readonly TermLease _lease;
        private readonly Action<long> _onCommit;

        public CommitSubscription(ClusterNode node, TermLease lease, Action<long> onCommit)
        {
            (_node, _lease, _onCommit) = (node, lease, onCommit);
            _node.CommitAdvanced += Pass;
        }

        public void Dispose() => _node.CommitAdvanced -= Pass;

        private void Pass(long lsn)
        {
            if (!_lease.Ended.IsCancellationRequested)
                _onCommit(lsn);
        }
    }
}
