using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>What the log does on a good day, on a real disk.</summary>
public sealed class WriteAheadLogTests : IDisposable
{
    private readonly TempFolder _folder = new("wal");

    private WalOptions Options => new() { Directory = Path.Combine(_folder.Path, "wal"), ClusterId = WalKit.Cluster, SegmentBytes = 64 << 10, ZeroAheadBytes = 16 << 10 };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_was_appended_is_there_after_a_restart_on_the_writer_thread_and_inline()
    {
        WriteAheadLog log = WriteAheadLog.Open(Options);
        Assert.True(log.Recovery.Created);
        for (long lsn = 1; lsn <= 300; lsn++)
        {
            WalBatch batch = WalKit.Groups(lsn, 1, (ulong)lsn, payloadBytes: 900);
            log.Append(batch);
            batch.Release();
            await log.WaitForRoomAsync(default);
        }

        Assert.Equal(new WalPosition(300, 1), log.Last);
        List<byte[]> before = log.Everything();
        await log.DisposeAsync();
        Assert.Throws<WalStoppedException>(() => log.Append(WalKit.Groups(301, 1, 301)));

        log = WriteAheadLog.Open(Options);
        Assert.True(log.Segments.Count > 3);
        Assert.Equal((new WalPosition(300, 1), new WalPosition(300, 1)), (log.Last, log.Durable));
        Assert.Equal(before, log.Everything());
        Assert.Equal(0, log.Recovery.TornBytes);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task Synced_comes_in_order_with_everything_that_was_queued_meanwhile_in_one_sync()
    {
        var disk = new SimulatedDisk();
        await using WriteAheadLog log = WriteAheadLog.Open(WalKit.On(disk));
        log.Fill(1);
        List<(long, long)> reports = [];
        log.Synced += (lsn, generation) => reports.Add((lsn, generation));
        for (long lsn = 2; lsn <= 20; lsn++)
            log.Add(WalKit.Groups(lsn, 1, (ulong)lsn));
        Assert.Equal(1, log.Durable.Lsn);
        int syncs = disk.Syncs;
        log.Flush();

        Assert.Equal([(20L, 0L)], reports);
        Assert.Equal(1, disk.Syncs - syncs);
        Assert.Equal(20, log.Durable.Lsn);
    }

    [Fact]
    public async Task A_batch_that_does_not_follow_is_refused()
    {
        await using WriteAheadLog log = WriteAheadLog.Open(WalKit.On(new SimulatedDisk()));
        log.Fill(3, term: 5);
        Assert.Throws<ArgumentException>(() => log.Append(WalKit.Groups(3, 5, 3)));
        Assert.Throws<ArgumentException>(() => log.Append(WalKit.Groups(5, 5, 5)));
        Assert.Throws<ArgumentException>(() => log.Append(WalKit.Groups(4, 4, 4)));
        log.AddSynced(WalKit.Groups(4, 6, 4));
        Assert.Equal(new WalPosition(4, 6), log.Durable);
        Assert.Equal((5L, 6L, null), (log.TermAt(3), log.TermAt(4), log.TermAt(5)));
        Assert.Equal(0L, log.TermAt(0));
    }

    [Fact]
    public async Task Truncation_is_seen_at_once_and_what_follows_it_is_what_stays()
    {
        var disk = new SimulatedDisk();
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(disk, segmentBytes: 8 << 10));
        for (long lsn = 1; lsn < 100; lsn += 3)
            log.AddSynced(WalKit.Groups(lsn, 1, (ulong)lsn, count: 3));
        List<(long, long)> reports = [];
        log.Synced += (lsn, generation) => reports.Add((lsn, generation));
        Assert.Throws<ArgumentException>(() => log.TruncateAfter(49)); // inside 49–51
        Assert.Throws<ArgumentException>(() => log.TruncateAfter(103));

        log.TruncateAfter(48, wakeWriter: false);
        Assert.Equal((new WalPosition(48, 1), new WalPosition(48, 1), 1L), (log.Last, log.Durable, log.Generation));
        Assert.False(log.TryGetBatch(49, out _));
        Assert.Null(log.FindGroup(WalKit.Gtid(60)));
        WalBatch replacement = WalKit.Groups(49, 2, 49, count: 2);
        log.Add(replacement.Retain());
        Assert.True(log.TryGetBatch(50, out WalBatch? read));
        Assert.Equal(2, read.Term);
        Assert.Equal(48, log.Durable.Lsn);
        log.Flush();

        Assert.Equal([(48L, 1L), (50L, 1L)], reports);
        List<byte[]> all = log.Everything();
        await log.DisposeAsync();
        log = WriteAheadLog.Open(WalKit.On(disk, segmentBytes: 8 << 10));
        Assert.Equal(all, log.Everything());
        Assert.Equal(new WalPosition(50, 2), log.Last);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task A_report_of_the_time_before_a_truncation_says_nothing_about_durability_after_it()
    {
        await using WriteAheadLog log = WriteAheadLog.Open(WalKit.On(new SimulatedDisk()));
        log.Fill(5);
        log.Add(WalKit.Groups(6, 1, 6));
        log.TruncateAfter(4, wakeWriter: false);
        log.Add(WalKit.Groups(5, 2, 5));
        log.Add(WalKit.Groups(6, 2, 6));
        List<(long Lsn, long Generation, long Durable)> reports = [];
        log.Synced += (lsn, generation) => reports.Add((lsn, generation, log.Durable.Lsn));
        log.Flush();
        Assert.Equal([(6, 0, 4), (4, 1, 4), (6, 1, 6)], reports);
    }

    [Fact]
    public async Task Pruning_deletes_whole_segments_and_keeps_what_must_be_known_of_them()
    {
        var disk = new SimulatedDisk();
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(disk, segmentBytes: 8 << 10));
        log.AddSynced(WalKit.Configuration(1, 1, "old"));
        log.AddSynced(WalKit.Configuration(2, 1, "newer"));
        log.Fill(60, term: 2);
        log.AddSynced(WalKit.Configuration(61, 3, "newest"));
        log.Fill(100, term: 3);
        WalCursor late = log.OpenCursor(1);

        long first = log.Prune(50);

        Assert.InRange(first, 20, 50);
        Assert.Equal(first, log.FirstLsn);
        Assert.Equal(first, log.Segments[0].FirstLsn);
        Assert.Equal(new WalPosition(first - 1, 2), log.Start.Before);
        Assert.Equal(["newer", "newest"], log.Configurations.Select(entry => entry.Text()));
        Assert.Equal(2L, log.TermAt(first - 1));
        Assert.Null(log.TermAt(first - 2));
        Assert.False(log.TryGetBatch(first - 1, out _));
        Assert.Equal(first, Assert.Throws<WalPrunedException>(() => late.TryRead(long.MaxValue, out _)).FirstLsn);
        Assert.Equal(WalKit.Gtid((ulong)first - 1), log.LastGroupAtOrBefore(first - 1, out _));
        Assert.Throws<ArgumentException>(() => log.TruncateAfter(first - 2));
        await log.DisposeAsync();

        log = WriteAheadLog.Open(WalKit.On(disk, segmentBytes: 8 << 10));
        Assert.Equal(first, log.FirstLsn);
        Assert.Equal(["newer", "newest"], log.Configurations.Select(entry => entry.Text()));
        log.TruncateAfter(first - 1, wakeWriter: false); // down to nothing
        Assert.Equal(first - 1, log.Last.Lsn);
        Assert.Equal(WalKit.Gtid((ulong)first - 1), log.LastGroupAtOrBefore(long.MaxValue, out _));
        log.AddSynced(WalKit.NoOp(first, 4));
        Assert.Equal(new WalPosition(first, 4), log.Durable);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task A_log_can_begin_anew_after_a_copy_of_the_database()
    {
        var disk = new SimulatedDisk();
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(disk));
        log.Fill(30);
        var start = new LogStart(new WalPosition(1000, 7), new ConfigurationEntry(900, "now"u8.ToArray()), new GroupEnd(WalKit.Gtid(800), 998));

        log.ResetTo(start, wakeWriter: false);
        Assert.Equal((1001L, new WalPosition(1000, 7), default(WalPosition)), (log.FirstLsn, log.Last, log.Durable));
        log.AddSynced(WalKit.Groups(1001, 7, 801));
        Assert.Equal(new WalPosition(1001, 7), log.Durable);
        await log.DisposeAsync();

        log = WriteAheadLog.Open(WalKit.On(disk));
        Assert.Equal((1001L, new WalPosition(1001, 7)), (log.FirstLsn, log.Last));
        Assert.Equal("now", Assert.Single(log.Configurations).Text());
        Assert.Equal(WalKit.Gtid(800), log.LastGroupAtOrBefore(1000, out long end));
        Assert.Equal(998, end);
        Assert.Equal(1001, log.FindGroup(WalKit.Gtid(801)));
        Assert.Equal(998, log.FindGroup(WalKit.Gtid(800)));
        await log.DisposeAsync();
    }

