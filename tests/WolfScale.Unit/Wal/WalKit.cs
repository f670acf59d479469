using System.Text;
using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>Short ways to make batches and logs for tests.</summary>
internal static class WalKit
{
    public const string Folder = "/wal";
    public static readonly Guid Cluster = new("6a3c1d52-6f0c-4f4e-9a58-0d2c5b6f7a01");

    /// <summary>Options for a log on a simulated disk: small segments, and nothing recorded or flushed by the clock.</summary>
    public static WalOptions On(SimulatedDisk disk, int segmentBytes = 16 << 10, bool fsync = true, int tailBytes = 0) => new()
    {
        Directory = Folder,
        ClusterId = Cluster,
        Files = disk,
        SegmentBytes = segmentBytes,
        Fsync = fsync,
        ZeroAheadBytes = 4096,
        TailCacheBytes = tailBytes,
        FlushInterval = TimeSpan.FromHours(1),
        SyncedRecordInterval = TimeSpan.FromHours(1),
    };

    public static EntryKey Gtid(ulong sequence, uint server = 1) => new(0, server, sequence);

    /// <summary>A batch of whole one-entry groups with consecutive sequences.</summary>
    public static WalBatch Groups(long firstLsn, long term, ulong firstSequence, int count = 1, int payloadBytes = 100)
    {
        using var builder = new WalBatchBuilder();
        for (int i = 0; i < count; i++)
            Assert.True(builder.TryAdd(EntryKind.Group, EntryFlags.First | EntryFlags.Last, Gtid(firstSequence + (ulong)i), Payload(payloadBytes, firstLsn + i)));
        return builder.Seal().Assign(firstLsn, term);
    }

    /// <summary>A batch of the given entries.</summary>
    public static WalBatch Batch(long firstLsn, long term, params (EntryKind Kind, EntryFlags Flags, EntryKey Key)[] entries)
    {
        using var builder = new WalBatchBuilder();
        foreach ((EntryKind kind, EntryFlags flags, EntryKey key) in entries)
            Assert.True(builder.TryAdd(kind, flags, key, Encoding.UTF8.GetBytes($"{kind} {key}")));
        return builder.Seal().Assign(firstLsn, term);
    }

    public static WalBatch NoOp(long lsn, long term) => Batch(lsn, term, (EntryKind.NoOp, EntryFlags.None, default));

    public static WalBatch Configuration(long lsn, long term, string text)
    {
        using var builder = new WalBatchBuilder();
        Assert.True(builder.TryAdd(EntryKind.Configuration, EntryFlags.None, default, Encoding.UTF8.GetBytes(text)));
        return builder.Seal().Assign(lsn, term);
    }

    /// <summary>Bytes that do not compress, different for every seed.</summary>
    public static byte[] Payload(int length, long seed)
    {
        byte[] bytes = new byte[length];
        new Random((int)seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Appends, and gives the caller's reference back: the log has its own.</summary>
    public static void Add(this WriteAheadLog log, WalBatch batch)
    {
        log.Append(batch, wakeWriter: false);
        batch.Release();
    }

    /// <summary>Appends and syncs on this thread.</summary>
    public static void AddSynced(this WriteAheadLog log, WalBatch batch)
    {
        log.Add(batch);
        log.Flush();
    }

    /// <summary>Writes and syncs on this thread; the writer thread is idle in these tests, and if it is not, it does it.</summary>
    public static void Flush(this WriteAheadLog log)
    {
        while (!log.FlushInline())
            Thread.Yield();
    }

    /// <summary>One-entry groups with LSN = sequence, synced one by one.</summary>
    public static void Fill(this WriteAheadLog log, long throughLsn, long term = 1, int payloadBytes = 100)
    {
        while (log.Last.Lsn < throughLsn)
            log.AddSynced(Groups(log.Last.Lsn + 1, term, (ulong)log.Last.Lsn + 1, 1, payloadBytes));
    }

    /// <summary>All batches of a log, encoded.</summary>
    public static List<byte[]> Everything(this WriteAheadLog log)
    {
        List<byte[]> all = [];
        WalCursor cursor = log.OpenCursor(log.FirstLsn);
        while (cursor.TryRead(long.MaxValue, out WalBatch? batch))
        {
            all.Add(batch.Bytes.ToArray());
            batch.Release();
        }

        return all;
    }

    /// <summary>The text of the entry's payload.</summary>
    public static string Text(this ConfigurationEntry entry) => Encoding.UTF8.GetString(entry.Payload.Span);
}
