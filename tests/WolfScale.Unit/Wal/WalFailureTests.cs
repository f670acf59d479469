using System.Diagnostics;
using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>A disk that is full, or that fails.</summary>
public sealed class WalFailureTests
{
    private readonly SimulatedDisk _disk = new();

    [Fact]
    public async Task After_a_failed_sync_nothing_more_is_accepted_and_nothing_of_it_was_called_durable()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        List<long> synced = [];
        List<WalFailure> failures = [];
        log.Synced += (lsn, _) => synced.Add(lsn);
        log.Failed += failures.Add;
        log.Fill(3);
        _disk.SyncsFail = true;
        log.AddSynced(WalKit.Groups(4, 1, 4));
        _disk.SyncsFail = false;

        Assert.Equal([1L, 2, 3], synced);
        WalFailure failure = Assert.Single(failures);
        Assert.Equal((WalFailureKind.SyncFailed, 3, false), (failure.Kind, failure.DurableLsn, failure.CanResume));
        Assert.Equal(3, log.Durable.Lsn);
        WalBatch next = WalKit.Groups(5, 1, 5);
        Assert.Throws<WalStoppedException>(() => log.Append(next));
        Assert.Throws<WalStoppedException>(() => log.TruncateAfter(2));
        await Assert.ThrowsAsync<WalStoppedException>(async () => await log.WaitForRoomAsync(default));
        Assert.False(log.TryResume());
        log.Flush();
        Assert.Single(failures);
        await log.DisposeAsync();
        Assert.Equal(3, log.Recovery.LastLsn + 3);
    }

    [Fact]
    public async Task After_a_failed_sync_a_restart_does_not_believe_what_only_the_kernel_still_shows()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(3);
        _disk.SyncsFail = true;
        log.AddSynced(WalKit.Groups(4, 1, 4));
        await log.DisposeAsync();
        _disk.ProcessDeath();

        log = WriteAheadLog.Open(WalKit.On(_disk)); // the pages look clean and are not on the disk: they must be written again
        long claimed = log.Durable.Lsn;
        await log.DisposeAsync();
        _disk.PowerLoss(new Random(1));
        log = WriteAheadLog.Open(WalKit.On(_disk));
        Assert.Equal(claimed, log.Last.Lsn);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task A_full_disk_stops_the_log_and_when_there_is_room_it_goes_on_where_it_was()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk) with { ZeroAheadBytes = 0 });
        List<WalFailure> failures = [];
        log.Failed += failures.Add;
        log.Fill(3);
        _disk.FreeBytes = 300; // room for one batch and a half
        log.Add(WalKit.Groups(4, 1, 4));
        log.Add(WalKit.Groups(5, 1, 5));
        log.Flush();

        WalFailure failure = Assert.Single(failures);
        Assert.Equal((WalFailureKind.DiskFull, 3, true), (failure.Kind, failure.DurableLsn, failure.CanResume));
        Assert.Contains("No space", failure.Message, StringComparison.Ordinal);
        Assert.Throws<WalStoppedException>(() => log.Add(WalKit.Groups(6, 1, 6)));
        Assert.False(log.TryResume());
        Assert.Single(failures);
        Assert.Equal(3, log.Durable.Lsn);

        _disk.FreeBytes = 1 << 20;
        Assert.True(log.TryResume());
        Assert.Equal(5, log.Durable.Lsn); // what was accepted before
        log.Fill(9);
        await log.DisposeAsync();
        log = WriteAheadLog.Open(WalKit.On(_disk));
        Assert.Equal(9, log.Everything().Count);
        Assert.Equal(0, log.Recovery.TornBytes);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task A_crash_on_a_full_disk_leaves_nothing_half_written_to_be_believed()
    {
        for (int free = 0; free < 800; free += 40)
        {
            var disk = new SimulatedDisk();
            WriteAheadLog log = WriteAheadLog.Open(WalKit.On(disk) with { ZeroAheadBytes = 0 });
            log.Fill(3);
            List<byte[]> before = log.Everything();
            disk.FreeBytes = free;
            for (long lsn = 4; lsn < 7; lsn++)
                log.Add(WalKit.Groups(lsn, 1, (ulong)lsn));
            log.Flush();
            Assert.Equal(3, log.Durable.Lsn);
            List<byte[]> all = log.Everything();
            await log.DisposeAsync();
            disk.PowerLoss(new Random(free));
            disk.FreeBytes = long.MaxValue;

            log = WriteAheadLog.Open(WalKit.On(disk));
            List<byte[]> left = log.Everything();
            Assert.True(left.Count >= before.Count);
            Assert.Equal(all.Take(left.Count), left);
            await log.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_disk_fills_while_a_new_segment_is_begun_and_the_log_goes_on_later()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk, segmentBytes: 8 << 10) with { ZeroAheadBytes = 0 });
        log.Fill(12);
        int segments = log.Segments.Count;
        while (log.Failure is null)
        {
            _disk.FreeBytes = 2000; // enough for a batch, not for a segment's header
            log.AddSynced(WalKit.Groups(log.Last.Lsn + 1, 1, (ulong)log.Last.Lsn + 1));
        }

        long last = log.Last.Lsn;
        Assert.Equal(last - 1, log.Durable.Lsn);
        Assert.False(log.TryResume());
        _disk.FreeBytes = 1 << 20;
        Assert.True(log.TryResume());
        Assert.Equal(last, log.Durable.Lsn);
        Assert.Equal(segments + 1, log.Segments.Count);
        await log.DisposeAsync();
        Assert.Null(WriteAheadLog.Verify(WalKit.On(_disk)).Damage);
    }

    [Fact]
    public async Task No_room_for_zeros_ahead_is_no_failure()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(1);
        _disk.FreeBytes = 1000;
        while (_disk.FreeBytes > 300)
            log.AddSynced(WalKit.Groups(log.Last.Lsn + 1, 1, 1));
        Assert.Null(log.Failure);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task A_write_error_stops_the_log_for_good()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(2);
        _disk.WritesFail = true;
        log.AddSynced(WalKit.Groups(3, 1, 3));
        Assert.Equal((WalFailureKind.WriteFailed, 2), (log.Failure!.Kind, log.Failure.DurableLsn));
        _disk.WritesFail = false;
        Assert.False(log.TryResume());
        await log.DisposeAsync();
    }

    [Fact]
    public async Task Those_who_wait_for_room_learn_of_the_failure()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk) with { MaxPendingBytes = 100 });
        log.Add(WalKit.Groups(1, 1, 1));
        Task waiting = log.WaitForRoomAsync(default).AsTask();
        Assert.False(waiting.IsCompleted);
        _disk.SyncsFail = true;
        log.Flush();
        await Assert.ThrowsAsync<WalStoppedException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(30)));
        await log.DisposeAsync();
    }

    /// <summary>A real, small file system where the test may mount one (root); a simulated one elsewhere.</summary>
    [Fact]
    public async Task On_a_real_file_system_that_is_full_the_log_stops_clearly_and_goes_on_when_there_is_room()
    {
        using var small = SmallFileSystem.TryMount(sizeKiB: 1024);
        if (small is null)
            return; // not root: the same story runs on the simulated disk above
        WalOptions options = WalKit.On(_disk, segmentBytes: 256 << 10) with { Files = null, Directory = Path.Combine(small.Path, "wal"), ZeroAheadBytes = 64 << 10 };
        string ballast = Path.Combine(small.Path, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[512 << 10]);
        WriteAheadLog log = WriteAheadLog.Open(options);
        while (log.Failure is null)
            log.AddSynced(WalKit.Groups(log.Last.Lsn + 1, 1, (ulong)log.Last.Lsn + 1, payloadBytes: 5000));

        Assert.Equal(WalFailureKind.DiskFull, log.Failure.Kind);
        Assert.Equal(log.Last.Lsn - 1, log.Durable.Lsn);
        Assert.False(log.TryResume());
        File.Delete(ballast);
        Assert.True(log.TryResume());
        Assert.Equal(log.Last, log.Durable);
        log.Fill(log.Last.Lsn + 20);
        long last = log.Last.Lsn;
        await log.DisposeAsync();
        Assert.Equal((null, last), (WriteAheadLog.Verify(options).Damage, WriteAheadLog.Verify(options).LastLsn));
    }

    private sealed class SmallFileSystem : IDisposable
    {
        private readonly TempFolder _folder;

        private SmallFileSystem(TempFolder folder) => _folder = folder;

        public string Path => _folder.Path;

        public static SmallFileSystem? TryMount(int sizeKiB)
        {
            if (!Environment.IsPrivilegedProcess)
                return null;
            TempFolder folder = new("small");
            if (Run("mount", "-t", "tmpfs", "-o", $"size={sizeKiB}k", "tmpfs", folder.Path))
                return new SmallFileSystem(folder);
            folder.Dispose();
            return null;
        }

        public void Dispose()
        {
            Run("umount", Path);
            _folder.Dispose();
        }

        private static bool Run(string program, params string[] arguments)
        {
            using Process process = Process.Start(program, arguments);
            process.WaitForExit();
            return process.ExitCode == 0;
        }
    }
}
