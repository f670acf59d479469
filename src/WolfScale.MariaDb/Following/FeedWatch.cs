using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Events;
using WolfScale.MariaDb.Health;
using WolfScale.MariaDb.Positions;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Following;

/// <summary>
/// Feeds a server that stands exactly at a group of the log, and watches it: how far it has come, whether it has stopped, whether someone writes to it.
/// </summary>
internal sealed partial class FeedWatch(ServerContext context, EventMemory events)
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PollLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    /// <summary>Failed starts in a row without any progress, after which the error is taken for lasting.</summary>
    private const int Patience = 5;

    /// <summary>What keeps the applier from its work for long is looked at every 4 s: two to this power.</summary>
    private const int LongestMoment = 2;

    private readonly HealthCheck _health = new(context);
    private string _failedAt = "";
    private int _failures;
    private int _moments;
    private bool _wasInStep;

    /// <summary>Feeds until the server must be compared with the log again.</summary>
    /// <returns>How long to wait before that; zero for at once.</returns>
    public async Task<TimeSpan> RunAsync(ServerPosition position, CancellationToken cancellationToken)
    {
        var rewinds = context.Log.Rewinds;
        if (PositionComparison.Compare(position, context.Log) is not Standing.Exact { IsCommitted: true })
            return TimeSpan.Zero; // the log was rewound since it was compared
        await context.Feed.StartAsync(position.Current);
        LogFeeding(position.Current.ToString());
        var lastStatus = context.Time.GetTimestamp();
        using var poll = new PeriodicTimer(context.Options.PollInterval, context.Time);
        while (true)
        {
            var now = await ReadAsync(position);
            var found = AppliedLsn.Errant(context.Log, now.Binlog, now.State, position.ServerId, position.Domain);
            if (context.Log.Rewinds != rewinds)
                return await RewoundAsync();
            if (found is { } errant)
                return await ErrantAsync(errant);
            if (now.IsOpen)
                return await OpenedAsync();
            Publish(now.Slave, position.Domain);
            if (context.Hold.IsWanted)
                return await HoldAsync(position, rewinds, cancellationToken);

            if (context.Time.GetElapsedTime(lastStatus) >= StatusInterval)
            {
                lastStatus = context.Time.GetTimestamp();
                await context.LookAtDisksAsync();
                var status = await context.Feed.StatusAsync();
                if (status.IsStopped)
                    return await StoppedAsync(status, now.Slave);
                await _health.RunWhenDueAsync();
                await events.ListenAsync(cancellationToken);
                context.CheckPeers(leads: false);
            }

            await poll.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Somebody copies the server: it stands still until that is over, and falls behind. The end of the role ends it too: a server that is to lead does not wait
    /// for a copy.
    /// </summary>
    private async Task<TimeSpan> HoldAsync(ServerPosition position, long rewinds, CancellationToken cancellationToken)
    {
        await context.Feed.StopAsync();
        LogHeld(context.Logger);
        using var hold = context.Hold.Enter();
        using var poll = new PeriodicTimer(context.Options.PollInterval, context.Time);
        while (context.Hold.IsWanted)
        {
            var now = await ReadAsync(position);
            var found = AppliedLsn.Errant(context.Log, now.Binlog, now.State, position.ServerId, position.Domain);
            if (context.Log.Rewinds != rewinds)
                return await RewoundAsync();
            if (found is { } errant)
                return await ErrantAsync(errant);
            if (now.IsOpen)
                return await OpenedAsync();
            Publish(now.Slave, position.Domain);
            await _health.RunWhenDueAsync();
            await poll.WaitForNextTickAsync(cancellationToken);
        }

        return TimeSpan.Zero;
    }

    private sealed record Reading(GtidPosition Slave, GtidPosition Binlog, IReadOnlyList<Gtid> State, bool IsOpen);

    private async Task<Reading> ReadAsync(ServerPosition position)
    {
        // In this order: a group that is in the binlog position is in the log, unless the server made it.
        var row = (await context.Server.QueryAsync(
            "SELECT @@global.gtid_slave_pos AS slave_pos, @@global.gtid_binlog_pos AS binlog_pos, @@global.gtid_binlog_state AS state, @@global.read_only AS ro",
            PollLimit))[0];
        return new Reading(
            GtidPosition.Parse(row["slave_pos"]),
            GtidPosition.Parse(row["binlog_pos"]),
            [.. row["state"].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(g => Gtid.Parse(g.AsSpan().Trim()))],
            row["ro"].ToUpperInvariant() is "0" or "OFF");
    }

    private void Publish(GtidPosition slave, uint domain)
    {
        var (applied, lag) = AppliedLsn.Of(context.Log, slave, domain);
        var inStep = lag <= context.Options.MaxActiveLagEntries;
        _wasInStep |= inStep;
        if (slave.ToString() != _failedAt)
            (_failures, _moments) = (0, 0);
        context.Board.Update(s => s with
        {
            Phase = DatabasePhase.Following,
            Up = true,
            HoldsCommits = false,
            Fit = lag <= context.Options.MaxFitLagEntries && context.CanLead,
            IsLagging = _wasInStep && !inStep,
            Position = slave.ToString(),
            AppliedLsn = applied,
            LagEntries = lag,
            // Without the number, which stands beside it and changes with every look: each new reason is a line in the log.
            Reason = !context.CanLead ? context.CannotLeadReason : inStep ? "" : $"The server lags more than {context.Options.MaxActiveLagEntries} entries behind the cluster.",
        });
    }

    /// <summary>
    /// Mode "available": the log was cut off below what the server may have applied. What of it the cluster does not have is no write of the server's own; the
    /// comparison finds it, and the ladder takes it back.
    /// </summary>
    private async Task<TimeSpan> RewoundAsync()
    {
        await context.Feed.StopAsync();
        LogRewound(context.Logger);
        context.Board.Enter(DatabasePhase.Waiting, "The cluster goes on without a part of what this node's log held: the server is compared with it.");
        return TimeSpan.Zero;
    }

    private async Task<TimeSpan> ErrantAsync(Gtid errant)
    {
        await context.Feed.StopAsync();
        var reason = $"The server wrote {errant} by itself, which the cluster does not have: by an account that read_only does not stop, or FLUSH or ANALYZE by one with RELOAD. "
            + "Find out who; such statements belong on the leader.";
        LogErrant(reason);
        context.Board.Update(s => s with { LastErrant = reason });
        context.Board.Enter(DatabasePhase.Waiting, reason);
        return TimeSpan.Zero;
    }

    private async Task<TimeSpan> OpenedAsync()
    {
        await context.Feed.StopAsync();
        LogOpened();
        return TimeSpan.Zero;
    }

    /// <summary>
    /// The applier or the fetcher has stopped. Most often the comparison that follows shows why; what lasts although the server stands where it should is
    /// a difference in its data, which only a copy cures.
    /// </summary>
    private async Task<TimeSpan> StoppedAsync(ReplicationStatus status, GtidPosition slave)
    {
        await context.Feed.StopAsync();
        if (slave.ToString() != _failedAt)
            _failures = 0;
        _failedAt = slave.ToString();
        _failures++;
        var error = status.ErrorNumber == 0 ? "without an error: someone stopped it" : $"with error {status.ErrorNumber}: {status.Error}";
        LogStopped(_failedAt, error);
        if (status.ErrorNumber == ReplicationStatus.GtidOutOfOrder || status.ErrorNumber == 0)
            return _failures > Patience ? TimeSpan.FromSeconds(1) : TimeSpan.Zero;
        if (context.Board.State.CannotWrite.Length > 0 || ServerErrors.IsOfTheMoment(status.ErrorNumber))
        {
            // What its data cannot take is no difference in them, nor is what others keep them from taking.
            _failures = 0;
            context.Board.Enter(DatabasePhase.Waiting, $"Applying the log stopped at '{_failedAt}' {error} It is tried again.");
            return TimeSpan.FromSeconds(1 << Math.Min(_moments++, LongestMoment)); // what lasts is not looked at every second
        }

        if (_failures >= Patience)
        {
            context.Board.Enter(
                DatabasePhase.NeedsMigration,
                $"Applying the log stops at '{_failedAt}' {error} The server's data differ from the cluster's there: mend them, or copy a member's data to it.");
            return LongestRetry;
        }

        context.Board.Enter(DatabasePhase.Waiting, $"Applying the log stopped at '{_failedAt}' {error} It is tried again.");
        return TimeSpan.FromMilliseconds(250 << Math.Min(_failures, 4));
    }

    private void LogFeeding(string position) => LogFeeding(context.Logger, position);

    private void LogErrant(string reason) => LogErrant(context.Logger, reason);

    private void LogOpened() => LogOpened(context.Logger);

    private void LogStopped(string position, string error) => LogStopped(context.Logger, position, error);

    [LoggerMessage(3040, LogLevel.Information, "The server follows from GTID position '{Position}' on.")]
    private static partial void LogFeeding(ILogger logger, string position);

    [LoggerMessage(3041, LogLevel.Error, "Errant transaction: {Reason}")]
    private static partial void LogErrant(ILogger logger, string reason);

    [LoggerMessage(3042, LogLevel.Error, "Someone set read_only=0 on a server that follows. It is closed again; whatever sets it would let writes in that the cluster does not have.")]
    private static partial void LogOpened(ILogger logger);

    [LoggerMessage(3045, LogLevel.Warning, "The log was rewound: the server's feed is stopped, and the server is compared with the log.")]
    private static partial void LogRewound(ILogger logger);

    [LoggerMessage(3044, LogLevel.Information, "The server's feed is held while the server is copied; then it catches up.")]
    private static partial void LogHeld(ILogger logger);

    [LoggerMessage(3043, LogLevel.Warning, "Applying the log stopped at '{Position}' {Error}")]
    private static partial void LogStopped(ILogger logger, string position, string error);
}
