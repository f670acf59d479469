using WolfScale.MariaDb.Rewind;

namespace WolfScale.MariaDb.Positions;

/// <summary>How the server stands, and the history that showed it where the positions alone did not.</summary>
internal sealed record StandingReport(ServerPosition Position, Standing Standing, FoundHistory? History);

/// <summary>Asks the server where it stands and compares that with the log.</summary>
internal static class StandingReader
{
    /// <summary>
    /// Compares; reads the server's binlog where that is needed. The server should be closed for writes, or the answer is old when it arrives.
    /// </summary>
    public static async Task<StandingReport> ReadAsync(ServerContext context, CancellationToken cancellationToken)
    {
        var position = await PositionReader.ReadAsync(context.Server);
        var standing = PositionComparison.Compare(position, context.Log);
        if (standing is not Standing.NeedsHistory)
            return new StandingReport(position, standing, null);
        var binlog = await ServerBinlog.OpenAsync(context.Server, context.Options);

        // The reader blocks in receive calls: a thread of its own, not one of the pool's.
        var history = await Task.Factory.StartNew(
            () => HistoryReader.Read(binlog, context.Log, position.Domain, cancellationToken),
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        return new StandingReport(position, PositionComparison.Compare(position, context.Log, history?.History), history);
    }
}
