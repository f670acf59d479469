using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>The hot path leaves nothing for the collector that grows with what it carries.</summary>
public sealed class WalAllocationTests : IAsyncLifetime
{
    private const int Batches = 2000;
    private readonly TempFolder _folder = new("wal");
    private WriteAheadLog _log = null!;

    public ValueTask InitializeAsync()
    {
        _log = WriteAheadLog.Open(new WalOptions
        {
            Directory = _folder.Path,
            ClusterId = WalKit.Cluster,
            Fsync = false,
            FlushInterval = TimeSpan.FromHours(1),
            TailCacheBytes = 400 << 10, // the ring that holds it has its full size after some hundred batches
        });
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void Appending_and_writing_a_batch_allocates_nothing()
    {
        Append(Make(1)); // the first one makes the segment
        List<WalBatch> batches = [.. Enumerable.Range(2, Batches).Select(lsn => Make(lsn))];
        foreach (WalBatch batch in batches.Take(Batches / 2))
            Append(batch);

        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (WalBatch batch in batches.Skip(Batches / 2))
            Append(batch);
        long perBatch = (GC.GetAllocatedBytesForCurrentThread() - before) / (Batches / 2);
        Assert.True(perBatch < 16, $"{perBatch} bytes per batch"); // lists that double now and then
    }

    [Fact]
    public void Reading_a_batch_from_memory_and_walking_over_its_entries_allocates_only_the_reader()
    {
        for (int lsn = 1; lsn < 100; lsn++)
            Append(Make(lsn));
        Read(1); // warm up
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 10; round++)
            Read(1);
        long perBatch = (GC.GetAllocatedBytesForCurrentThread() - before) / 990;
        Assert.True(perBatch < 200, $"{perBatch} bytes per batch of ten entries");
    }

    [Fact]
    public void Making_a_batch_allocates_two_small_objects_however_large_it_is()
    {
        using var builder = new WalBatchBuilder();
        byte[] payload = new byte[60_000];
        for (int i = 0; i < 20; i++)
            Make();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            Make();
        long perBatch = (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
        Assert.True(perBatch < 700, $"{perBatch} bytes per batch of 600,000");

        void Make()
        {
            for (int entry = 0; entry < 10; entry++)
                Assert.True(builder.TryAdd(EntryKind.Group, EntryFlags.First | EntryFlags.Last, default, payload));
            builder.Seal().Assign(1, 1).Release();
        }
    }

    private static WalBatch Make(int lsn) => WalKit.Groups(((lsn - 1) * 10) + 1, 1, (ulong)lsn * 10, count: 10, payloadBytes: 50);

    private void Append(WalBatch batch)
    {
        _log.Append(batch, wakeWriter: false);
        batch.Release();
        while (!_log.FlushInline())
            Thread.Yield();
    }

    private void Read(long from)
    {
        WalCursor cursor = _log.OpenCursor(from);
        while (cursor.TryRead(long.MaxValue, out WalBatch? batch))
        {
            using (EntryReader entries = batch.Entries())
            {
                while (entries.MoveNext())
                    _ = entries.Current.Payload.Length;
            }

            batch.Release();
        }
    }
}
