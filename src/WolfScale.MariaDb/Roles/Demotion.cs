using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Plans;

namespace WolfScale.MariaDb.Roles;

/// <summary>
/// Closes a server for writes so that no client is told OK for what the quorum may not have (design: Demotion). The order is the point:
/// <code>
///   1 cut      the proxy's sessions end
///   2 refuse   SET GLOBAL read_only=1 on a connection of its own: it waits behind the commits that wait for their ACK, and every
///              later write waits behind it
///   3 kill     KILL HARD every client: those that wait get 2013, never an OK, and their commits end (measured)
///   4 closed   read_only has taken effect; the rollback of a killed statement comes before it, which may take minutes
///   5 release  semi-sync off, behind a closed door: the applier is not to wait for an ACK
/// </code>
/// The gate stays on until the door is closed. The server withdraws a pending read_only within a second of the death of its connection (measured),
/// so a node that dies while it waits leaves the server open: then no commit ends, because nobody gives an ACK.
/// Every step may be done again, so an interrupted demotion begins at the first step: between the crash and now new clients may have come.
/// </summary>
internal sealed partial class Demotion(ServerConnector connector, AdminConnection server, PlanRunner plans, ILogger logger)
{
    public const string PlanName = "demotion";

    /// <summary>How often the clients are looked at while they end.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Looks at the clients while commits under way reach their wait for the ACK, which takes a sync of the binlog; 5 s.</summary>
    private const int CommitPatience = 500;

    /// <summary>Longest wait for <c>read_only</c>: rolling back a large transaction of a killed client comes before it.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(100);

    /// <summary>A commit that still waits for its ACK so long after every client was killed belongs to a thread that cannot be killed.</summary>
    private static readonly TimeSpan StuckPatience = TimeSpan.FromSeconds(5);

    private readonly List<AdminConnection> _own = [];
    private Task _readOnly = Task.CompletedTask;
    private Task _scheduler = Task.CompletedTask;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await plans.RunAsync(
                PlanName,
                "{}",
                [
                    new("cut", CutAsync),
                    new("refuse", RefuseAsync),
                    new("kill", KillAsync),
                    new("closed", ClosedAsync),
                    new("release", _ => WriteGate.DisableSemiSyncAsync(server)),
                ],
                from: null,
                cancellationToken);
        }
        finally
        {
            foreach (var connection in _own)
                await connection.DisposeAsync();
            await SwallowAsync(_readOnly);
            await SwallowAsync(_scheduler);
        }
    }

    private Task CutAsync(CancellationToken cancellationToken) =>
        connector.Options.CutProxySessions?.Invoke(cancellationToken) ?? Task.CompletedTask;

    private async Task RefuseAsync(CancellationToken cancellationToken)
    {
        var closing = await OwnAsync(cancellationToken);
        await closing.ExecuteAsync($"SET SESSION lock_wait_timeout = {(int)Longest.TotalSeconds}");
        _readOnly = closing.ExecuteAsync("SET GLOBAL read_only = 1", Longest);

        // The scheduler's thread may itself wait behind a commit, and stopping it waits for that thread: on a connection of its own too.
        if (await server.ScalarAsync("SELECT @@event_scheduler") == "ON")
            _scheduler = new Events.EventSwitch(await OwnAsync(cancellationToken)).StopAsync();

        // Either it has taken effect, or it is in the queue: from here on no write overtakes it.
        while (!_readOnly.IsCompleted && !await IsQueuedAsync(closing.Id))
            await Task.Delay(Pause, cancellationToken);
    }

    private async Task KillAsync(CancellationToken cancellationToken)
    {
        var killed = 0;
        for (var pass = 0; await ClientSessions.KillClientsAsync(connector, server, pass >= CommitPatience) is var count and > 0; pass++)
        {
            killed = Math.Max(killed, count);
            await Task.Delay(Pause, cancellationToken);
            while (await ClientSessions.AnyWaitsForSpaceAsync(server))
            {
                // Nobody is told anything before there is room; then all goes on from here.
                pass = -1;
                await Task.Delay(LookPause, cancellationToken);
            }
        }

        LogKilled(killed);
    }

    private async Task ClosedAsync(CancellationToken cancellationToken)
    {
        var stuck = new StuckCommits(server);
        try
        {
            for (var began = Stopwatch.GetTimestamp(); !_readOnly.IsCompleted;)
            {
                _ = await Task.WhenAny(_readOnly, Task.Delay(LookPause, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
                if (Stopwatch.GetElapsedTime(began) > StuckPatience && !_readOnly.IsCompleted)
                    await stuck.LetGoAsync();
            }

            await _readOnly;
        }
        finally
        {
            await stuck.EndAsync();
        }

        await _scheduler;
        if (await WriteGate.IsOpenAsync(server))
            throw new DatabaseException("read_only was set and is off again: something else sets it. Find what does, it would let writes in behind the cluster's back.");
    }

    private async Task<bool> IsQueuedAsync(long id) =>
        (await ClientSessions.ListAsync(server)).Any(s => s.Id == id && s.State.StartsWith("Waiting for", StringComparison.Ordinal));

    private async Task<AdminConnection> OwnAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var connection = await connector.OpenAsync(cancellationToken);
                _own.Add(connection);
                return connection;
            }
            catch (MySqlException e) when (e.Number == ServerErrors.TooManyConnections)
            {
                // Without an extra_port, writers that wait have taken every place. Killing them first is as safe: what comes in their stead waits
                // for an ACK as they did, and is killed in its turn.
                _ = await ClientSessions.KillClientsAsync(connector, server, committingToo: false);
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    private static async Task SwallowAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception e) when (e is MySqlException or InvalidOperationException or ObjectDisposedException)
        {
            // The plan has failed before, and says why; this statement went down with it.
        }
    }

    [LoggerMessage(3020, LogLevel.Information, "Closing the server for writes: {Count} client connections killed")]
    private partial void LogKilled(int count);
}
