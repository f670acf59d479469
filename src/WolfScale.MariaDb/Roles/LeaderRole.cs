using Microsoft.Extensions.Logging;
using MySqlConnector;
using WolfScale.MariaDb.Events;
using WolfScale.MariaDb.Health;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Rewind;

namespace WolfScale.MariaDb.Roles;

/// <summary>The server of the leading node: promoted, then watched, until the term ends. What goes wrong makes the node unfit, and is tried again.</summary>
internal sealed partial class LeaderRole(ServerContext context, LeaderCapture capture, Handover handover, EventMemory events)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Watch = TimeSpan.FromMilliseconds(50);

    private readonly HealthCheck _health = new(context);
    private EventKnowledge? _told;

    public async Task RunAsync(ILeaderLog lease, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await PromoteAsync(lease, cancellationToken))
                await ServeAsync(lease, cancellationToken);
            await Task.Delay(Retry, context.Time, cancellationToken);
        }
    }

    private async Task<bool> PromoteAsync(ILeaderLog lease, CancellationToken cancellationToken)
    {
        if (!context.CanLead)
        {
            context.Board.Enter(DatabasePhase.Promoting, context.CannotLeadReason);
            return false;
        }

        if (await RewindPlan.LoadAsync(context.Store, cancellationToken) is not null)
        {
            context.Board.Enter(DatabasePhase.Promoting, "A rewind of the server is under way; it ends when another node leads.");
            return false;
        }

        try
        {
            var began = context.Time.GetTimestamp();
            context.Board.Update(s => s with { Phase = DatabasePhase.Promoting, Up = true, Fit = true, Reason = "", Term = lease.Term });
            await new Promotion(context, lease, events, () => capture.AttachAsync(lease, context)).RunAsync(cancellationToken);
            LogServing(context.Logger, lease.Term, (long)context.Time.GetElapsedTime(began).TotalMilliseconds);
            return true;
        }
        catch (PromotionFailedException e)
        {
            LogFailed(context.Logger, e.Message);

            // Open from an earlier term, its commits waiting: what keeps it from being promoted may let them through, a foreign replica's ACK above all.
            if (await WriteGate.IsOpenAsync(context.Server))
                await new Demotion(context.Connector, context.Server, context.Plans, context.Logger).RunAsync(cancellationToken);
            context.Board.Enter(DatabasePhase.Promoting, e.Message);
            return false;
        }
    }

    /// <summary>Returns when serving must begin anew, from the promotion on.</summary>
    private async Task ServeAsync(ILeaderLog lease, CancellationToken cancellationToken)
    {
        handover.Clear();
        context.Board.Update(s => s with { Phase = DatabasePhase.Serving, Fit = true, Reason = "", Term = lease.Term });
        while (true)
        {
            var commitLsn = lease.Log.CommitLsn;
            context.Board.Update(s => s with { AppliedLsn = commitLsn, LagEntries = 0, Position = capture.Current?.LastCapturedGtid?.ToString() ?? s.Position });
            if (capture.Fault is { } fault)
            {
                context.Board.Enter(DatabasePhase.Promoting, $"Capture has ended: {fault}");
                return;
            }

            if (await _health.RunWhenDueOnLeaderAsync() is { } report && !await JudgeAsync(report))
                return;
            await Task.Delay(Watch, context.Time, cancellationToken);
        }
    }

    /// <returns>False when serving must begin anew.</returns>
    private async Task<bool> JudgeAsync(HealthReport report)
    {
        _told = await new EventSwitch(context.Server).ReadAsync(_told);
        var announcement = context.Facts.Announcement(_told).ToString();
        context.Board.Update(s => s with { Fit = report.Verdict != HealthVerdict.Sick, Reason = report.Reason, Announcement = announcement });
        var gate = await WriteGate.StatusAsync(context.Server);
        if (!gate.SemiSyncEnabled || !gate.SemiSyncStatusOn)
        {
            // What was written meanwhile is captured all the same: the new stream begins before the last commit known to be released.
            LogGateOff(context.Logger);
            await WriteGate.EnableSemiSyncAsync(context.Server);
            await capture.EndAsync();
            return false;
        }

        if (!gate.IsOpen && !handover.IsPrepared)
        {
            LogClosed(context.Logger);
            await WriteGate.OpenAsync(context.Server);
        }

        return true;
    }

    [LoggerMessage(3052, LogLevel.Information, "The server is open for writes in term {Term}, {Milliseconds} ms after the promotion began.")]
    private static partial void LogServing(ILogger logger, long term, long milliseconds);

    [LoggerMessage(3053, LogLevel.Error, "The promotion failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(3054, LogLevel.Critical, "Someone turned semi-sync off on the leader: commits did not wait for the quorum. It is on again.")]
    private static partial void LogGateOff(ILogger logger);

    [LoggerMessage(3055, LogLevel.Warning, "Someone set read_only=1 on the leader. It is opened again; to stop writes, demote the node.")]
    private static partial void LogClosed(ILogger logger);
}
