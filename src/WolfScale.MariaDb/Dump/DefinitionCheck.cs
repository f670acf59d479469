using WolfScale.MariaDb.Log;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.MariaDb.Dump;

/// <summary>
/// A leader goes on while it is dumped. Its rows are read in one snapshot; definitions, accounts and tables without transactions have none, so nothing of that kind may
/// have been written meanwhile. The log tells: every such statement is a group of its own in it.
/// </summary>
internal static class DefinitionCheck
{
    /// <summary>The first group after one LSN, up to another, that is anything but a transaction of rows; null where there is none.</summary>
    /// <exception cref="WalPrunedException">The log no longer goes back so far.</exception>
    public static Gtid? Find(IReplicatedLog log, long afterLsn, long throughLsn)
    {
        var cursor = log.OpenCursor(afterLsn + 1);
        while (cursor.NextLsn <= throughLsn && cursor.TryRead(long.MaxValue, out var batch))
        {
            try
            {
                using var entries = batch.Entries();
                while (entries.MoveNext() && entries.Current.Lsn <= throughLsn)
                {
                    if (entries.Current is { Kind: EntryKind.Group } entry && entry.Lsn > afterLsn && (entry.Flags & EntryFlags.First) != 0 && !IsRows(entry))
                        return entry.Key.ToGtid();
                }
            }
            finally
            {
                batch.Release();
            }
        }

        return null;
    }

    private static bool IsRows(in WalEntry entry)
    {
        var bytes = entry.Payload.Span;
        var header = EventHeader.Read(bytes);
        var flags = GtidEvent.Read(header, bytes[EventHeader.Size..((int)header.EventLength - EventChecksum.Size)]).Flags;
        return (flags & GtidFlags.Transactional) != 0 && (flags & (GtidFlags.Standalone | GtidFlags.Ddl)) == 0;
    }
}
