using System.Collections.Immutable;
using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Events;
using WolfScale.MariaDb.Roles;

namespace WolfScale.MariaDb;

/// <summary>How WolfScale holds a server, or held it.</summary>
/// <param name="Version">The server's <c>@@version</c>.</param>
/// <param name="GtidPosition">Where it stands.</param>
/// <param name="IsOpen">It takes writes.</param>
/// <param name="SemiSync">Commits wait for an acknowledgement.</param>
/// <param name="WaitingCommits">So many wait now; they commit when semi-sync goes off.</param>
/// <param name="HasFeed">The replication connection <c>wolfscale</c> is there.</param>
/// <param name="Remarks">What wants a look.</param>
public sealed record DetachmentReport(
    string Version, string GtidPosition, bool IsOpen, bool SemiSync, int WaitingCommits, bool HasFeed, ImmutableArray<string> Remarks);

/// <summary>Gives a server back: after it nothing in it waits for WolfScale. The node must not run: it would take the server in hand again.</summary>
public static class Detachment
{
    private static readonly string Feed = Sql.Text(ServerFacts.FeedConnection);

    /// <summary>Looks, and changes nothing.</summary>
    /// <exception cref="DatabaseException">The server cannot be worked with.</exception>
    public static Task<DetachmentReport> LookAsync(DatabaseOptions options, CancellationToken cancellationToken) =>
        WorkAsync(options, server => LookAsync(server, []), cancellationToken);

    /// <summary>
    /// Does it, in an order in which each step can be done again after a crash: 1 the feed goes, so that nothing is applied any more; 2 semi-sync goes off, and
    /// what waited commits; 3 events are as the leader had them; 4 last, the server takes writes.
    /// </summary>
    /// <param name="options">Where the server is.</param>
    /// <param name="events">What the node remembers of the leader's events, as JSON; null: nothing.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    /// <exception cref="DatabaseException">The server cannot be worked with.</exception>
    public static Task<DetachmentReport> RunAsync(DatabaseOptions options, string? events, CancellationToken cancellationToken) => WorkAsync(
        options, async server =>
        {
            if (await HasFeedAsync(server))                                                     // 1
            {
                await server.ExecuteAsync($"STOP SLAVE {Feed}", TimeSpan.FromMinutes(1));
                await server.ExecuteAsync($"RESET SLAVE {Feed} ALL");
            }

            cancellationToken.ThrowIfCancellationRequested();
            await WriteGate.DisableSemiSyncAsync(server);                                       // 2
            await server.ExecuteAsync("SET GLOBAL rpl_semi_sync_slave_enabled = OFF");
            cancellationToken.ThrowIfCancellationRequested();
            var remarks = await new EventSwitch(server).StartAsync(events is null ? null : EventKnowledge.FromJson(events)); // 3
            await WriteGate.OpenAsync(server);                                                  // 4
            return await LookAsync(server, [.. remarks]);
        },
        cancellationToken);

    private static async Task<DetachmentReport> LookAsync(AdminConnection server, ImmutableArray<string> remarks)
    {
        var gate = await WriteGate.StatusAsync(server);
        var row = (await server.QueryAsync("SELECT @@version AS v, @@gtid_current_pos AS p"))[0];
        return new DetachmentReport(row["v"], row["p"], gate.IsOpen, gate.SemiSyncEnabled, gate.WaitingSessions, await HasFeedAsync(server), remarks);
    }

    private static async Task<bool> HasFeedAsync(AdminConnection server)
    {
        try
        {
            return await server.QueryAsync($"SHOW SLAVE {Feed} STATUS") is [_, ..];
        }
        catch (MySqlException e) when (e.Number == ServerErrors.NoSuchReplication)
        {
            return false;
        }
    }

    private static async Task<DetachmentReport> WorkAsync(DatabaseOptions options, Func<AdminConnection, Task<DetachmentReport>> work, CancellationToken cancellationToken)
    {
        var where = options.Socket.Length > 0 ? options.Socket : string.Create(CultureInfo.InvariantCulture, $"{options.Host}:{options.Port}");
        try
        {
            await using var server = await new ServerConnector(options).OpenAsync(cancellationToken);
            if (!server.LeavesNoTrace)
                throw new DatabaseException($"The account {options.User} of MariaDB at {where} may not set sql_log_bin: give it the privileges that `wolfscale init --sql` prints.");
            return await work(server);
        }
        catch (MySqlException e)
        {
            throw new DatabaseException($"MariaDB at {where} cannot be worked with: {e.Message}", e);
        }
    }
}
