using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Events;
using WolfScale.MariaDb.Following;
using WolfScale.MariaDb.Plans;
using WolfScale.MariaDb.Positions;
using WolfScale.MariaDb.Rewind;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// The server of a node that does not lead, until the role ends:
/// <code>
///   1 a rewind is under way?  ─▶ finish it: its journal alone says where the server stands
///   2 open for writes?        ─▶ nobody else leads, and its gate holds every commit back ─▶ hold, and look again
///                             ─▶ otherwise Demotion
///   3 compare with the log    ─▶ exact ─▶ feed, and watch ─▶ (an errant group, an error) ─▶ 3
///                             ─▶ groups of its own, fate not known ─▶ wait
///                             ─▶ groups of its own, dropped by the cluster ─▶ rejoin ladder ─▶ 3
///                             ─▶ no way in place ─▶ NEEDS_MIGRATION, looked at again now and then
/// </code>
/// </summary>
internal sealed partial class FollowerRole(ServerContext context, EventMemory events)
{
    /// <summary>Plan of a promotion; found open, it was interrupted, and the server may stand half open.</summary>
    public const string PromotionPlan = "promotion";

    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan NowAndThen = TimeSpan.FromSeconds(2);

    private readonly RejoinLadder _ladder = new(context);
    private readonly FeedWatch _watch = new(context, events);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await RewindPlan.LoadAsync(context.Store, cancellationToken) is { } open) // 1
            {
                await ResumeRewindAsync(open.Journal, open.Step, cancellationToken);
                continue;
            }

            var pause = await HoldsAsync(cancellationToken) // 2
                ? await HoldAsync(cancellationToken)
                : await StepAsync(cancellationToken); // 3
            if (pause is { } time)
                await Task.Delay(time, context.Time, cancellationToken);
        }
    }

    /// <summary>Closes a server that must be closed.</summary>
    /// <returns>True when it stays open and gated: the quorum is away, and with it everybody who could lead.</returns>
    private async Task<bool> HoldsAsync(CancellationToken cancellationToken)
    {
        var gate = await WriteGate.StatusAsync(context.Server);
        var closing = await context.Store.LoadAsync(Demotion.PlanName, cancellationToken) is not null;
        var interrupted = closing || await context.Store.LoadAsync(PromotionPlan, cancellationToken) is not null;
        if (!gate.IsOpen && !gate.SemiSyncEnabled && !interrupted)
            return false;
        if (gate.HoldsCommits && !closing && context.MayHold())
            return true;
        await CloseAsync(cancellationToken);
        return false;
    }

    /// <summary>
    /// A demotion would make what waits visible, un-acknowledged, before anyone knows whether the cluster has it. Nothing is lost by waiting:
    /// without an ACK no commit ends and no client is told anything.
    /// </summary>
    private async Task<TimeSpan?> HoldAsync(CancellationToken cancellationToken)
    {
        var report = await context.Standing.ReadAsync(cancellationToken);
        context.Board.Update(s => s with
        {
            Phase = DatabasePhase.Waiting,
            Up = true,
            Position = report.Position.Current.ToString(),
            Fit = report.Standing is Standing.Exact or Standing.AheadOfLog && context.CanLead,
            Reason = "No leader is known. The server's commits wait, unacknowledged, until a majority of the nodes is back.",
        });
        return Soon;
    }

    private async Task CloseAsync(CancellationToken cancellationToken)
    {
        // A restarted server is read-only already and only has semi-sync on, as its configuration says; the steps are the same.
        context.Board.Enter(DatabasePhase.Demoting, "The server is being closed for writes.");
        await new Demotion(context.Connector, context.Server, context.Plans, context.Logger).RunAsync(cancellationToken);
        await context.Store.ClearAsync(PromotionPlan, cancellationToken);
    }

    /// <returns>How long to wait before the next look; null for at once.</returns>
    private async Task<TimeSpan?> StepAsync(CancellationToken cancellationToken)
    {
        if (context.Log.CommitLsn == 0)
        {
            context.Board.Enter(DatabasePhase.Waiting, "Nothing of the cluster's log has arrived yet.");
            return Soon;
        }

        var report = await context.Standing.ReadAsync(cancellationToken);
        context.Board.Update(s => s with { Position = report.Position.Current.ToString() });
        switch (report.Standing)
        {
            case Standing.Exact { IsCommitted: true }:
                return await _watch.RunAsync(report.Position, cancellationToken);
            case Standing.Exact or Standing.AheadOfLog:
                // It could lead: a promotion captures what the log lacks first. So it counts as fit, where its settings allow it.
                if (report.Standing is Standing.Exact || !context.Log.IsSettled)
                    return await WaitAsync(report.Standing is Standing.Exact
                        ? "The server's last transaction is in the log and not committed yet."
                        : "The server holds transactions that are not in the log; whether the cluster has them is not known yet.", canLead: true);
                return await _ladder.RunAsync(report, cancellationToken);
            case Standing.Diverged when context.Log.IsSettled:
                return await _ladder.RunAsync(report, cancellationToken);
            case Standing.Diverged:
                return await WaitAsync("The server holds transactions that this node's log does not; whether the cluster has them is not known yet.", canLead: false);
            case Standing.BehindUnknown { Reason: var reason }:
                return await GiveUpAsync(reason);
            case Standing.Unrelated { Reason: var reason }:
                return await GiveUpAsync(reason);
            default:
                throw new InvalidOperationException($"A comparison ended in {report.Standing}.");
        }
    }

    /// <summary>Nothing is fed and nothing undone: what the log lacks now may still come, and what it has may still go.</summary>
    private async Task<TimeSpan?> WaitAsync(string reason, bool canLead)
    {
        await context.Feed.StopAsync();
        context.Board.Update(s => s with
        {
            Phase = DatabasePhase.Waiting,
            Up = true,
            Fit = canLead && context.CanLead,
            Reason = reason,
        });
        return Soon;
    }

    /// <summary>Second rung: only a copy of a member's data helps. Unless the log is merely behind: then what it lacks may still arrive.</summary>
    private async Task<TimeSpan?> GiveUpAsync(string reason)
    {
        if (!context.Log.IsSettled)
            return await WaitAsync($"{reason} (Not certain before this node's log has caught up with a leader.)", canLead: false);
        await context.Feed.StopAsync();
        if (context.Board.State.Phase != DatabasePhase.NeedsMigration || context.Board.State.Reason != reason)
            LogNeedsMigration(context.Logger, reason);
        context.Board.Enter(DatabasePhase.NeedsMigration, reason);
        return NowAndThen;
    }

    private async Task ResumeRewindAsync(RewindJournal journal, string step, CancellationToken cancellationToken)
    {
        _ = await HoldsAsync(cancellationToken); // a server under rewind is never open
        await context.Feed.StopAsync();
        if (await _ladder.ResumeAsync(journal, step, cancellationToken) is { } pause)
            await Task.Delay(pause, context.Time, cancellationToken);
    }

    [LoggerMessage(3010, LogLevel.Error, "The server cannot rejoin in place (NEEDS_MIGRATION): {Reason}")]
    private static partial void LogNeedsMigration(ILogger logger, string reason);
}
