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
            var sink = new HistorySink(log, domain);
            binlog.Read(file, sink, cancellationToken);
            if (sink.State is { } state && !sink.IsDone)
                return new FoundHistory(new BinlogHistory(sink.Start, sink.Groups), file, state);
        }

        return null;
    }

    /// <summary>Collects the GTIDs from one file on; done at once where the file begins with something that the log does not know.</summary>
    private sealed class HistorySink(IReplicatedLog log, uint domain) : IBinlogSink
    {
        private GroupTracker _groups;

        public bool IsDone { get; private set; }

        /// <summary>Null until a GTID_LIST came: a file without one was begun by a server that knew no GTIDs.</summary>
        public List<Gtid>? State { get; private set; }

        public GtidPosition Start { get; private set; } = GtidPosition.Empty;

        public List<Gtid> Groups { get; } = [];

        public void OnEvent(in EventHeader header, bool needsAck, ReadOnlySpan<byte> @event)
        {
            var body = @event[EventHeader.Size..^EventChecksum.Size];
            if (header.Type == EventType.GtidList && State is null)
                Begin(GtidListEvent.Read(body));
            if (_groups.Observe(header, body) == GroupStep.End)
                Groups.Add(_groups.Gtid);
        }

        public void OnLongEvent(in EventHeader header)
        {
            // Of an event this long, the type says all that the group's end depends on.
            if (_groups.Observe(header, []) == GroupStep.End)
                Groups.Add(_groups.Gtid);
        }

        public void OnPiece(ReadOnlySpan<byte> piece)
        {
        }

        public void OnLongEventEnd(in EventHeader header, bool needsAck)
        {
        }

        private void Begin(GtidListEvent list)
        {
            State = new List<Gtid>(list.Count);
            for (var i = 0; i < list.Count; i++)
            {
                State.Add(list[i]);
                Start = Start.With(list[i]);
            }

            IsDone = !PositionComparison.IsCleanStart(Start, log, domain);
        }
    }
}
