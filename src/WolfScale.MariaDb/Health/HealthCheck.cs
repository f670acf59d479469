using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Preflight;
using WolfScale.MariaDb.Roles;

namespace WolfScale.MariaDb.Health;

/// <summary>Checks the server now and then, and puts what it finds on the board.</summary>
internal sealed class HealthCheck(ServerContext context)
{
    /// <summary>One row, rewritten at each check. Made on each server apart, under <c>sql_log_bin=0</c>.</summary>
    private const string Table = $"`{PrivilegeRules.OwnSchema}`.`health`";

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(8);

    private long _last;
    private long _lastCommitLsn = -1;
    private bool _isPrepared;

    /// <summary>On a follower: the applier's own writes show that writing works. What the leader's test writes into is made here, because a promotion has no time for it.</summary>
    public async Task RunWhenDueAsync()
    {
        if (!IsDue())
            return;
        _ = await RunAsync(leads: false);
        if (!_isPrepared)
            await RemakeAsync();
    }

    /// <summary>On the leader.</summary>
    /// <returns>The report, or null when none is due yet.</returns>
    public async Task<HealthReport?> RunWhenDueOnLeaderAsync() => IsDue() ? await RunAsync(leads: true) : null;

    private bool IsDue()
    {
        if (_last != 0 && context.Time.GetElapsedTime(_last) < context.Options.HealthInterval)
            return false;
        _last = context.Time.GetTimestamp();
        return true;
    }

    private async Task<HealthReport> RunAsync(bool leads)
    {
        var began = context.Time.GetTimestamp();
        _ = await context.Server.ScalarAsync("SELECT 1");
        var readMs = context.Time.GetElapsedTime(began).TotalMilliseconds;

        string? error = null;
        double? writeMs = null;
        if (leads)
        {
            began = context.Time.GetTimestamp();
            error = await WriteAsync();
            writeMs = context.Time.GetElapsedTime(began).TotalMilliseconds;
        }

        var commitLsn = context.Log.CommitLsn;
        var report = HealthRules.Judge(new HealthReading(
            await WriteGate.StatusAsync(context.Server), leads, commitLsn == _lastCommitLsn, readMs, writeMs, error, context.Disks.FreeBytes, await LostSettings.LookAsync(context.Server)));
        _lastCommitLsn = commitLsn;
        if (context.ForeignAcks.Alarm is { } alarm)
            report = report with { Alarms = report.Alarms.Add(alarm) };
        context.Board.Update(s => s with { Alarms = report.Alarms });
        return report;
    }

    private async Task<string?> WriteAsync()
    {
        if (!context.Server.LeavesNoTrace)
            return null;
        try
        {
            await context.Server.ExecuteAsync($"UPDATE {Table} SET at = NOW(3) WHERE id = 1", Longest);
            return null;
        }
        catch (MySqlException e) when (e.Number == ServerErrors.LockWaitTimeout)
        {
            return null; // Someone holds a lock over everything, a backup most likely: that is not the server's illness.
        }
        catch (MySqlException e) when (e.Number is ServerErrors.NoSuchTable or ServerErrors.NoSuchSchema)
        {
            await RemakeAsync();
            return null;
        }
        catch (MySqlException e) when (context.Server.IsOpen)
        {
            return string.Create(CultureInfo.InvariantCulture, $"error {e.Number}: {e.Message}");
        }
    }

    /// <summary>Someone dropped our schema. Commits that wait may block DDL; then the next check tries again.</summary>
    private async Task RemakeAsync()
    {
        try
        {
            await PrepareAsync(context.Server);
            _isPrepared = true;
        }
        catch (MySqlException) when (context.Server.IsOpen)
        {
            // Without the table there is no test write, and all else of the check goes on.
        }
    }

    /// <summary>Makes what the check writes to. Call it while nothing blocks DDL: a commit that waits for its ACK does.</summary>
    private static async Task PrepareAsync(AdminConnection server)
    {
        if (!server.LeavesNoTrace)
            return;
        await server.ExecuteAsync($"CREATE DATABASE IF NOT EXISTS `{PrivilegeRules.OwnSchema}`");
        await server.ExecuteAsync($"CREATE TABLE IF NOT EXISTS {Table} (id INT PRIMARY KEY, at TIMESTAMP(3) NOT NULL) ENGINE=InnoDB COMMENT='WolfScale: not replicated'");
        await server.ExecuteAsync($"INSERT IGNORE INTO {Table} VALUES (1, NOW(3))");
    }
}