    [Fact]
    public async Task A_cursor_stops_at_the_commit_and_notices_when_what_it_read_was_cut_off()
    {
        await using WriteAheadLog log = WriteAheadLog.Open(WalKit.On(new SimulatedDisk()));
        for (long lsn = 1; lsn < 20; lsn += 2)
            log.AddSynced(WalKit.Groups(lsn, 1, (ulong)lsn, count: 2));
        WalCursor cursor = log.OpenCursor(4); // inside 3–4
        Assert.True(cursor.TryRead(6, out WalBatch? batch));
        Assert.Equal(3, batch.FirstLsn);
        Assert.True(cursor.TryRead(6, out batch));
        Assert.Equal(6, batch.LastLsn);
        Assert.False(cursor.TryRead(7, out batch)); // 7–8 is not committed whole
        Assert.Null(batch);
        Assert.Equal(7, cursor.NextLsn);

        log.TruncateAfter(8, wakeWriter: false); // after what it read
        Assert.True(cursor.TryRead(long.MaxValue, out batch));
        log.TruncateAfter(4, wakeWriter: false);
        log.AddSynced(WalKit.Groups(5, 2, 5, count: 10));
        Assert.Throws<InvalidOperationException>(() => cursor.TryRead(long.MaxValue, out _));
    }

