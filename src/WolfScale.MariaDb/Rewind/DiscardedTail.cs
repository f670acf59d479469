using WolfScale.MariaDb.Log;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.MariaDb;

/// <summary>
/// Transactions that were cut off the end of a node's log in mode "available" (rule C5), saved as a binlog file that <c>mariadb-binlog</c> reads: their
/// events as the former leader's server wrote them. Needs no server: a witness has them too, and a node whose server is down.
/// </summary>
/// <param name="File">Where; durable.</param>
/// <param name="Groups">How many.</param>
/// <param name="First">The first of them.</param>
/// <param name="Last">The last of them.</param>
public sealed record DiscardedTail(string File, int Groups, string First, string Last)
{
    /// <summary>What <c>mariadb-binlog</c> takes the file to be of; how events are laid out is the same from 10.2 on.</summary>
    private const string ServerVersion = "10.11.0-MariaDB-wolfscale";

    /// <summary>Saves the whole groups among these entries. Blocks. Void and unfinished groups (rule C7) were never acknowledged and are left out.</summary>
    /// <param name="log">Still holds them.</param>
    /// <param name="firstLsn">The first entry.</param>
    /// <param name="lastLsn">The last one.</param>
    /// <param name="fileName">Makes the path from the first and the last GTID.</param>
    /// <returns>Null where there is no whole group among them.</returns>
    /// <exception cref="PosixException">The disk did not take it.</exception>
    public static DiscardedTail? Save(WriteAheadLog log, long firstLsn, long lastLsn, Func<string, string, string> fileName)
    {
        var groups = FindGroups(log, firstLsn, lastLsn);
        if (groups.Count == 0)
            return null;
        var (first, last) = (groups[0].Key.ToGtid().ToString(), groups[^1].Key.ToGtid().ToString());
        var path = fileName(first, last);
        using var file = Rewind.TailFile.Create(path);
        file.Write(new FormatDescriptionEvent(ServerVersion, 0, ChecksumAlgorithm.Crc32).Build(1, (uint)Rewind.TailFile.Magic.Length + FormatDescriptionEvent.BuiltLength));
        var next = 0;
        Read(log, firstLsn, lastLsn, entry =>
        {
            while (next < groups.Count && entry.Lsn > groups[next].LastLsn)
                next++;
            if (next < groups.Count && entry.Lsn >= groups[next].FirstLsn && entry.Kind == EntryKind.Group)
                file.Write(entry.Payload.Span);
        });
        file.Finish();
        return new DiscardedTail(path, groups.Count, first, last);
    }

    /// <summary>Removes what was being written when the node was killed: nothing was cut off or undone for it.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="beginning">How the files' names begin; <c>?</c> is any character.</param>
    public static void RemoveUnfinished(string directory, string beginning) => Rewind.TailFile.RemoveUnfinished(directory, beginning);

    private static List<(EntryKey Key, long FirstLsn, long LastLsn)> FindGroups(WriteAheadLog log, long firstLsn, long lastLsn)
    {
        var groups = new List<(EntryKey Key, long FirstLsn, long LastLsn)>();
        (EntryKey Key, long FirstLsn)? open = null;
        Read(log, firstLsn, lastLsn, entry =>
        {
            if (entry.Kind == EntryKind.Configuration)
                return; // interrupts nothing
            if (entry.Kind != EntryKind.Group)
                open = null;
            else if ((entry.Flags & EntryFlags.First) != 0)
                open = (entry.Key, entry.Lsn);
            else if (open?.Key != entry.Key)
                open = null;
            if (open is { } group && (entry.Flags & EntryFlags.Last) != 0)
            {
                groups.Add((group.Key, group.FirstLsn, entry.Lsn));
                open = null;
            }
        });
        return groups;
    }

    private static void Read(WriteAheadLog log, long firstLsn, long lastLsn, Action<WalEntry> take)
    {
        var cursor = log.OpenCursor(firstLsn);
        while (cursor.NextLsn <= lastLsn)
        {
            if (!cursor.TryRead(lastLsn, out var batch))
                throw new InvalidOperationException($"LSN {cursor.NextLsn} of {firstLsn} to {lastLsn} is not in the log.");
            try
            {
                using var entries = batch.Entries();
                while (entries.MoveNext())
                {
                    if (entries.Current.Lsn >= firstLsn)
                        take(entries.Current);
                }
            }
            finally
            {
                batch.Release();
            }
        }
    }
}
