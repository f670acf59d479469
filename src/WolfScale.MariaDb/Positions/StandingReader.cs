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
    private bool _contentVerified;

    /// <summary>
    /// Compares; reads the server's binlog where that is needed. The server should be closed for writes, or the answer is old when it arrives.
    /// </summary>
    public async Task<StandingReport> ReadAsync(CancellationToken cancellationToken)
    {
        var position = await PositionReader.ReadAsync(context.Server);
        var standing = PositionComparison.Compare(position, context.Log);
        if (standing is Standing.Exact exact && !_contentVerified && position.Binlog.Find(position.Domain) is { } last && last == position.Current.Find(position.Domain))
            return new StandingReport(position, await VerifyAsync(exact, last, cancellationToken), null);
        if (standing is not Standing.NeedsHistory)
            return new StandingReport(position, standing, null);
        var binlog = await ServerBinlog.OpenAsync(context.Server, context.Options);
        var history = await BlockingAsync(() => HistoryReader.Read(binlog, context.Log, position.Domain, cancellationToken), cancellationToken);
        return new StandingReport(position, PositionComparison.Compare(position, context.Log, history?.History), history);
    }

    private async Task<Standing> VerifyAsync(Standing.Exact exact, Gtid last, CancellationToken cancellationToken)
    {
        var binlog = await ServerBinlog.OpenAsync(context.Server, context.Options);
        _contentVerified = await BlockingAsync(() => LastGroupCheck.IsSame(binlog, context.Log, last, exact.Lsn, cancellationToken), cancellationToken);
        return _contentVerified
            ? exact
            : new Standing.Unrelated(
                $"The server's transaction {last} is not the cluster's transaction of that GTID: the server was most likely brought back from an old copy of its data. "
                + "Copy a member's data to it.");
    }

    // The binlog's reader blocks in receive calls: a thread of its own, not one of the pool's.
    private static Task<T> BlockingAsync<T>(Func<T> read, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(read, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
