using MySqlConnector;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Migration;
using WolfScale.MariaDb.Physical;
using WolfScale.MariaDb.Positions;

namespace WolfScale.MariaDb;

/// <summary>Copies of the server for others, and of others for this server.</summary>
public sealed partial class DatabaseController
{
    private static readonly TimeSpan HoldPatience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Opens a consistent dump of the server at an exact position. A follower's feed is held until it is disposed; a leader's clients go on.
    /// </summary>
    /// <exception cref="DumpException">The server cannot be copied now; the message says why.</exception>
    public async Task<DatabaseDump> OpenDumpAsync(CancellationToken cancellationToken) => State.Serving
        ? await DatabaseDump.OpenOnLeaderAsync(_options, _log, cancellationToken)
        : await DatabaseDump.OpenHeldAsync(_options, _log, _hold.Release, await HoldAsync(cancellationToken), cancellationToken);

    /// <summary>As <see cref="OpenDumpAsync"/>, of the server's files, which this process must be able to read.</summary>
    /// <exception cref="DumpException">The server cannot be copied now; the message says why.</exception>
    public async Task<PhysicalCopy> OpenCopyAsync(CancellationToken cancellationToken) => State.Serving
        ? await PhysicalCopy.OpenAsync(_options, _log, null, CancellationToken.None, cancellationToken)
        : await PhysicalCopy.OpenAsync(_options, _log, _hold.Release, await HoldAsync(cancellationToken), cancellationToken);

    /// <summary>The server's files are about to be replaced by somebody else: the node keeps its hands off until <see cref="FilesPlacedAsync"/>.</summary>
    /// <param name="ticket">Of the copy.</param>
    /// <param name="from">The source, for messages.</param>
    /// <param name="replaceData">Whether data that the server holds may be destroyed.</param>
    /// <param name="cancellationToken">Gives up asking.</param>
    /// <exception cref="DumpException">It is refused; the message says why.</exception>
    public async Task BeginFilesAsync(string ticket, string from, bool replaceData, CancellationToken cancellationToken)
    {
        if (await MigrationPlan.LoadAsync(_store, cancellationToken) is not { } open)
            await RefuseAsync(replaceData, cancellationToken);
        else if (open.Journal.Ticket != ticket)
            await RefuseAsync(replaceData: true, cancellationToken);
        if (State.Phase == DatabasePhase.Rewinding)
            throw new DumpException("The server is being rewound: try again when that has ended.");
        await FilesPlan.BeginAsync(_store, ticket, from, cancellationToken);
        RestartFollowing();
    }

    /// <summary>They are replaced, and the server runs: the node sets its position and compares it with the log.</summary>
    /// <exception cref="DumpException">It waits for another copy.</exception>
    public async Task FilesPlacedAsync(string ticket, string position, long lsn, CancellationToken cancellationToken)
    {
        await FilesPlan.PlacedAsync(_store, ticket, position, lsn, cancellationToken);
        RestartFollowing();
    }

    /// <summary>They were not touched after all.</summary>
    /// <exception cref="DumpException">It waits for another copy.</exception>
    public async Task AbandonFilesAsync(string ticket, CancellationToken cancellationToken)
    {
        await FilesPlan.AbandonAsync(_store, ticket, cancellationToken);
        RestartFollowing();
    }

    /// <summary>
    /// Replaces the server's data by a copy of another node's. Returns when that is ordered; <see cref="DatabaseState.Migration"/> tells how far it has come.
    /// </summary>
    /// <param name="from">A node's id or address; empty: the best one.</param>
    /// <param name="replaceData">Whether data that the server holds may be destroyed.</param>
    /// <param name="cancellationToken">Gives up asking.</param>
    /// <exception cref="DumpException">It is refused; the message says why.</exception>
    public async Task MigrateAsync(string from, bool replaceData, CancellationToken cancellationToken)
    {
        var sources = _options.MigrationSources ?? throw new DumpException("This node does not know how to reach others.");
        if (from.Length > 0)
            _ = sources.Named(from);
        await RefuseAsync(replaceData || await MigrationPlan.LoadAsync(_store, cancellationToken) is not null, cancellationToken);
        _orders.Give(new MigrationOrder(from));
        RestartFollowing();
    }

    /// <exception cref="DumpException">This server's data must not be replaced now.</exception>
    private async Task RefuseAsync(bool replaceData, CancellationToken cancellationToken)
    {
        if (State.Phase == DatabasePhase.Migrating)
            throw new DumpException($"A migration is under way already, from {State.Migration?.From}.");
        if (Desired.Lease is not null || State.HoldsCommits)
            throw new DumpException("This node leads: its server holds what the others copy. Give the lead away first.");
        if (!replaceData && await HoldsDataAsync(cancellationToken))
            throw new DumpException("This node's server holds data, which a migration destroys. Say so explicitly (replace_data) if that is meant.");
    }

    /// <summary>Waits until the feed is held; the copy that is opened next lets it go.</summary>
    /// <exception cref="DumpException">It cannot be held.</exception>
    private async Task<CancellationToken> HoldAsync(CancellationToken cancellationToken)
    {
        if (State.Phase != DatabasePhase.Following)
            throw new DumpException($"This node's server is not in step with the cluster ({State.Phase}{(State.Reason.Length > 0 ? ": " + State.Reason : "")}): copy another node's data.");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(HoldPatience);
        try
        {
            return await _hold.AcquireAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _hold.Release();
            cancellationToken.ThrowIfCancellationRequested();
            throw new DumpException($"The server's applier could not be held within {HoldPatience.TotalSeconds:0} s: a long transaction, most likely. Try again, or copy another node's data.");
        }
    }

    private async Task<bool> HoldsDataAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var server = await _connector.OpenAsync(cancellationToken);
            return await PositionReader.HasUserDataAsync(server);
        }
        catch (MySqlException e)
        {
            throw new DumpException($"This node's server does not answer, so nobody can say whether it holds data: {e.Message}", e);
        }
    }

    /// <summary>Wakes the follower's loop, wherever it waits.</summary>
    private void RestartFollowing()
    {
        DesiredRole before;
        lock (_gate)
        {
            if (_stop.IsCancellationRequested || _desired.Lease is not null)
                return;
            before = _desired;
            _desired = new DesiredRole(null);
        }

        before.End();
    }
}
