using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>One writer and many readers at once, on a real disk.</summary>
public sealed class WalConcurrencyTests : IDisposable
{
    private const int Batches = 4000;
    private readonly TempFolder _folder = new("wal");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Readers_see_every_batch_once_and_whole_while_it_is_appended_cut_and_pruned()
    {
        WalOptions options = new()
        {
            Directory = _folder.Path,
            ClusterId = WalKit.Cluster,
            SegmentBytes = 128 << 10,
            TailCacheBytes = 8 << 10, // most reads go to the files
            Fsync = false, // many changes, not many syncs
            FlushInterval = TimeSpan.FromMilliseconds(5),
        };
        WriteAheadLog log = WriteAheadLog.Open(options);
        long committed = 0;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        Task[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() => ReadAll(log, () => Volatile.Read(ref committed), deadline.Token)))];
        Task lookups = Task.Run(() => LookUp(log, () => Volatile.Read(ref committed), deadline.Token));

        var random = new Random(5);
        for (long lsn = 1; lsn <= Batches; lsn = log.Last.Lsn + 1)
        {
            WalBatch batch = WalKit.Groups(lsn, 1 + log.Generation, (ulong)lsn, payloadBytes: random.Next(600));
            log.Append(batch, wakeWriter: random.Next(2) == 0);
            batch.Release();
            if (random.Next(3) == 0)
                log.FlushInline();
            // What is committed is never cut off: everything after it may be.
            if (random.Next(50) == 0)
                Volatile.Write(ref committed, log.Last.Lsn);
            else if (random.Next(200) == 0)
                log.TruncateAfter(Math.Max(committed, log.Last.Lsn - 20));
            await log.WaitForRoomAsync(deadline.Token);
        }

        Volatile.Write(ref committed, Batches);
        await Task.WhenAll([.. readers, lookups]);
        await log.DisposeAsync();
        Assert.Null(WriteAheadLog.Verify(options).Damage);
    }

    [Fact]
    public async Task A_reader_that_is_overtaken_by_pruning_is_told_so()
    {
        WalOptions options = new() { Directory = _folder.Path, ClusterId = WalKit.Cluster, SegmentBytes = 64 << 10, TailCacheBytes = 0, Fsync = false };
        await using WriteAheadLog log = WriteAheadLog.Open(options);
        long stop = 0;
        Task<bool> reader = Task.Run(() =>
        {
            while (true)
            {
                WalCursor cursor = log.OpenCursor(log.FirstLsn);
                try
                {
                    while (cursor.TryRead(long.MaxValue, out WalBatch? batch))
                        batch.Release();
                    if (Volatile.Read(ref stop) == 1)
                        return true;
                }
                catch (WalPrunedException)
                {
                    // begin again at what is there
                }
            }
        });
        for (long lsn = 1; lsn <= 3000; lsn++)
        {
            log.AddSynced(WalKit.Groups(lsn, 1, (ulong)lsn, payloadBytes: 500));
            if (lsn % 100 == 0)
                log.Prune(lsn - 50);
        }

        Volatile.Write(ref stop, 1);
        Assert.True(await reader.WaitAsync(TimeSpan.FromSeconds(120)));
        Assert.True(log.FirstLsn > 2500);
    }

    private static void ReadAll(WriteAheadLog log, Func<long> committed, CancellationToken cancellation)
    {
        WalCursor cursor = log.OpenCursor(1);
        long next = 1;
        while (next <= Batches)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!cursor.TryRead(committed(), out WalBatch? batch))
            {
                Thread.Yield();
                continue;
            }

            Assert.Equal(next, batch.FirstLsn);
            using (EntryReader entries = batch.Entries())
            {
                foreach (WalEntry entry in entries)
                    Assert.Equal(WalKit.Payload(entry.Payload.Length, entry.Lsn), entry.Payload.ToArray());
            }

            next = batch.LastLsn + 1;
            batch.Release();
        }
    }

    private static void LookUp(WriteAheadLog log, Func<long> committed, CancellationToken cancellation)
    {
        var random = new Random(9);
        while (committed() < Batches)
        {
            cancellation.ThrowIfCancellationRequested();
            long lsn = random.NextInt64(0, committed() + 1);
            if (lsn == 0)
            {
                Thread.Yield();
                continue;
            }

            Assert.Equal(lsn, log.FindGroup(WalKit.Gtid((ulong)lsn)));
            Assert.Equal(WalKit.Gtid((ulong)lsn), log.LastGroupAtOrBefore(lsn, out long end));
            Assert.Equal(lsn, end);
            Assert.Equal((lsn, lsn), log.BatchBounds(lsn));
            Assert.NotNull(log.TermAt(lsn));
        }
    }
}
