using Microsoft.Extensions.Logging;
using MySqlConnector;
using WolfScale.MariaDb.Events;
using WolfScale.MariaDb.Health;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Migration;
using WolfScale.MariaDb.Rewind;

namespace WolfScale.MariaDb.Roles;

/// <summary>The server of the leading node: promoted, then watched, until the term ends. What goes wrong makes the node unfit, and is tried again.</summary>
internal sealed partial class LeaderRole(ServerContext context, LeaderCapture capture, Handover handover, EventMemory events)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    /// <summary>A killed server is noticed at the next look, a frozen one after this.</summary>
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(2);

    /// <summary>Who turns semi-sync off again so soon will go on doing so.</summary>
    private static readonly TimeSpan GateOffAgain = TimeSpan.FromMinutes(1);

    private readonly HealthCheck _health = new(context);
    private const string GateOffTwice = "Someone turned semi-sync off on this server twice within a minute, so that commits did not wait for the quorum. It is closed for writes; find out who does that.";

    private EventKnowledge? _told;
    private long? _gateOffAt;

    public async Task RunAsync(ILeaderLog lease, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (!await PromoteAsync(lease, cancellationToken) || !await ServeAsync(lease, cancellationToken))
                await Task.Delay(Retry, context.Time, cancellationToken);
        }
    }

    private async Task<bool> PromoteAsync(ILeaderLog lease, CancellationToken cancellationToken)
    {
        context.Migrations.DropOrder();
        if (!context.CanLead)
        {
            context.Board.Enter(DatabasePhase.Promoting, context.CannotLeadReason);
            return false;
        }

        // A half-loaded copy must never be opened, whatever its position says. As a follower the node goes on with it.
        if (await MigrationPlan.LoadAsync(context.Store, cancellationToken) is not null)
        {
            context.Board.Enter(DatabasePhase.NeedsMigration, "The server's data are not whole: they were being replaced by a copy of another node's.");
            return false;
        }

        if (await UnloggedWrites.AreNotedAsync(context.Store, cancellationToken))
        {
            context.Board.Enter(DatabasePhase.NeedsMigration, UnloggedWrites.Reason);
            return false;
        }

        await context.LookAtDisksAsync();
        if (context.Board.State.CannotWrite.Length > 0)
        {
            context.Board.Enter(DatabasePhase.Promoting, "");
            return false;
        }

        // Begun as a follower, it is finished first: what it undoes was dropped in a term in which another node led.
        if (await RewindPlan.LoadAsync(context.Store, cancellationToken) is not null)
        {
            _ = await Closing.HoldsAsync(context, cancellationToken);
            if (await context.Ladder.ResumeAsync(cancellationToken) is { } pause && pause > TimeSpan.Zero)
                return false;
        }

        // Open without the gate (a demotion was cut short, the server was restarted), it would tell clients OK for what nobody else has; closed with
        // the gate on, its applier would wait for ACKs that nobody gives yet. Both are closed in order before anything else.
        if (await Closing.IsHalfOpenAsync(context, cancellationToken))
            await Closing.CloseAsync(context);

        try
        {
            var began = context.Time.GetTimestamp();
            context.Board.Update(s => s with { Phase = DatabasePhase.Promoting, Up = true, Fit = true, HoldsCommits = false, Reason = "", Term = lease.Term });
            await new Promotion(context, lease, events, () => capture.AttachAsync(lease, context)).RunAsync(cancellationToken);
            LogServing(context.Logger, lease.Term, (long)context.Time.GetElapsedTime(began).TotalMilliseconds);
            return true;
        }
        catch (PromotionFailedException e)
        {
            // Left open, with whoever else may be attached to it, it would not be gated by the quorum.
            await CloseForAsync(e.Message);
            return false;
        }
    }

    private async Task CloseForAsync(string reason)
    {
        LogFailed(context.Logger, reason);
        context.Board.Update(s => s with { Fit = false, Reason = reason }); // the lead is given away while it is being closed
        if (await WriteGate.IsOpenAsync(context.Server))
        {
            await capture.EndAsync();
            await Closing.CloseAsync(context);
        }

        context.Board.Enter(DatabasePhase.Promoting, reason);
    }

    /// <summary>Ends when serving must begin anew, from the promotion on.</summary>
    /// <returns>Whether at once: nothing is wrong with the server.</returns>
    private async Task<bool> ServeAsync(ILeaderLog lease, CancellationToken cancellationToken)
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
                return false;
            }

            // A node that is not fit hands the lead over at once (rule C3); what waits for an ACK meanwhile was told to nobody.
            await context.LookAtDisksAsync();
            await context.ForeignAcks.LookAsync(LookLimit);
            if (context.ForeignAcks.Persists)
            {
                await CloseForAsync(context.ForeignAcks.Reason);
                return false;
            }

            var gate = await WriteGate.StatusAsync(context.Server);
            if (!gate.Logs)
            {
                await LoggingEndedAsync(cancellationToken);
                return false;
            }

            if (!gate.SemiSyncEnabled || !gate.SemiSyncStatusOn)
                return await GateAgainAsync();
            if (handover.TakeResumed() && !await WriteGate.IsOpenAsync(context.Server))
                await WriteGate.OpenAsync(context.Server);
            if (await _health.RunWhenDueOnLeaderAsync() is { } report)
                await JudgeAsync(report);
            await Task.Delay(ForeignAcks.LookPause, context.Time, cancellationToken);
        }
    }

    /// <summary>
    /// Somebody has turned semi-sync off. Nothing that was promised hangs on the moment in between: the proxy lets no OK pass before the quorum holds the transaction, whatever the server
    /// says. It is turned on at once, before anything else. What was written meanwhile is captured all the same, because the new stream begins before the last commit known to be released:
    /// so this server keeps, and the cluster gets, what direct clients were told. Another leader would have to take it from them. Who does it again within a minute costs the server the lead.
    /// </summary>
    /// <returns>As <see cref="ServeAsync"/>.</returns>
    private async Task<bool> GateAgainAsync()
    {
        await WriteGate.EnableSemiSyncAsync(context.Server);
        LogGateOff(context.Logger);
        context.Board.Update(s => s.Alarms.Contains(HealthRules.GateOff) ? s : s with { Alarms = s.Alarms.Add(HealthRules.GateOff) });
        var again = _gateOffAt is { } last && context.Time.GetElapsedTime(last) < GateOffAgain;
        _gateOffAt = context.Time.GetTimestamp();
        if (again)
        {
            await CloseForAsync(GateOffTwice);
            return false;
        }

        await capture.EndAsync();
        return true;
    }

    /// <summary>What was written since the server's last transaction with a GTID is in no log, and never will be: see <see cref="UnloggedWrites"/>.</summary>
    private async Task LoggingEndedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await UnloggedWrites.NoteAsync(context.Store, cancellationToken);
        }
        finally
        {
            await CloseForAsync(UnloggedWrites.Reason);
        }
    }

    private async Task JudgeAsync(HealthReport report)
    {
        context.CheckPeers(leads: true);
        _told = await new EventSwitch(context.Server).ReadAsync(_told);
        var announcement = context.Facts.Announcement(_told).ToString();
        context.Board.Update(s => s with { Fit = report.Verdict != HealthVerdict.Sick, Reason = report.Reason, Announcement = announcement });
        if (!handover.IsPrepared && !await WriteGate.IsOpenAsync(context.Server))
        {
            LogClosed(context.Logger);
            await WriteGate.OpenAsync(context.Server);
        }
    }

    [LoggerMessage(3052, LogLevel.Information, "The server is open for writes in term {Term}, {Milliseconds} ms after the promotion began.")]
    private static partial void LogServing(ILogger logger, long term, long milliseconds);

    [LoggerMessage(3053, LogLevel.Error, "The server cannot be open for writes: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(3054, LogLevel.Critical, "Someone turned semi-sync off on the leader: commits did not wait for the quorum. It is on again.")]
    private static partial void LogGateOff(ILogger logger);

    [LoggerMessage(3055, LogLevel.Warning, "Someone set read_only=1 on the leader. It is opened again; to stop writes, demote the node.")]
    private static partial void LogClosed(ILogger logger);
}
