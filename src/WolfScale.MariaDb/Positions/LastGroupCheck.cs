using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Rewind;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.MariaDb.Positions;

/// <summary>
/// Whether the server's last group is the log's group of that GTID (design: Identity of a transaction). A GTID alone does not say so: a 0-1-105 that was
/// undone may have been followed by another 0-1-105, and a server that comes back from an old snapshot holds the first one.
/// </summary>
/// <remarks>
/// Compared by time. The bytes differ on every server (table ids, XIDs, flags), but the group's GTID event bears the time of the original
/// statement: on the server that wrote it the COMMIT's, on others that of the last event before it (measured), so it lies between the first event's
/// and the GTID's in the log, as long as time only goes on. Where it does not (a client sets its session's <c>timestamp</c>, as the replay of a binary log does; a clock is put right in the middle), it is
/// that of one of the group's events all the same. Two groups of one GTID are a change of leader apart.
/// </remarks>
internal static class LastGroupCheck
{
    /// <summary>For clocks that are set while a transaction runs.</summary>
    private const uint ToleranceSeconds = 1;

    /// <returns>False when it is another transaction; true when it is the same, or when one of the two can no longer be read.</returns>
    public static bool IsSame(IBinlogSource binlog, IReplicatedLog log, Gtid gtid, long lsn, CancellationToken cancellationToken)
    {
        var before = log.LastGroupAtOrBefore(lsn - 1);
        var start = GtidPosition.Parse(log.BaseGtidPosition);
        if (before is { } previous)
            start = start.With(previous.Gtid.ToGtid());
        if (ReadLog(log, gtid, Math.Max((before?.LastLsn ?? 0) + 1, log.FirstLsn), lsn) is not { } logged)
            return true;
        var sink = new FirstGroupSink();
        return !binlog.TryReadAfter(start, sink, cancellationToken)
            || sink.Gtid != gtid
            || (sink.Timestamp + ToleranceSeconds >= logged.From && sink.Timestamp <= logged.To + ToleranceSeconds)
            || HasEventOf(sink.Timestamp, log, gtid, logged.Lsn, lsn);
    }

    /// <summary>Whether one of the group's events bears that time. Reads all of it, piece by piece.</summary>
    private static bool HasEventOf(uint timestamp, IReplicatedLog log, Gtid gtid, long firstLsn, long lastLsn)
    {
        var (walker, found) = (new EventWalker(), false);
        try
        {
            var cursor = log.OpenCursor(firstLsn);
            while (!found && cursor.NextLsn <= lastLsn && cursor.TryRead(long.MaxValue, out var batch))
            {
                try
                {
                    using var entries = batch.Entries();
                    while (!found && entries.MoveNext() && entries.Current.Lsn <= lastLsn)
                    {
                        if (entries.Current is not { Kind: EntryKind.Group } entry || entry.Lsn < firstLsn || entry.Key != gtid.ToKey())
                            continue;
                        if ((entry.Flags & EntryFlags.First) != 0)
                            walker.Begin(); // what came before was never finished (rule C7)
                        walker.Take(entry.Payload.Span, (in SeenEvent seen) => found |= seen.Header.Timestamp == timestamp);
                    }
                }
                finally
                {
                    batch.Release();
                }
            }

            return found;
        }
        catch (WalPrunedException)
        {
            return true; // it can no longer be read
        }
    }

    /// <summary>The times of the group's first event and of its GTID event, the earlier first, and where it begins; null where the log no longer holds it.</summary>
    private static (uint From, uint To, long Lsn)? ReadLog(IReplicatedLog log, Gtid gtid, long firstLsn, long lastLsn)
    {
        try
        {
            var cursor = log.OpenCursor(firstLsn);
            while (cursor.TryRead(long.MaxValue, out var batch))
            {
                try
                {
                    using var entries = batch.Entries();
                    while (entries.MoveNext() && entries.Current.Lsn <= lastLsn)
                    {
                        if (entries.Current is { Kind: EntryKind.Group } entry && (entry.Flags & EntryFlags.First) != 0 && entry.Key == gtid.ToKey())
                            return Times(entry.Payload.Span, entry.Lsn);
                    }

                    if (batch.LastLsn >= lastLsn)
                        return null;
                }
                finally
                {
                    batch.Release();
                }
            }

            return null;
        }
        catch (WalPrunedException)
        {
            return null;
        }
    }

    private static (uint From, uint To, long Lsn) Times(ReadOnlySpan<byte> group, long lsn)
    {
        var gtid = EventHeader.Read(group);
        var first = EventHeader.Read(group[(int)gtid.EventLength..]);
        return (Math.Min(gtid.Timestamp, first.Timestamp), Math.Max(gtid.Timestamp, first.Timestamp), lsn);
    }

    /// <summary>Takes the first GTID event.</summary>
    private sealed class FirstGroupSink : IBinlogSink
    {
        public bool IsDone => Gtid is not null;

        public Gtid? Gtid { get; private set; }

        public uint Timestamp { get; private set; }

        public void OnEvent(in EventHeader header, bool needsAck, ReadOnlySpan<byte> @event)
        {
            if (header.Type != EventType.Gtid)
                return;
            Gtid = GtidEvent.Read(header, @event[EventHeader.Size..^EventChecksum.Size]).Gtid;
            Timestamp = header.Timestamp;
        }

        public void OnLongEvent(in EventHeader header)
        {
        }

        public void OnPiece(ReadOnlySpan<byte> piece)
        {
        }

        public void OnLongEventEnd(in EventHeader header, bool needsAck)
        {
        }
    }
}
