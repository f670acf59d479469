using WolfScale.Cluster;
using WolfScale.Consensus;
using WolfScale.MariaDb.Log;
using WolfScale.Wal;

namespace WolfScale.Server.Hosting;

/// <summary>
/// The leader's side of the log for one lease. The lease ends before anything of a later term can be seen on this node, so what is
/// checked here against it cannot announce or accept for the wrong term.
/// </summary>
internal sealed class LeaderLog(ClusterNode node, ReplicatedLog log, TermLease lease) : ILeaderLog
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    public long Term => lease.Term;

    public CancellationToken Ended => lease.Ended;

    public IReplicatedLog Log => log;

    public long? Propose(SealedBatch batch)
    {
        var entries = batch.Count; // before the call: an accepted batch belongs to the node
        while (true)
        {
            var outcome = node.Propose(batch, lease.Term);
            if (outcome.Accepted)
                return outcome.FirstLsn + entries - 1;
            if (outcome.Result is ProposeResult.TooManyInFlight or ProposeResult.TransferInProgress && AwaitProgress())
                continue;
            batch.Dispose();
            return null;
        }
    }

    /// <summary>
    /// Followers that are slower than this server's disk, or a hand-over that may yet fail, are no end of the term: the proposal waits for a commit,
    /// and now and then looks without one, because the end of a hand-over is none.
    /// </summary>
    /// <returns>False at the end of the term.</returns>
    private bool AwaitProgress()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(lease.Ended);
        limit.CancelAfter(LookAgain);
        try
        {
            node.WaitForCommitAsync(node.CommitLsn + 1, limit.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            // Either of the two reasons to look again.
        }

        return !lease.Ended.IsCancellationRequested;
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
