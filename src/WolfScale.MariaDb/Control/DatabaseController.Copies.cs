using MySqlConnector;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Migration;
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
    public async Task<DatabaseDump> OpenDumpAsync(CancellationToken cancellationToken)
    {
        if (State.Serving)
            return await DatabaseDump.OpenOnLeaderAsync(_options, _log, cancellationToken);
        if (State.Phase != DatabasePhase.Following)
            throw new DumpException($"This node's server is not in step with the cluster ({State.Phase}{(State.Reason.Length > 0 ? ": " + State.Reason : "")}): copy another node's data.");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(HoldPatience);
        CancellationToken broken;
        try
        {
            broken = await _hold.AcquireAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _hold.Release();
            cancellationToken.ThrowIfCancellationRequested();
            throw new DumpException($"The server's applier could not be held within {HoldPatience.TotalSeconds:0} s: a long transaction, most likely. Try again, or copy another node's data.");
        }

        return await DatabaseDump.OpenHeldAsync(_options, _log, _hold.Release, broken, cancellationToken);
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
        if (State.Phase == DatabasePhase.Migrating)
            throw new DumpException($"A migration is under way already, from {State.Migration?.From}.");
        if (Desired.Lease is not null || State.HoldsCommits)
            throw new DumpException("This node leads: its server holds what the others copy. Give the lead away first.");
        var begun = await MigrationPlan.LoadAsync(_store, cancellationToken) is not null;
        if (!begun && !replaceData && await HoldsDataAsync(cancellationToken))
            throw new DumpException("This node's server holds data, which a migration destroys. Say so explicitly (replace_data) if that is meant.");
        _orders.Give(new MigrationOrder(from));
        RestartFollowing();
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
