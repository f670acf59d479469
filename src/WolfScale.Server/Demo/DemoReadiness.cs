using WolfScale.Server.Cli;

namespace WolfScale.Server.Demo;

/// <summary>Waits for a demo to come up.</summary>
internal static class DemoReadiness
{
    private static readonly TimeSpan LeaderLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MembersLimit = TimeSpan.FromSeconds(30);

    /// <summary>Waits until a leader accepts writes.</summary>
    /// <exception cref="RefusedException">None does in time, or a node has ended; the end of its log is in the message.</exception>
    public static async Task<DemoNode> WaitForLeaderAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var until = Environment.TickCount64 + (long)LeaderLimit.TotalMilliseconds;
        while (true)
        {
            var facts = await DemoFacts.ReadAsync(cluster.State, cancellationToken);
            if (facts.Nodes.FirstOrDefault(n => n.AcceptsWrites) is { } leader)
                return cluster.State.Find(leader.Id);
            if (cluster.State.Nodes.FirstOrDefault(n => n.Node?.IsAlive != true) is { } ended)
                throw new RefusedException($"{ended.Id} ended while the cluster started. {LogEnd(cluster, ended)}");
            if (Environment.TickCount64 > until)
                throw new RefusedException(
                    $"No leader accepts writes after {LeaderLimit.TotalSeconds} s: {string.Join("; ", facts.Nodes.Select(Line))}. {LogEnd(cluster, cluster.State.Nodes[0])}", ExitCode.Unknown);
            _ = await poll.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Waits, within bounds, until every node is ACTIVE and shows what was written before: a cluster of three that has only one voter yet
    /// survives nothing, and an application that connects to any server expects its account there.
    /// </summary>
    /// <returns>The nodes that are not.</returns>
    public static async Task<IReadOnlyList<DemoNodeDocument>> WaitForMembersAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var until = Environment.TickCount64 + (long)MembersLimit.TotalMilliseconds;
        long? written = null;
        while (true)
        {
            var facts = await DemoFacts.ReadAsync(cluster.State, cancellationToken);
            written ??= facts.Nodes.Max(n => n.Lsn);
            var waiting = facts.Nodes.Where(n => n.Status != "ACTIVE" || n.Role is not ("LEADER" or "FOLLOWER" or "WITNESS") || n.AppliedLsn < written).ToList();
            if (waiting.Count == 0 || Environment.TickCount64 > until)
                return waiting;
            _ = await poll.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>Waits, within bounds, until a started node answers.</summary>
    /// <exception cref="RefusedException">It has ended; the end of its log is in the message.</exception>
    public static async Task WaitForAnswerAsync(DemoCluster cluster, string id, CancellationToken cancellationToken)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var until = Environment.TickCount64 + (long)MembersLimit.TotalMilliseconds;
        while (true)
        {
            var node = cluster.State.Find(id);
            if (node.Node?.IsAlive != true)
                throw new RefusedException($"{id} ended while it started. {LogEnd(cluster, node)}");
            var facts = await DemoFacts.ReadAsync(cluster.State with { Nodes = [node] }, cancellationToken);
            if (facts.Nodes[0].Lsn is not null || Environment.TickCount64 > until)
                return;
            _ = await poll.WaitForNextTickAsync(cancellationToken);
        }
    }

    public static string Line(DemoNodeDocument node) => $"{node.Id} is {node.Status}{(node.Reason is { Length: > 0 } why ? $" ({why})" : "")}";

    private static string LogEnd(DemoCluster cluster, DemoNode node)
    {
        var log = cluster.NodeLog(node);
        return File.Exists(log) ? $"{log} ends:\n{string.Join('\n', File.ReadLines(log).TakeLast(15))}" : $"It wrote no log ({log}).";
    }
}
