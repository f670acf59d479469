using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Events;
using WolfScale.MariaDb.Following;
using WolfScale.MariaDb.Positions;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// The server of a node that does not lead, until the role ends:
/// <code>
///   1 open for writes?        ─▶ nobody else leads, and its gate holds every commit back ─▶ hold, and look again
///                             ─▶ otherwise Demotion
///                             ─▶ cannot write (disk full, read-only)? ─▶ wait for room
///   2 a migration or a rewind is under way, or a migration is ordered? ─▶ finish it: its journal alone says where the server stands
///   3 compare with the log    ─▶ exact ─▶ feed, and watch ─▶ (an errant group, an error) ─▶ 3
///                             ─▶ groups of its own, fate not known ─▶ wait
///                             ─▶ groups of its own, dropped by the cluster ─▶ rejoin ladder ─▶ 3
///                             ─▶ no way in place ─▶ NEEDS_MIGRATION ─▶ 4
///   4 may the node copy another's data by itself?  ─▶ it does ─▶ 3;  else it is looked at again now and then
/// </code>
/// </summary>
internal sealed partial class FollowerRole(ServerContext context, EventMemory events)
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Room = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan NowAndThen = TimeSpan.FromSeconds(2);

    private readonly FeedWatch _watch = new(context, events);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await context.LookAtDisksAsync();
            var pause = await Closing.HoldsAsync(context, cancellationToken) // 1
                ? await HoldAsync(cancellationToken)
                : WaitForRoom()
                  ?? await context.Migrations.RunDueAsync() // 2
                  ?? await context.Ladder.ResumeAsync(cancellationToken) // 2
                  ?? await StepAsync(cancellationToken); // 3
            if (context.Board.State.Phase == DatabasePhase.NeedsMigration)
                pause = await context.Migrations.RunByItselfAsync() ?? pause; // 4
            if (pause > TimeSpan.Zero)
                await Task.Delay(pause, context.Time, cancellationToken);
        }
    }

    /// <summary>Open and gated: nobody leads, and what waits goes on waiting.</summary>
    private async Task<TimeSpan> HoldAsync(CancellationToken cancellationToken)
    {
        await context.ForeignAcks.LookAsync();
        if (context.ForeignAcks.Persists)
        {
            LogNotHeld(context.Logger, context.ForeignAcks.Reason);
            await Closing.CloseAsync(context);
            return TimeSpan.Zero;
        }

        var report = await context.Standing.ReadAsync(cancellationToken);
        context.Board.Update(s => s with
        {
            Phase = DatabasePhase.Waiting,
            Up = true,
            Position = report.Position.Current.ToString(),
            Fit = report.Standing is Standing.Exact or Standing.AheadOfLog && context.CanLead,
            HoldsCommits = true,
            Reason = "No leader is known. The server's commits wait, unacknowledged, until there is one again.",
        });
        return Soon;
    }

    /// <summary>A server that cannot write is left as it is: nothing is fed to it, undone or replaced, and what it holds says nothing of its data (a commit may be half written).</summary>
    private TimeSpan? WaitForRoom()
    {
        if (context.Board.State.CannotWrite.Length == 0)
            return null;
        context.Board.Enter(DatabasePhase.Waiting, "");
        return Room;
    }

    /// <returns>How long to wait before the next look; zero for at once.</returns>
    private async Task<TimeSpan> StepAsync(CancellationToken cancellationToken)
    {
        if (await UnloggedWrites.AreNotedAsync(context.Store, cancellationToken))
            return await GiveUpAsync(UnloggedWrites.Reason);
        if (context.Log.CommitLsn == 0)
        {
            context.Board.Enter(DatabasePhase.Waiting, "Nothing of the cluster's log has arrived yet.");
            return Soon;
        }

        // Before the comparison: what had arrived by the time of it is what the verdict may rest on.
        var isSettled = context.Log.IsSettled;
        var report = await context.Standing.ReadAsync(cancellationToken);
        context.Board.Update(s => s with { Position = report.Position.Current.ToString() });
        switch (report.Standing)
        {
            case Standing.Exact { IsCommitted: true }:
                return await _watch.RunAsync(report.Position, cancellationToken);
            case Standing.Exact or Standing.AheadOfLog:
                // It could lead: a promotion captures what the log lacks first. So it counts as fit, where its settings allow it.
                if (report.Standing is Standing.Exact || !isSettled)
                    return await WaitAsync(report.Standing is Standing.Exact
                        ? "The server's last transaction is in the log and not committed yet."
                        : "The server holds transactions that are not in the log; whether the cluster has them is not known yet.", canLead: true);
                return await context.Ladder.RunAsync(report, cancellationToken);
            case Standing.Diverged when isSettled || context.Log.IsOwnHistory:
                return await context.Ladder.RunAsync(report, cancellationToken);
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
    private async Task<TimeSpan> WaitAsync(string reason, bool canLead)
    {
        await context.Feed.StopAsync();
        context.Board.Update(s => s with
        {
            Phase = DatabasePhase.Waiting,
            Up = true,
            HoldsCommits = false,
            Fit = canLead && context.CanLead,
            Reason = reason,
        });
        return Soon;
    }

    /// <summary>Second rung: only a copy of a member's data helps. Unless the log is merely behind: then what it lacks may still arrive.</summary>
    private async Task<TimeSpan> GiveUpAsync(string reason)
    {
        if (!context.Log.IsSettled)
            return await WaitAsync($"{reason} (Not certain before this node's log has caught up with a leader.)", canLead: false);
        await context.Feed.StopAsync();
        if (context.Board.State.Phase != DatabasePhase.NeedsMigration || context.Board.State.Reason != reason)
            LogNeedsMigration(context.Logger, reason);
        context.Board.Enter(DatabasePhase.NeedsMigration, reason);
        return NowAndThen;
    }

    [LoggerMessage(3011, LogLevel.Error, "The server does not go on holding its commits: {Reason}")]
    private static partial void LogNotHeld(ILogger logger, string reason);

    [LoggerMessage(3010, LogLevel.Error, "The server cannot rejoin in place (NEEDS_MIGRATION): {Reason}")]
    private static partial void LogNeedsMigration(ILogger logger, string reason);
}
