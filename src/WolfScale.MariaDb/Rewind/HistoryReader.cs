using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Positions;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb.Rewind;

/// <summary>A server's history, and where in its binlogs it was found.</summary>
/// <param name="History">The groups.</param>
/// <param name="FirstFile">The binlog file that <see cref="BinlogHistory.Start"/> stands at the beginning of.</param>
/// <param name="StartState"><c>gtid_binlog_state</c> at that point: the last GTID for each domain and server, the last one of a domain last.</param>
internal sealed record FoundHistory(BinlogHistory History, string FirstFile, IReadOnlyList<Gtid> StartState);

/// <summary>
/// Reads the server's binlog back to a point that the log knows: from the newest file to the first one at whose beginning the server
/// held nothing but the cluster's groups. Usually that is the newest or the one before it.
/// </summary>
internal static class HistoryReader
{
    /// <summary>Blocks while it reads.</summary>
    /// <returns>Null where no file reaches back so far: they were purged.</returns>
    public static FoundHistory? Read(IBinlogSource binlog, IReplicatedLog log, uint domain, CancellationToken cancellationToken)
    {
        foreach (var file in binlog.Files.Reverse())
        {
            if (ReadFrom(binlog, file, log, domain, cancellationToken) is { } found)
                return found;
        }

        return null;
    }

    private static FoundHistory? ReadFrom(
        IBinlogSource binlog, string file, IReplicatedLog log, uint domain, CancellationToken cancellationToken)
    {
        var events = new BinlogEvents();
        List<Gtid>? state = null;
        var start = GtidPosition.Empty;
        var groups = new List<Gtid>();
        foreach (var chunk in binlog.Read(file, cancellationToken))
        {
            if (!chunk.IsFirst)
                continue;
            var step = events.Observe(chunk);
            if (chunk.Header.Type == EventType.GtidList && state is null)
            {
                (state, start) = ReadState(GtidListEvent.Read(events.Body(chunk)));
                if (!PositionComparison.IsCleanStart(start, log, domain))
                    return null;
            }

            if (step == GroupStep.End)
                groups.Add(events.Gtid);
        }

        // A file without a GTID_LIST was begun by a server that knew no GTIDs: nothing can be told from there.
        return state is null ? null : new FoundHistory(new BinlogHistory(start, groups), file, state);
    }

    private static (List<Gtid> State, GtidPosition Position) ReadState(GtidListEvent list)
    {
        var state = new List<Gtid>(list.Count);
        var position = GtidPosition.Empty;
        for (var i = 0; i < list.Count; i++)
        {
            state.Add(list[i]);
            position = position.With(list[i]);
        }

        return (state, position);
    }
}
