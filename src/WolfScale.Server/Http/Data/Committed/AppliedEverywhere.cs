using WolfScale.Cluster;

namespace WolfScale.Server.Http.Data.Committed;

/// <summary>Waits until the servers of all members show a transaction (<c>?wait=applied-everywhere</c>).</summary>
internal sealed class AppliedEverywhere(ClusterNode node, TimeProvider time)
{
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan MostPatience = TimeSpan.FromSeconds(60);

    /// <returns>Members whose servers do not show it, by id: none when it is applied everywhere.</returns>
    public async Task<IReadOnlyList<string>> WaitAsync(long lsn, TimeSpan patience, CancellationToken aborted)
    {
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
            await done.Task.WaitAsync(patience, time, aborted);
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