    [Fact]
    public async Task A_log_of_another_cluster_and_one_that_is_open_elsewhere_are_refused()
    {
        WriteAheadLog log = WriteAheadLog.Open(Options);
        log.Fill(1);
        Assert.Contains("another process", Assert.Throws<WalRefusedException>(() => WriteAheadLog.Open(Options)).Message, StringComparison.Ordinal);
        await log.DisposeAsync();

        var other = Guid.Parse("11111111-2222-3333-4444-555555555555");
        WalRefusedException refused = Assert.Throws<WalRefusedException>(() => WriteAheadLog.Open(Options with { ClusterId = other }));
        Assert.Contains(WalKit.Cluster.ToString(), refused.Message, StringComparison.Ordinal);
        log = WriteAheadLog.Open(Options with { ClusterId = Guid.Empty }); // whatever it is
        Assert.Equal(WalKit.Cluster, log.ClusterId);
        Assert.Throws<WalRefusedException>(() => log.AdoptCluster(other));
        await log.DisposeAsync();
    }

    [Fact]
    public async Task A_joining_node_learns_its_cluster_before_its_first_entry()
    {
        WriteAheadLog log = WriteAheadLog.Open(Options with { ClusterId = Guid.Empty });
        Assert.Throws<InvalidOperationException>(() => log.Append(WalKit.NoOp(1, 1)));
        log.AdoptCluster(WalKit.Cluster);
        log.AddSynced(WalKit.NoOp(1, 1));
        await log.DisposeAsync();
        log = WriteAheadLog.Open(Options);
        Assert.Equal(1, log.Last.Lsn);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task Back_pressure_holds_until_the_disk_has_caught_up()
    {
        await using WriteAheadLog log = WriteAheadLog.Open(WalKit.On(new SimulatedDisk()) with { MaxPendingBytes = 500 });
        log.Add(WalKit.Groups(1, 1, 1));
        Assert.True(log.WaitForRoomAsync(default).AsTask().IsCompletedSuccessfully);
        log.Add(WalKit.Groups(2, 1, 2));
        log.Add(WalKit.Groups(3, 1, 3));
        Task waiting = log.WaitForRoomAsync(default).AsTask();
        using var cancelled = new CancellationTokenSource();
        Task impatient = log.WaitForRoomAsync(cancelled.Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        log.Flush();
        await waiting.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, log.PendingBytes);
    }

    [Fact]
    public async Task Without_fsync_it_is_synced_after_the_interval_all_the_same()
    {
        var disk = new SimulatedDisk();
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(disk, fsync: false) with { FlushInterval = TimeSpan.FromMilliseconds(1), SyncedRecordInterval = TimeSpan.FromMilliseconds(1) });
        log.Fill(1); // makes the segment, which is synced in any case
        Task segmentSynced = disk.WhenSynced(".wal");
        Task lsnRecorded = disk.WhenSynced("synced");
        log.Fill(2);
        Assert.Equal(2, log.Durable.Lsn); // although nothing is synced yet
        await Task.WhenAll(segmentSynced, lsnRecorded).WaitAsync(TimeSpan.FromSeconds(60));
        await log.DisposeAsync();
    }

    [Fact]
    public async Task A_batch_longer_than_a_segment_gets_one_of_its_own()
    {
        var disk = new SimulatedDisk();
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(disk, segmentBytes: 8 << 10));
        log.Fill(2);
        log.AddSynced(WalKit.Groups(3, 1, 3, payloadBytes: 300_000));
        log.AddSynced(WalKit.Groups(4, 1, 4));
        List<byte[]> all = log.Everything();
        Assert.Equal([1L, 3, 4], log.Segments.Select(segment => segment.FirstLsn));
        await log.DisposeAsync();
        log = WriteAheadLog.Open(WalKit.On(disk, segmentBytes: 8 << 10));
        Assert.Equal(all, log.Everything());
        await log.DisposeAsync();
    }
}
