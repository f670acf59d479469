using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using WolfScale.Client.Verifying;
using WolfScale.Cluster;

namespace WolfScale.Server.Hosting.Verifying;

/// <summary>
/// <c>[verify] interval_hours</c>: while this node leads it compares all nodes now and then, as <c>wolfctl verify</c> does, at half speed: it rests after each piece as long as
/// the piece took. A node that was away at the time, or could not be compared, is looked at again when it is there, soon and not only after the interval.
/// </summary>
internal sealed partial class BackgroundVerify(
    Func<NodeConfiguration> configuration, OtherApis apis, Func<ClusterView> view, Func<bool> serves, VerifyMemory memory, ILogger logger, TimeProvider time)
{
    private const int Rows = 10_000;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(10);

    /// <summary>From a comparison that left a node out to the next; twice as long each time that one that was asked is left out again, up to the interval.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(10);

    private TimeSpan Interval => TimeSpan.FromHours(configuration().Verify.IntervalHours);

    private DateTimeOffset _notBefore;
    private TimeSpan _wait = Again;

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                var now = view();
                if (Interval > TimeSpan.Zero && serves() && time.GetUtcNow() >= _notBefore && IsDue(now, memory, Interval, time.GetUtcNow()))
                    await CompareAsync(now, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    /// <summary>An interval after the last comparison; sooner where a node that this left out is there now.</summary>
    internal static bool IsDue(ClusterView view, VerifyMemory memory, TimeSpan interval, DateTimeOffset now) =>
        memory.IsOlderThan(interval, now) || (memory.IsOlderThan(Again, now) && memory.Lacks(Followers(view).There.Select(n => n.Id)));

    /// <summary>Who is compared with this node, and who cannot be at the moment.</summary>
    internal static (IReadOnlyList<NodeView> There, ImmutableArray<NotCompared> Away) Followers(ClusterView view)
    {
        var others = view.Nodes.Where(n => n.Id != view.SelfId && !n.Witness).ToLookup(n => n is { Status: NodeStatus.Active, ApiAddress.Length: > 0 });
        return ([.. others[true]], [.. others[false].Select(n => new NotCompared(n.Id, n.Status == NodeStatus.Active
            ? "It does not say where its API is."
            : $"It is {SwitchoverRules.Word(n.Status)}{(n.Reason.Length > 0 ? $" ({n.Reason})" : "")}; it is compared when it is ACTIVE again."))]);
    }

    private async Task CompareAsync(ClusterView now, CancellationToken cancellationToken)
    {
        var (others, away) = Followers(now);
        if (others.Count == 0 && away.IsEmpty)
            return;
        var id = Guid.NewGuid().ToString("N");
        var clients = new List<(string Id, NodeClient Client)>();
        try
        {
            foreach (var node in others.Prepend(now.Self))
                clients.Add((node.Id, apis.Open(node.ApiAddress, apis.Trust.Token, AnswerLimit)));
            var nodes = clients.Select(c => new VerifiedNode(c.Id, id, c.Client)).ToList();
            var run = new VerifyRun(nodes[0], nodes[1..], Rows, static (_, _) => { }, time) { RestsBetweenPieces = true, Away = away };
            var report = await run.RunAsync(null, cancellationToken);
            Tell(report);
            WaitBeforeNext(report.Nodes.Length == nodes.Count);
        }
        catch (Exception e) when (e is RefusedException or System.Text.Json.JsonException)
        {
            LogNotCompared(logger, e.Message, _wait.TotalMinutes);
            WaitBeforeNext(allTookPart: false);
        }
        finally
        {
            foreach (var (_, client) in clients)
                client.Dispose();
        }
    }

    private void WaitBeforeNext(bool allTookPart)
    {
        (_notBefore, _wait) = allTookPart ? (default, Again) : (time.GetUtcNow() + _wait, _wait * 2 < Interval ? _wait * 2 : Interval);
    }

    private void Tell(VerifyReport report)
    {
        var nodes = string.Join(", ", report.Nodes);
        if (report.Identical)
            LogIdentical(logger, nodes, report.Lsn, report.Tables, report.Rows);
        else if (report.Differences.IsEmpty)
            LogIncomplete(logger, nodes, report.Lsn, report.Tables, report.Rows);
        foreach (var left in report.NotCompared)
            LogLeftOut(logger, left.What, left.Why);
        foreach (var node in report.Differences.GroupBy(d => d.Node))
            LogDifferent(logger, node.Key, report.Lsn, string.Join(", ", node.Select(d => d.Object).Distinct().Take(10)));
    }

    [LoggerMessage(4050, LogLevel.Information, "{Nodes} are identical at LSN {Lsn}: {Tables} tables with {Rows} rows")]
    private static partial void LogIdentical(ILogger logger, string nodes, long lsn, int tables, long rows);

    [LoggerMessage(4051, LogLevel.Critical, "{Node} is NOT identical with this node, the leader, at LSN {Lsn}: {Objects}. `wolfctl verify` shows where; `wolfctl migrate` on {Node} rebuilds it.")]
    private static partial void LogDifferent(ILogger logger, string node, long lsn, string objects);

    [LoggerMessage(4052, LogLevel.Warning, "Not compared: {What}: {Why}")]
    private static partial void LogLeftOut(ILogger logger, string what, string why);

    [LoggerMessage(4054, LogLevel.Warning, "Nothing differs on {Nodes} at LSN {Lsn} in what could be compared, {Tables} tables with {Rows} rows; that all nodes are identical is not proven")]
    private static partial void LogIncomplete(ILogger logger, string nodes, long lsn, int tables, long rows);

    [LoggerMessage(4053, LogLevel.Warning, "The nodes were not compared ([verify] interval_hours): {Reason} It is tried again in {Minutes} minutes.")]
    private static partial void LogNotCompared(ILogger logger, string reason, double minutes);
}
