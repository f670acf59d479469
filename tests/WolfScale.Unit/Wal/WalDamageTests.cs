using System.Buffers.Binary;
using WolfScale.Wal;
using WolfScale.Wal.Segments;

namespace WolfScale.Unit.Wal;

/// <summary>Rule C6: a torn tail is cut off, damage never is.</summary>
public sealed class WalDamageTests
{
    private readonly SimulatedDisk _disk = new();

    [Fact]
    public async Task C6_a_last_write_that_was_torn_is_cut_off_and_said()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(5);
        await log.DisposeAsync();
        string path = SegmentPath(1);
        byte[] whole = _disk.BytesOf(path);
        log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(6);
        await log.DisposeAsync();
        byte[] longer = _disk.BytesOf(path);

        // Every length between the fifth entry and the sixth, with the record still saying 5.
        for (int length = whole.Length; length < longer.Length; length++)
        {
            SimulatedDisk torn = DiskWith(longer[..length], RecordOf(5));
            log = WriteAheadLog.Open(WalKit.On(torn));
            Assert.Equal(5, log.Last.Lsn);
            Assert.InRange(log.Recovery.TornBytes, length > whole.Length ? 1 : 0, length - whole.Length);
            await log.DisposeAsync();
            Assert.Equal(whole, torn.BytesOf(path));
        }
    }

    [Fact]
    public async Task C6_a_cut_below_the_recorded_LSN_is_damage_and_the_log_is_refused()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(9);
        await log.DisposeAsync();
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        byte[] record = _disk.BytesOf(RecordPath);

        SimulatedDisk cut = DiskWith(bytes[..^1], record);
        WalDamage damage = Assert.Throws<WalDamagedException>(() => WriteAheadLog.Open(WalKit.On(cut))).Damage;

        Assert.Equal((9, 9), (damage.Lsn, damage.ProvenSyncedLsn));
        Assert.Equal(bytes[..^1], cut.BytesOf(SegmentPath(1))); // nothing was changed
        Assert.Equal(8, WriteAheadLog.DiscardFrom(WalKit.On(cut), damage.Lsn));
        log = WriteAheadLog.Open(WalKit.On(cut));
        Assert.Equal(8, log.Last.Lsn);
        log.Fill(12); // refilled from a peer
        Assert.Equal(12, log.Durable.Lsn);
        await log.DisposeAsync();
    }

    /// <summary>After a downgrade: to this program a batch of a later version looks like garbage, and garbage at the end of a log is cut off. Here that would be acknowledged writes.</summary>
    [Fact]
    public async Task A_batch_of_a_later_version_is_neither_torn_nor_rotten_and_keeps_its_log()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(9);
        WalBatchInfo last = Info(log, 9);
        await log.DisposeAsync();
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        Span<byte> header = bytes.AsSpan((int)OffsetOf(bytes, last), WalBatch.HeaderBytes);
        header[32] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(header[124..], Crc32C.Of(header[..124]));

        foreach (long recorded in (long[])[5, 9]) // what would be a torn tail, and what would be damage
        {
            SimulatedDisk newer = DiskWith(bytes, RecordOf(recorded));
            string refused = Assert.Throws<WalRefusedException>(() => WriteAheadLog.Open(WalKit.On(newer))).Message;
            Assert.Contains("at LSN 9: the batch is of version 2, and this program knows version 1", refused, StringComparison.Ordinal);
            Assert.Throws<WalRefusedException>(() => WriteAheadLog.DiscardFrom(WalKit.On(newer), 9));
            Assert.Equal(bytes, newer.BytesOf(SegmentPath(1)));
        }

        header[124] ^= 1; // and one whose header is not whole is what it always was
        SimulatedDisk torn = DiskWith(bytes, RecordOf(5));
        await WriteAheadLog.Open(WalKit.On(torn)).DisposeAsync();
    }

    [Fact]
    public async Task C6_the_end_of_the_log_replaced_by_zeros_is_damage()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(9);
        await log.DisposeAsync();
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        bytes.AsSpan(bytes.Length - 200).Clear();

        SimulatedDisk zeroed = DiskWith(bytes, _disk.BytesOf(RecordPath));
        WalDamage damage = Assert.Throws<WalDamagedException>(() => WriteAheadLog.Open(WalKit.On(zeroed))).Damage;
        Assert.Equal((9, 9), (damage.Lsn, damage.ProvenSyncedLsn));
    }

    [Fact]
    public async Task C6_a_later_write_proves_what_was_synced_before_it_where_the_record_lags()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(9); // nine writes, each synced before the next; the record is not written before the log is closed
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        byte[] record = _disk.BytesOf(RecordPath);
        WalBatchInfo third = Info(log, 3);
        await log.DisposeAsync();

        bytes[OffsetOf(bytes, third) + 150] ^= 1;
        SimulatedDisk rotten = DiskWith(bytes, record);
        WalDamagedException refused = Assert.Throws<WalDamagedException>(() => WriteAheadLog.Open(WalKit.On(rotten)));

        Assert.Equal((WalDamageKind.Rotten, 3, 8), (refused.Damage.Kind, refused.Damage.Lsn, refused.Damage.ProvenSyncedLsn));
        Assert.Equal(0, refused.Report!.RecordedSyncedLsn);
        Assert.Equal(OffsetOf(bytes, third), refused.Damage.Offset);
    }

    /// <summary>The exact boundary of what the frames prove, right after a crash: nothing is recorded apart from the log yet.</summary>
    [Fact]
    public async Task C6_every_flipped_byte_before_the_last_write_is_damage_and_in_the_last_write_a_torn_tail()
    {
        const long last = 5;
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk) with { ZeroAheadBytes = 0 });
        log.Fill(last);
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        byte[] record = _disk.BytesOf(RecordPath);
        int[] writes = WriteOffsets(log, bytes);
        await log.DisposeAsync();

        for (int at = writes[0]; at < bytes.Length; at++)
        {
            long lsn = writes.Count(offset => offset <= at);
            bytes[at] ^= (byte)(1 << (at % 8));
            SimulatedDisk rotten = DiskWith(bytes, record);
            if (lsn < last)
            {
                WalDamage damage = Assert.Throws<WalDamagedException>(() => WriteAheadLog.Open(WalKit.On(rotten))).Damage;
                Assert.Equal((WalDamageKind.Rotten, lsn, last - 1), (damage.Kind, damage.Lsn, damage.ProvenSyncedLsn));
            }
            else
            {
                log = WriteAheadLog.Open(WalKit.On(rotten)); // nothing tells it from a write that was still going on
                Assert.Equal((last - 1, bytes.Length - writes[^1]), (log.Last.Lsn, log.Recovery.TornBytes));
                await log.DisposeAsync();
            }

            bytes[at] ^= (byte)(1 << (at % 8));
        }
    }

    /// <summary>One bad block, or a disk that lost its cache, takes the frames together with what they prove.</summary>
    [Fact]
    public async Task C6_where_the_last_writes_are_gone_with_all_their_frames_the_record_alone_decides()
    {
        const long last = 6;
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(last);
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        int[] writes = WriteOffsets(log, bytes);
        await log.DisposeAsync();

        for (long recorded = 0; recorded <= last; recorded++)
        {
            for (long gone = 1; gone <= last; gone++)
            {
                byte[] cut = [.. bytes];
                cut.AsSpan(writes[gone - 1]).Clear();
                SimulatedDisk disk = DiskWith(cut, RecordOf(recorded));
                WalDamage? damage = WriteAheadLog.Verify(WalKit.On(disk)).Damage;
                if (gone <= recorded)
                {
                    Assert.Equal((gone, recorded), (damage?.Lsn, damage?.ProvenSyncedLsn));
                    continue;
                }

                Assert.Null(damage);
                log = WriteAheadLog.Open(WalKit.On(disk));
                Assert.Equal(gone - 1, log.Last.Lsn);
                await log.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task C6_the_last_write_is_proven_too_once_its_LSN_is_recorded()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk) with { SyncedRecordInterval = TimeSpan.FromMilliseconds(1) });
        log.Fill(2);
        for (Task next = _disk.WhenSynced("synced"); RecordedIn(_disk.BytesOf(RecordPath)) < 2; next = _disk.WhenSynced("synced"))
            await next.WaitAsync(TimeSpan.FromSeconds(60));
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        byte[] record = _disk.BytesOf(RecordPath);
        int[] writes = WriteOffsets(log, bytes);
        await log.DisposeAsync();

        bytes[writes[1] + 50] ^= 1;
        SimulatedDisk rotten = DiskWith(bytes, record);
        WalDamage damage = Assert.Throws<WalDamagedException>(() => WriteAheadLog.Open(WalKit.On(rotten))).Damage;
        Assert.Equal((WalDamageKind.Rotten, 2, 2), (damage.Kind, damage.Lsn, damage.ProvenSyncedLsn));
    }

    [Fact]
    public async Task C6_one_write_of_which_only_the_end_reached_the_disk_is_a_torn_tail()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(2);
        for (long lsn = 3; lsn <= 9; lsn++)
            log.Add(WalKit.Groups(lsn, 1, (ulong)lsn));
        log.Flush(); // 3 to 9 in one write
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        byte[] record = _disk.BytesOf(RecordPath);
        WalBatchInfo third = Info(log, 3);
        await log.DisposeAsync();

        // As if the sync had not returned: the sector with batch 3 was never written, those after it were.
        bytes.AsSpan(OffsetOf(bytes, third), third.Bytes).Clear();
        log = WriteAheadLog.Open(WalKit.On(DiskWith(bytes, record)));
        Assert.Equal(2, log.Last.Lsn);
        Assert.True(log.Recovery.TornBytes > 6 * third.Bytes);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task What_stood_behind_a_torn_batch_never_comes_back_behind_one_of_the_same_length()
    {
        WalOptions Options(SimulatedDisk disk) => WalKit.On(disk) with { ZeroAheadBytes = 0 };
        WriteAheadLog log = WriteAheadLog.Open(Options(_disk));
        log.Fill(3);
        log.Add(WalKit.Groups(4, 1, 4));
        log.Add(WalKit.Groups(5, 1, 5));
        log.Flush();
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        WalBatchInfo fourth = Info(log, 4);
        await log.DisposeAsync();
        bytes[OffsetOf(bytes, fourth)] ^= 1; // 4 did not reach the disk, 5 did, and nobody was told of either

        SimulatedDisk torn = DiskWith(bytes, RecordOf(3));
        log = WriteAheadLog.Open(Options(torn));
        Assert.Equal(3, log.Last.Lsn);
        WalBatch other = WalKit.Groups(4, 1, 400);
        Assert.Equal(fourth.Bytes, other.Bytes.Length);
        log.AddSynced(other);
        torn.ProcessDeath();
        torn.ChangesUntilPowerLoss = 0;
        await log.DisposeAsync();
        torn.ProcessDeath();

        log = WriteAheadLog.Open(Options(torn));
        Assert.Equal(4, log.Last.Lsn);
        Assert.Equal(4, log.FindGroup(WalKit.Gtid(400)));
        await log.DisposeAsync();
    }

    [Fact]
    public async Task C6_log_bytes_inside_a_users_data_prove_nothing()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(9);
        byte[] ownBytes = _disk.BytesOf(SegmentPath(1)).AsSpan(4096, 2500).ToArray(); // frames and batches, whole
        log.AddSynced(NoCompression(10, ownBytes));
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        WalBatchInfo tenth = Info(log, 10);
        await log.DisposeAsync();

        bytes[OffsetOf(bytes, tenth)] ^= 1; // torn: the header of the write with the copy in it is not there
        log = WriteAheadLog.Open(WalKit.On(DiskWith(bytes, RecordOf(9))));
        Assert.Equal(9, log.Last.Lsn);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task C6_a_segment_that_is_missing_is_damage_wherever_it_stood()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk, segmentBytes: 8 << 10));
        log.Fill(60);
        await log.DisposeAsync();
        string[] segments = [.. _disk.Paths().Where(path => path.EndsWith(".wal", StringComparison.Ordinal))];
        Assert.True(segments.Length >= 4);

        for (int missing = 1; missing < segments.Length; missing++)
        {
            SimulatedDisk disk = _disk.Copy();
            disk.Delete(segments[missing]);
            WalDamage damage = Assert.Throws<WalDamagedException>(() => WriteAheadLog.Open(WalKit.On(disk))).Damage;
            Assert.Equal(long.Parse(Path.GetFileNameWithoutExtension(segments[missing])), damage.Lsn);
            Assert.Equal(damage.Lsn - 1, WriteAheadLog.DiscardFrom(WalKit.On(disk), damage.Lsn));
            await WriteAheadLog.Open(WalKit.On(disk)).DisposeAsync();
        }

        SimulatedDisk empty = _disk.Copy();
        foreach (string segment in segments)
            empty.Delete(segment);
        Assert.Equal(1, Assert.Throws<WalDamagedException>(() => WriteAheadLog.Open(WalKit.On(empty))).Damage.Lsn);
    }

    [Fact]
    public async Task C6_without_its_record_nobody_can_say_whether_the_log_is_whole()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk));
        log.Fill(9);
        await log.DisposeAsync();
        _disk.Delete(RecordPath);

        WalDamage damage = Assert.Throws<WalDamagedException>(() => WriteAheadLog.Open(WalKit.On(_disk))).Damage;
        Assert.Equal((WalDamageKind.SyncedRecordLost, 10), (damage.Kind, damage.Lsn));
        Assert.Equal(9, WriteAheadLog.DiscardFrom(WalKit.On(_disk), damage.Lsn)); // keeps all there is; the node catches up before it votes
        log = WriteAheadLog.Open(WalKit.On(_disk));
        Assert.Equal(9, log.Last.Lsn);
        await log.DisposeAsync();
    }

    [Fact]
    public async Task C6_truncation_lowers_the_record_before_it_cuts_and_deletes_newest_first()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk, segmentBytes: 8 << 10));
        log.Fill(50);
        await log.DisposeAsync(); // the record says 50
        log = WriteAheadLog.Open(WalKit.On(_disk, segmentBytes: 8 << 10));
        string[] gone = [.. log.Segments.Where(segment => segment.FirstLsn > 20).Select(segment => Path.GetFileName(segment.Path)).Reverse()];
        Assert.True(gone.Length >= 2);
        _disk.Journal.Clear();

        log.TruncateAfter(20, wakeWriter: false);
        log.Flush();
        string kept = Path.GetFileName(log.Segments[^1].Path);
        await log.DisposeAsync();

        List<string> expected = ["sync synced"];
        foreach (string name in gone)
            expected.AddRange([$"delete {name}", "sync folder"]);
        expected.AddRange([$"cut {kept}", $"sync {kept}"]);
        Assert.Equal(expected, _disk.Journal.Take(expected.Count));
    }

    [Fact]
    public async Task Every_flipped_byte_of_a_closed_log_is_found_or_harmless()
    {
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(_disk, segmentBytes: 8 << 10));
        log.AddSynced(WalKit.Configuration(1, 1, "three nodes"));
        log.Fill(16, payloadBytes: 150);
        log.AddSynced(WalKit.Batch(17, 2, (EntryKind.NoOp, EntryFlags.None, default)));
        List<byte[]> everything = log.Everything();
        Assert.True(log.Segments.Count >= 2);
        await log.DisposeAsync();

        int found = 0;
        foreach (string path in _disk.Paths())
        {
            byte[] bytes = _disk.BytesOf(path);
            for (int at = 0; at < bytes.Length; at++)
            {
                bytes[at] ^= (byte)(1 << (at % 8));
                SimulatedDisk flipped = _disk.Copy();
                flipped.Put(path, bytes);
                found += await AssertFoundOrHarmless(flipped, everything, open: at % 50 == 0) ? 1 : 0;
                bytes[at] ^= (byte)(1 << (at % 8));
            }
        }

        Assert.True(found > 10_000);
    }

    [Fact]
    public async Task Rot_in_an_old_segment_that_was_not_read_on_opening_is_found_when_it_is_read()
    {
        WalOptions options = WalKit.On(_disk, segmentBytes: 8 << 10) with { CheckOnOpenBytes = 0 };
        WriteAheadLog log = WriteAheadLog.Open(options);
        log.Fill(80);
        await log.DisposeAsync();
        byte[] bytes = _disk.BytesOf(SegmentPath(1));
        bytes[4096 + 500] ^= 4;
        _disk.Put(SegmentPath(1), bytes);

        log = WriteAheadLog.Open(options); // by the footer's word
        Assert.Equal(80, log.Last.Lsn);
        WalDamage damage = Assert.Throws<WalDamagedException>(log.Everything).Damage;
        Assert.Equal(SegmentPath(1), damage.Path);
        await log.DisposeAsync();
        Assert.Equal(damage.Lsn, WriteAheadLog.Verify(options).Damage!.Lsn);
    }

    [Fact]
    public async Task A_footer_tells_the_same_as_reading_the_segment()
    {
        WalOptions options = WalKit.On(_disk, segmentBytes: 8 << 10);
        WriteAheadLog log = WriteAheadLog.Open(options);
        log.AddSynced(WalKit.Configuration(1, 1, "one node"));
        log.Fill(40);
        log.AddSynced(WalKit.Configuration(41, 2, "two nodes"));
        log.Fill(120, term: 3);
        await log.DisposeAsync();

        WriteAheadLog read = WriteAheadLog.Open(options);
        var facts = Facts(read);
        await read.DisposeAsync();
        WriteAheadLog believed = WriteAheadLog.Open(options with { CheckOnOpenBytes = 0 });
        Assert.True(believed.Recovery.BytesChecked < read.Recovery.BytesChecked);
        Assert.Equal(facts, Facts(believed));
        await believed.DisposeAsync();
    }

    private static string Facts(WriteAheadLog log) => string.Join('\n', Enumerable.Range(1, (int)log.Last.Lsn).Select(lsn =>
        $"{log.TermAt(lsn)} {log.BatchBounds(lsn)} {log.LastGroupAtOrBefore(lsn, out _)} {log.FindGroup(WalKit.Gtid((ulong)lsn))}"))
        + string.Join(',', log.Configurations.Select(entry => $"{entry.Lsn} {entry.Text()}"));

    private static async Task<bool> AssertFoundOrHarmless(SimulatedDisk disk, List<byte[]> everything, bool open)
    {
        WalOptions options = WalKit.On(disk, segmentBytes: 8 << 10);
        WalDamage? damage = WriteAheadLog.Verify(options).Damage;
        if (damage is not null && open)
        {
            Assert.Throws<WalDamagedException>(() => WriteAheadLog.Open(options));
            WriteAheadLog.DiscardFrom(options, damage.Lsn);
        }

        if (damage is not null && !open)
            return true;
        await using WriteAheadLog log = WriteAheadLog.Open(options);
        List<byte[]> left = log.Everything();
        Assert.Equal(everything.Take(left.Count), left);
        Assert.True(damage is null ? left.Count == everything.Count : log.Last.Lsn == damage.Lsn - 1 || left.Count == 0);
        return damage is not null;
    }

    private static string SegmentPath(long firstLsn) => $"{WalKit.Folder}/{firstLsn:D20}.wal";

    private static string RecordPath => $"{WalKit.Folder}/synced";

    private static WalBatch NoCompression(long lsn, byte[] payload)
    {
        using var builder = new WalBatchBuilder(compress: false);
        Assert.True(builder.TryAdd(EntryKind.Group, EntryFlags.First | EntryFlags.Last, WalKit.Gtid((ulong)lsn), payload));
        return builder.Seal().Assign(lsn, 1);
    }

    private static WalBatchInfo Info(WriteAheadLog log, long lsn)
    {
        Assert.True(log.TryGetBatchInfo(lsn, out WalBatchInfo info));
        return info;
    }

    // A batch is found in the file by its magic number and first LSN.
    private static int OffsetOf(byte[] file, WalBatchInfo batch)
    {
        for (int at = 4096; at < file.Length - 16; at++)
        {
            if (BitConverter.ToUInt32(file, at) == 0x3142_5357 && BitConverter.ToInt64(file, at + 8) == batch.FirstLsn)
                return at;
        }

        throw new InvalidOperationException("no such batch");
    }

    // Where each one-batch write begins: at its frame.
    private static int[] WriteOffsets(WriteAheadLog log, byte[] file) =>
        [.. Enumerable.Range(1, (int)log.Last.Lsn).Select(lsn => OffsetOf(file, Info(log, lsn)) - Frame.Bytes)];

    // The higher of the two slots.
    private static long RecordedIn(byte[] record) => Math.Max(BitConverter.ToInt64(record, 16), BitConverter.ToInt64(record, 4096 + 16));

    // The record as a log that ends there leaves it.
    private static byte[] RecordOf(long lsn)
    {
        var disk = new SimulatedDisk();
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(disk));
        log.Fill(lsn);
        log.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return disk.BytesOf(RecordPath);
    }

    private static SimulatedDisk DiskWith(byte[] segment, byte[] record)
    {
        var disk = new SimulatedDisk();
        disk.Put(SegmentPath(1), segment);
        disk.Put(RecordPath, record);
        return disk;
    }
}
