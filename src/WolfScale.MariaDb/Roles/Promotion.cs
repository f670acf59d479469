using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Events;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Plans;
using WolfScale.MariaDb.Positions;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Roles;

/// <summary>The promotion cannot be finished now; the message is for an operator, and the lead should go to another node.</summary>
internal sealed class PromotionFailedException(string message) : Exception(message);

/// <summary>
/// Opens the server for writes in one term (design: Promotion; rules C3, C4):
/// <code>
///   1 committed   everything in the log at the beginning of the term, its no-op included, is held by a majority
///   2 caught up   the server has applied all of it; or holds it all and groups of its own after it, no other leader's in between
///   3 alone       the feed is stopped, and nothing came in between
///   4 gated       semi-sync on, capture attached and counted, alone
///   5 captured    what the server has beyond the log is captured and committed
///   6 events      those of the former leader enabled, the scheduler on
///   7 open        read_only=0
/// </code>
/// Interrupted at any step the server is closed, or open with every commit waiting for an ACK that nobody gives: the next role begins with
/// a demotion, because the plan is found open.
/// </summary>
internal sealed partial class Promotion(ServerContext context, ILeaderLog lease, EventMemory events, Func<Task<ICapture>> attachAsync)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly IReplicatedLog _log = lease.Log;
    private readonly long _target = lease.Log.LastLsn;

    public Task RunAsync(CancellationToken cancellationToken) => context.Plans.RunAsOneAsync(
        Closing.PromotionPlan,
        [
            new("committed", CommittedAsync),
            new("caught-up", CaughtUpAsync),
            new("alone", AloneAsync),
            new("gated", GatedAsync),
            new("captured", CapturedAsync),
            new("events", EventsAsync),
            new("open", OpenAsync),
        ],
        cancellationToken);

    // A server that held its commits is open meanwhile.
    private Task CommittedAsync(CancellationToken cancellationToken) =>
        context.ForeignAcks.LookWhileAsync(_log.WaitForCommitAsync(_target, cancellationToken).AsTask(), cancellationToken);

    private async Task CaughtUpAsync(CancellationToken cancellationToken)
    {
        var patience = new PromotionPatience(context);
        while (true)
        {
            var report = await context.Standing.ReadAsync(cancellationToken);
            switch (report.Standing)
            {
                case Standing.AheadOfLog:
                case Standing.Exact exact when IsLast(exact):
                    return;
                case Standing.Exact:
                    await KeepFeedingAsync(report.Position);
                    break;
                default:
                    throw new PromotionFailedException(
                        $"The server's data do not go on from the cluster's log: {Explain(report.Standing)} It cannot lead; hand the lead to another node.");
            }

            context.Board.Update(s => s with { Position = report.Position.Current.ToString() });
            await patience.WaitAsync(report.Position.Current, cancellationToken);
        }
    }

    private async Task AloneAsync(CancellationToken cancellationToken)
    {
        await context.Feed.StopAsync();
        var report = await context.Standing.ReadAsync(cancellationToken);
        if (report.Standing is not Standing.AheadOfLog && !(report.Standing is Standing.Exact exact && IsLast(exact)))
            throw new PromotionFailedException($"The server moved while it was promoted: {Explain(report.Standing)}");
    }

    private async Task GatedAsync(CancellationToken cancellationToken)
    {
        await WriteGate.EnableSemiSyncAsync(context.Server);
        var capture = await attachAsync();
        var began = context.Time.GetTimestamp();
        while (true)
        {
            await context.ForeignAcks.LookAsync();
            var gate = await WriteGate.StatusAsync(context.Server);
            if (capture.Attached.IsCompletedSuccessfully && gate is { SemiSyncStatusOn: true, SemiSyncClients: 1 } && context.ForeignAcks.IsQuiet)
                return;
            if (context.ForeignAcks.Persists || capture.Attached.IsFaulted || context.Time.GetElapsedTime(began) > context.Options.AttachPatience)
                throw NotAttached(capture);
            await Task.Delay(Pause, context.Time, cancellationToken);
        }
    }

    private PromotionFailedException NotAttached(ICapture capture) => new(context.ForeignAcks is { IsQuiet: false, Reason: var reason }
        ? reason
        : $"WolfScale could not attach to the server as its semi-sync replica: {capture.LastFault?.Message ?? "no answer in time."}");

    /// <summary>A leader's own tail comes first: it is older than anything that will be written from now on.</summary>
    private async Task CapturedAsync(CancellationToken cancellationToken)
    {
        var position = await PositionReader.ReadAsync(context.Server);
        if (position.Current.Find(position.Domain) is not { } last)
            return;
        var patience = new PromotionPatience(context);
        while (true)
        {
            var view = new LogView(_log, position.Domain);
            if (view.Find(last) is { } lsn)
            {
                await context.ForeignAcks.LookWhileAsync(_log.WaitForCommitAsync(lsn, cancellationToken).AsTask(), cancellationToken);
                return;
            }

            await context.ForeignAcks.LookAsync();
            await patience.WaitAsync(view.Last is { } gtid ? GtidPosition.Of(gtid) : GtidPosition.Empty, cancellationToken);
        }
    }

    private async Task EventsAsync(CancellationToken cancellationToken)
    {
        if (!context.Options.RunEvents)
            return;
        foreach (var remark in await new EventSwitch(context.Server).StartAsync(await events.RecallAsync(cancellationToken)))
            LogEvent(context.Logger, remark);
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        // Should the term end right after this look, no harm is done: its capture is gone, and no commit gets an ACK.
        cancellationToken.ThrowIfCancellationRequested();
        await WriteGate.OpenAsync(context.Server);
    }

    private bool IsLast(Standing.Exact exact) => exact.Lsn >= (_log.LastGroupAtOrBefore(_target)?.LastLsn ?? 0);

    private async Task KeepFeedingAsync(ServerPosition position)
    {
        if (!context.Feed.Started || (await context.Feed.StatusAsync()).IsStopped)
            await context.Feed.StartAsync(position.Current);
    }

    private static string Explain(Standing standing) => standing switch
    {
        Standing.Diverged diverged => $"after '{diverged.Ancestor}' it holds {diverged.Tail.Length} transactions that the cluster does not have.",
        Standing.BehindUnknown behind => behind.Reason,
        Standing.Unrelated unrelated => unrelated.Reason,
        Standing.Exact exact => $"it stands at LSN {exact.Lsn}.",
        _ => standing.ToString(),
    };

    [LoggerMessage(3051, LogLevel.Warning, "{Remark}")]
    private static partial void LogEvent(ILogger logger, string remark);
}
