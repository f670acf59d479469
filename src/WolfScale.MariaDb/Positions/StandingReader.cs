using System.Collections.Immutable;
using WolfScale.MariaDb.Rewind;
using WolfScale.MariaDb.Roles;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Positions;

/// <summary>How the server stands, and the history that showed it where the positions alone did not.</summary>
internal sealed record StandingReport(ServerPosition Position, Standing Standing, FoundHistory? History);

/// <summary>Asks the server where it stands and compares that with the log. One for each administrative connection: what it has verified holds as long.</summary>
internal sealed class StandingReader(ServerContext context)
{
    /// <summary>More commits than this are never held: at most two groups of them are in the binlog at once (measured).</summary>
    private const int MostHeld = 10_000;

    /// <summary>The log's rewinds at which the content of the server's last group was found to be the log's.</summary>
    private long? _contentVerified;

    /// <summary>
    /// Compares; reads the server's binlog where that is needed. The server should be closed for writes, or the answer is old when it arrives.
    /// </summary>
    public async Task<StandingReport> ReadAsync(CancellationToken cancellationToken)
    {
        var position = await PositionReader.ReadAsync(context.Server);
        var standing = PositionComparison.Compare(position, context.Log);
        if (standing is Standing.Exact exact && _contentVerified != context.Log.Rewinds && position.Binlog.Find(position.Domain) is { } last && last == position.Current.Find(position.Domain))
            return new StandingReport(position, await VerifyAsync(exact, last, cancellationToken), null);
        if (standing is not Standing.NeedsHistory)
            return new StandingReport(position, standing, null);
        if (await WriteGate.StatusAsync(context.Server) is { HoldsCommits: true } gate)
        {
            if (await HeldAsync(position) is { } held)
                return new StandingReport(position, held, null);
            if (gate.WaitingSessions > 0)
                return new StandingReport(position, new Standing.BehindUnknown("Its binlog cannot be asked while its commits wait for their ACK."), null);
        }

        var binlog = await ServerBinlog.OpenAsync(context.Server, context.Options);
        var history = await BlockingAsync(() => HistoryReader.Read(binlog, context.Log, position.Domain, cancellationToken), cancellationToken);
        return new StandingReport(position, PositionComparison.Compare(position, context.Log, history?.History), history);
    }

    /// <summary>
    /// A server that was never closed since this node led, and holds commits back: what follows the log's last group was written by its own
    /// clients, because the gate was never released. Its binlog cannot be asked: SHOW BINARY LOGS waits behind two blocked groups (measured).
    /// Capture checks each group once more as it reads it.
    /// </summary>
    private async Task<Standing?> HeldAsync(ServerPosition position)
    {
        if (position.Current.Find(position.Domain) is not { } current)
            return null;
        var view = new LogView(context.Log, position.Domain);
        if (current.ServerId != position.ServerId || view.Last is not { } last || last.Sequence >= current.Sequence)
            return null;
        var state = await context.Server.ScalarAsync("SELECT @@global.gtid_binlog_state") ?? "";
        if (last.ServerId != position.ServerId && !state.Split(',').Contains(last.ToString()))
            return null;
        var tail = ImmutableArray.CreateBuilder<Gtid>();
        for (var sequence = last.Sequence + 1; sequence <= current.Sequence && tail.Count < MostHeld; sequence++)
            tail.Add(new Gtid(position.Domain, position.ServerId, sequence));
        return new Standing.AheadOfLog(view.Base.With(last), tail.ToImmutable());
    }

    private async Task<Standing> VerifyAsync(Standing.Exact exact, Gtid last, CancellationToken cancellationToken)
    {
        var binlog = ServerBinlog.WithoutFiles(context.Options);
        var rewinds = context.Log.Rewinds;
        var isSame = await BlockingAsync(() => LastGroupCheck.IsSame(binlog, context.Log, last, exact.Lsn, cancellationToken), cancellationToken);
        _contentVerified = isSame ? rewinds : null;
        return isSame
            ? exact
            : new Standing.Unrelated(
                $"The server's transaction {last} is not the cluster's transaction of that GTID: the server was most likely brought back from an old copy of its data. "
                + "Copy a member's data to it.");
    }

    // The binlog's reader blocks in receive calls: a thread of its own, not one of the pool's.
    private static Task<T> BlockingAsync<T>(Func<T> read, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(read, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
