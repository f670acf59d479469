using WolfScale.Cluster;

namespace WolfScale.Server.Http.Data.Committed;

/// <summary>Waits until the servers of all members show a transaction (<c>?wait=applied-everywhere</c>).</summary>
/// <param name="node">Knows how far the members are.</param>
/// <param name="time">The clock.</param>
/// <param name="stopping">This node stops.</param>
internal sealed class AppliedEverywhere(ClusterNode node, TimeProvider time, CancellationToken stopping)
{
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan MostPatience = TimeSpan.FromSeconds(60);

    /// <returns>Members whose servers do not show it, by id: none when it is applied everywhere.</returns>
    /// <exception cref="DataProblemException">This node stops: the write is done, and who shows it is not known.</exception>
    public async Task<IReadOnlyList<string>> WaitAsync(CommittedPlace place, TimeSpan patience, CancellationToken aborted)
    {
        var lsn = place.Lsn ?? long.MaxValue;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(aborted, stopping);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(ClusterView view)
        {
            if (!Lacking(view, lsn).Exists(IsExpected))
                _ = done.TrySetResult();
        }

        node.ViewChanged += Look;
        try
        {
            Look(node.View);
            await done.Task.WaitAsync(patience, time, end.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw new DataProblemException(
                504, "node_stopping", "This node is being stopped",
                $"The write is done, as transaction {place.Gtid}; only whether all servers show it was not waited for. Do not send it again: another node shows it to who asks with \"after_lsn\".") { Place = place };
        }
        catch (TimeoutException)
        {
            // What is lacking is told below.
        }
        finally
        {
            node.ViewChanged -= Look;
        }

        return [.. Lacking(node.View, lsn).Select(n => n.Id)];
    }

    private static List<NodeView> Lacking(ClusterView view, long lsn) => [.. view.Nodes.Where(n => !n.Witness && n.AppliedLsn < lsn)];

    /// <summary>Who is gone, or must be rebuilt, is not waited for: nobody knows for how long.</summary>
    private static bool IsExpected(NodeView node) => node.Status is not (NodeStatus.Dropped or NodeStatus.Offline or NodeStatus.NeedsMigration);
}
