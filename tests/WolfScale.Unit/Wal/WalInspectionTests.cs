using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>A log looked at from outside, on a real disk: with a node writing to it, and without.</summary>
public sealed class WalInspectionTests : IDisposable
{
    private readonly TempFolder _folder = new("wal");

    private WalOptions Options => new()
    {
        Directory = _folder.Path, ClusterId = WalKit.Cluster, SegmentBytes = 16 << 10, TailCacheBytes = 0, Fsync = false, FlushInterval = TimeSpan.FromMilliseconds(5),
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_open_log_reads_from_outside_as_from_inside()
    {
        await using WriteAheadLog log = WriteAheadLog.Open(Options);
        log.Fill(300);
        Assert.True(log.Segments.Count > 2);

        Assert.Equal(log.Everything(), Batches(0));
        Assert.Equal(log.Everything().Skip(149), Batches(150));
        Assert.Empty(Batches(301));
        WalInspectionReport found = WalInspection.Verify(_folder.Path);
        Assert.Equal((null, 1, 300, WalKit.Cluster), (found.Report.Damage, found.FirstLsn, found.Report.LastLsn, found.ClusterId));
    }

    [Fact]
    public async Task What_retention_has_deleted_is_said_to_be_gone()
    {
        await using WriteAheadLog log = WriteAheadLog.Open(Options);
        log.Fill(300);
        long first = log.Prune(200);

        Assert.Equal(first, WalInspection.Verify(_folder.Path).FirstLsn);
        Assert.Equal(first, Assert.Throws<WalPrunedException>(() => Batches(1)).FirstLsn);
        Assert.Equal(log.Everything(), Batches(0));
    }

    /// <summary>Appends, cuts, retention and syncs, and a look at every moment: what is half written or just gone is not taken for damage.</summary>
    [Fact]
    public async Task While_a_node_writes_nothing_looks_damaged()
    {
        WriteAheadLog log = WriteAheadLog.Open(Options);
        using var stop = new CancellationTokenSource();
        Task<int> looking = Task.Run(() =>
        {
            int looks = 0;
            for (; !stop.IsCancellationRequested; looks++)
                Assert.Null(WalInspection.Verify(_folder.Path).Report.Damage);
            return looks;
        });
        var random = new Random(7);
        long committed = 0;
        for (long lsn = 1; lsn <= 4000 && !looking.IsCompleted; lsn = log.Last.Lsn + 1)
        {
            log.Add(WalKit.Groups(lsn, 1 + log.Generation, (ulong)lsn, payloadBytes: random.Next(600)));
            if (random.Next(3) == 0)
                log.Flush();
            if (random.Next(50) == 0)
                committed = log.Last.Lsn;
            else if (random.Next(100) == 0)
                log.TruncateAfter(Math.Max(committed, log.Last.Lsn - 20));
            else if (random.Next(300) == 0)
                _ = log.Prune(Math.Max(1, committed - 500));
            await log.WaitForRoomAsync(CancellationToken.None);
        }

        await stop.CancelAsync();
        Assert.True(await looking > 0);
        await log.DisposeAsync();
        Assert.Null(WalInspection.Verify(_folder.Path).Report.Damage);
    }

    /// <summary>One byte of each batch in turn. The log says where, changes nothing, and gives out nothing that has rotted.</summary>
    [Fact]
    public async Task C6_a_byte_that_rots_is_found_and_nothing_is_changed()
    {
        WriteAheadLog log = WriteAheadLog.Open(Options);
        log.Fill(200);
        List<byte[]> batches = log.Everything();
        string[] segments = [.. log.Segments.Select(s => s.Path)];
        await log.DisposeAsync();
        var random = new Random(11);
        int rotted = 0;
        foreach ((byte[] batch, int index) in batches.Select((batch, index) => (batch, index)).Where(_ => random.Next(8) == 0))
        {
            string path = segments.First(segment => File.ReadAllBytes(segment).AsSpan().IndexOf(batch) >= 0);
            byte[] whole = File.ReadAllBytes(path);
            byte[] rotten = [.. whole];
            rotten[whole.AsSpan().IndexOf(batch) + random.Next(batch.Length)] ^= 0x40;
            File.WriteAllBytes(path, rotten);
            string[] before = Listing();

            WalDamage? damage = WalInspection.Verify(_folder.Path).Report.Damage;

            Assert.NotNull(damage);
            Assert.Equal((index + 1, path), (damage.Lsn, damage.Path));
            Assert.Equal(before, Listing());
            Assert.Equal(rotten, File.ReadAllBytes(path));
            Assert.Equal(batches.Take(index), ReadUntilDamage());
            File.WriteAllBytes(path, whole);
            rotted++;
        }

        Assert.True(rotted > 10);
        Assert.Null(WalInspection.Verify(_folder.Path).Report.Damage);
    }

    [Fact]
    public async Task C6_a_segment_that_is_gone_and_a_log_cut_short_are_damage()
    {
        WriteAheadLog log = WriteAheadLog.Open(Options);
        log.Fill(200);
        string[] segments = [.. log.Segments.Select(s => s.Path)];
        await log.DisposeAsync();
        byte[] last = await File.ReadAllBytesAsync(segments[^1]);

        await File.WriteAllBytesAsync(segments[^1], last[..^1]);
        Assert.Equal(200, WalInspection.Verify(_folder.Path).Report.Damage?.Lsn);
        await File.WriteAllBytesAsync(segments[^1], last);
        File.Delete(segments[1]);
        Assert.Equal(WalDamageKind.SegmentMissing, WalInspection.Verify(_folder.Path).Report.Damage?.Kind);
        Assert.Throws<WalDamagedException>(() => Batches(0));
    }

    private string[] Listing() => [.. Directory.GetFiles(_folder.Path).Order(StringComparer.Ordinal)];

    private List<byte[]> Batches(long from)
    {
        List<byte[]> all = [];
        foreach (WalBatch batch in WalInspection.Read(_folder.Path, from))
        {
            all.Add(batch.Bytes.ToArray());
            batch.Release();
        }

        return all;
    }

    private List<byte[]> ReadUntilDamage()
    {
        List<byte[]> all = [];
        try
        {
            foreach (WalBatch batch in WalInspection.Read(_folder.Path))
            {
                all.Add(batch.Bytes.ToArray());
                batch.Release();
            }
        }
        catch (WalDamagedException)
        {
            // In an old segment. At the end of the newest one a write could be going on, so reading just ends.
        }

        return all;
    }
}
