using Microsoft.Extensions.Logging;
using WolfScale.Client.Verifying;
using WolfScale.Cluster;

namespace WolfScale.Server.Hosting.Verifying;

/// <summary>
/// <c>[verify] interval_hours</c>: while this node leads it compares all nodes now and then, as <c>wolfctl verify</c> does, at half speed: it rests after each piece as long as
/// the piece took.
/// </summary>
internal sealed partial class BackgroundVerify(NodeConfiguration configuration, Func<ClusterView> view, Func<bool> serves, VerifyMemory memory, ILogger logger, TimeProvider time)
{
    private const int Rows = 10_000;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(10);

    /// <summary>From one attempt that came to nothing to the next.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(10);

    private readonly Authority? _authority = Authority.OfCluster(configuration.Cluster.TlsCa);
    private readonly TimeSpan _interval = TimeSpan.FromHours(configuration.Verify.IntervalHours);
    private DateTimeOffset _notBefore;

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                if (!serves() || !IsDue())
                    continue;
                _notBefore = time.GetUtcNow() + Again;
                await CompareAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The node is stopping.
        }
    }

    private bool IsDue() => time.GetUtcNow() is var now && now >= _notBefore && memory.IsOlderThan(_interval, now);

    private async Task CompareAsync(CancellationToken cancellationToken)
    {
        var now = view();
        var others = now.Nodes.Where(n => n.Id != now.SelfId && n is { Witness: false, Status: NodeStatus.Active, ApiAddress.Length: > 0 }).ToList();
        if (others.Count == 0)
            return;
        var id = Guid.NewGuid().ToString("N");
        var clients = others.Prepend(now.Self).Select(n => (n.Id, Client: Open(n))).ToList();
        try
        {
            var nodes = clients.Select(c => new VerifiedNode(c.Id, id, c.Client)).ToList();
            var run = new VerifyRun(nodes[0], nodes[1..], Rows, static (_, _) => { }, time) { RestsBetweenPieces = true };
            Tell(await run.RunAsync(null, cancellationToken));
        }
        catch (RefusedException e)
        {
            LogNotCompared(logger, e.Message, Again.TotalMinutes);
        }
        finally
        {
            foreach (var (_, client) in clients)
                client.Dispose();
        }
    }

    /// <summary>As for copies: nodes of one cluster are set up alike, and this node's own token opens the others.</summary>
    private NodeClient Open(NodeView node) => new(
        $"{(configuration.Api.TlsCert.Length > 0 ? "https" : "http")}://{node.ApiAddress}", configuration.Api.Token, AnswerLimit, authority: _authority);

    private void Tell(VerifyReport report)
    {
        var nodes = string.Join(", ", report.Nodes);
        if (report.Identical)
            LogIdentical(logger, nodes, report.Lsn, report.Tables, report.Rows);
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

    [LoggerMessage(4053, LogLevel.Warning, "The nodes were not compared ([verify] interval_hours): {Reason} It is tried again in {Minutes} minutes.")]
    private static partial void LogNotCompared(ILogger logger, string reason, double minutes);
}
