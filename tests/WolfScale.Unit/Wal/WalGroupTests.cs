using CsCheck;
using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

/// <summary>Rule C7: a group counts when all its pieces stand one after the other.</summary>
public sealed class WalGroupTests : IAsyncLifetime
{
    private const EntryFlags Whole = EntryFlags.First | EntryFlags.Last;
    private static readonly EntryKey Five = WalKit.Gtid(5);
    private readonly WriteAheadLog _log = WriteAheadLog.Open(WalKit.On(new SimulatedDisk()));

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    [Fact]
    public void C7_a_group_in_pieces_is_found_at_its_last_entry_even_over_several_batches()
    {
        Log(1, (EntryKind.Group, Whole, WalKit.Gtid(4)), (EntryKind.Group, EntryFlags.First, Five));
        Log(1, (EntryKind.Group, EntryFlags.None, Five));
        Log(1, (EntryKind.Group, EntryFlags.None, Five), (EntryKind.Group, EntryFlags.Last, Five), (EntryKind.Group, Whole, WalKit.Gtid(6)));

        Assert.Equal(5, _log.FindGroup(Five));
        Assert.Equal((WalKit.Gtid(4), 1), LastAt(4));
        Assert.Equal((Five, 5), LastAt(5));
        Assert.Equal((WalKit.Gtid(6), 6), LastAt(6));
    }

    [Fact]
    public void C7_a_group_that_a_new_term_interrupts_is_void_and_its_restart_counts()
    {
        Log(1, (EntryKind.Group, EntryFlags.First, Five));
        Log(1, (EntryKind.Group, EntryFlags.None, Five));
        Log(2, (EntryKind.NoOp, EntryFlags.None, default), (EntryKind.Group, EntryFlags.Last, Five));
        Assert.Null(_log.FindGroup(Five));
        Assert.Null(LastAt(4));

        Log(2, (EntryKind.Group, EntryFlags.First, Five), (EntryKind.NoOp, EntryFlags.None, default), (EntryKind.Group, EntryFlags.Last, Five));
        Assert.Null(_log.FindGroup(Five));

        Log(2, (EntryKind.Group, EntryFlags.First, Five));
        Log(2, (EntryKind.Group, EntryFlags.Last, Five));
        Assert.Equal(9, _log.FindGroup(Five));
        Assert.Equal((Five, 9), LastAt(9));
        Assert.Null(LastAt(8));
    }

    /// <summary>The capture does not know of membership changes: a group that one of them falls into would be acknowledged, and nobody would apply it.</summary>
    [Fact]
    public void C7_a_change_of_the_membership_in_the_middle_of_a_group_does_not_make_it_void()
    {
        Log(1, (EntryKind.Group, EntryFlags.First, Five));
        Log(1, (EntryKind.Configuration, EntryFlags.None, default));
        Log(1, (EntryKind.Group, EntryFlags.None, Five));
        Log(1, (EntryKind.Configuration, EntryFlags.None, default));
        Log(1, (EntryKind.Group, EntryFlags.Last, Five));
        Assert.Equal(5, _log.FindGroup(Five));
        Assert.Equal((Five, 5), LastAt(5));
        Assert.Null(LastAt(4));
    }

    [Fact]
    public void C7_a_last_piece_without_its_beginning_is_not_a_group()
    {
        Log(1, (EntryKind.Group, EntryFlags.Last, Five));
        Log(1, (EntryKind.Group, EntryFlags.First, Five), (EntryKind.Group, EntryFlags.Last, WalKit.Gtid(5, server: 2)));
        Assert.Null(_log.FindGroup(Five));
        Assert.Null(_log.FindGroup(WalKit.Gtid(5, server: 2)));
        Assert.Null(LastAt(3));
    }

    [Fact]
    public void C7_a_group_that_begins_again_from_the_same_server_is_found_at_the_end_of_the_second()
    {
        Log(1, (EntryKind.Group, EntryFlags.First, Five), (EntryKind.Group, EntryFlags.First, Five), (EntryKind.Group, EntryFlags.Last, Five));
        Assert.Equal(3, _log.FindGroup(Five));
    }

