using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Positions;

namespace WolfScale.MariaDb.Dump;

/// <summary>Where the log has the position of a copy.</summary>
internal static class PlaceInLog
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>
    /// On a leader every commit that waited has its ACK by now, so the quorum has it, and this node's log shows it at once or in a moment.
    /// </summary>
    /// <returns>The LSN of its last group; 0: the cluster's base.</returns>
    /// <exception cref="DumpException">The log does not have it as a committed place.</exception>
    public static async Task<long> FindAsync(ServerPosition position, IReplicatedLog log, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            var standing = PositionComparison.Compare(position, log);
            if (standing is Standing.Exact { IsCommitted: true } exact)
                return exact.Lsn;
            try
            {
                await log.WaitForCommitAsync(log.CommitLsn + 1, patience.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new DumpException($"The server stands at '{position.Current}', which is not a committed place in this node's log ({standing}): copy another node's data.");
            }
        }
    }
}