    [Fact]
    public void C7_a_group_cut_in_two_by_truncation_is_void_until_it_is_written_again()
    {
        Log(1, (EntryKind.Group, EntryFlags.First, Five));
        Log(1, (EntryKind.Group, EntryFlags.Last, Five));
        Assert.Equal(2, _log.FindGroup(Five));
        _log.TruncateAfter(1, wakeWriter: false);
        Assert.Null(_log.FindGroup(Five));
        Log(2, (EntryKind.NoOp, EntryFlags.None, default));
        Log(2, (EntryKind.Group, EntryFlags.Last, Five));
        Assert.Null(_log.FindGroup(Five));
    }

    [Fact]
    public async Task C7_what_is_known_of_groups_survives_pruning_through_the_middle_of_one()
    {
        var disk = new SimulatedDisk();
        WriteAheadLog log = WriteAheadLog.Open(WalKit.On(disk, segmentBytes: 8 << 10));
        log.AddSynced(WalKit.Groups(1, 1, 4));
        log.AddSynced(Piece(2, EntryFlags.First));
        for (long lsn = 3; lsn < 12; lsn++)
            log.AddSynced(Piece(lsn, EntryFlags.None));
        Assert.True(log.Segments.Count > 2);

        long first = log.Prune(10); // within the group
        Assert.True(first > 3);
        Assert.Equal(WalKit.Gtid(4), log.LastGroupAtOrBefore(11, out long end));
        Assert.Equal(1, end);
        Assert.Equal(1, log.FindGroup(WalKit.Gtid(4))); // remembered although it is gone

        await log.DisposeAsync();
        log = WriteAheadLog.Open(WalKit.On(disk, segmentBytes: 8 << 10));
        Assert.Equal(first, log.FirstLsn);
        log.AddSynced(Piece(12, EntryFlags.Last));
        Assert.Equal(12, log.FindGroup(Five)); // its beginning is pruned, and it is whole
        Assert.Equal(Five, log.LastGroupAtOrBefore(12, out _));
        await log.DisposeAsync();

        static WalBatch Piece(long lsn, EntryFlags flags)
        {
            using var builder = new WalBatchBuilder();
            Assert.True(builder.TryAdd(EntryKind.Group, flags, Five, WalKit.Payload(1500, lsn)));
            return builder.Seal().Assign(lsn, 1);
        }
    }

    [Fact]
    public void A_header_tells_of_its_groups_what_its_entries_tell()
    {
        Gen<(EntryKind, EntryFlags, EntryKey)> entry = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 3], Gen.Int[1, 3]).Select((kind, flags, sequence) =>
            kind == 0 ? (EntryKind.NoOp, EntryFlags.None, default) : (EntryKind.Group, (EntryFlags)flags, WalKit.Gtid((ulong)sequence)));
        entry.Array[1, 8].Array[1, 8].Sample(batches =>
        {
            GroupState byHeader = default;
            GroupState byEntry = default;
            long lsn = 1;
            foreach ((EntryKind, EntryFlags, EntryKey)[] entries in batches)
            {
                // One batch in eight is a change of the membership, which is alone in its batch.
                WalBatch batch = WalKit.Batch(lsn, 1, entries.Length == 8 ? [(EntryKind.Configuration, EntryFlags.None, default)] : entries);
                byHeader = byHeader.After(batch.Header);
                byEntry = WolfScale.Wal.Reading.BatchReading.Fold(batch, byEntry, long.MaxValue);
                Assert.Equal(byEntry, byHeader);
                lsn = batch.LastLsn + 1;
                batch.Release();
            }
        }, iter: 20_000, threads: 1);
    }

    private (EntryKey Key, long Lsn)? LastAt(long lsn) => _log.LastGroupAtOrBefore(lsn, out long end) is { } key ? (key, end) : null;

    private void Log(long term, params (EntryKind, EntryFlags, EntryKey)[] entries) => _log.AddSynced(WalKit.Batch(_log.Last.Lsn + 1, term, entries));
}
