using WolfScale.Wal;
using static WolfScale.Unit.Wal.WalStoryTests;

namespace WolfScale.Unit.Wal;

/// <summary>A log and its naive twin, living through steps together.</summary>
internal sealed class WalLife : IDisposable
{
    private readonly SimulatedDisk _disk = new();
    private readonly bool _fsync;
    private readonly Dictionary<long, List<TwinBatch>> _possible = []; // by generation: what the log should be if the disk got that far
    private WriteAheadLog _log = null!;
    private List<TwinBatch> _twin = [];
    private long _prunedThrough; // the log may begin anywhere at or before the LSN after this
    private long _generation; // as the twin counts it
    private long _reported; // what Synced promised, as cut by later truncations
    private long _reportedGeneration;
    private ulong _sequence;
    private long _term = 1;
    private Random? _pendingLoss;

    public WalLife(bool fsync)
    {
        _fsync = fsync;
        Open();
    }

    public void Do(Step step)
    {
        switch (step.What)
        {
            case What.Append:
                Append(step.Number, new Random(step.Seed));
                break;
            case What.Flush:
                _log.Flush();
                break;
            case What.Truncate:
                Truncate(step.Number);
                break;
            case What.Prune:
                Prune(step.Number);
                break;
            case What.Restart:
                _log.Flush();
                Close();
                Reopen(_fsync ? _reported : 0);
                break;
            case What.PowerLoss:
                _disk.ChangesUntilPowerLoss = step.Number;
                _pendingLoss = new Random(step.Seed);
                break;
            case What.ProcessDeath:
                _log.Flush();
                if (_disk.IsDead)
                    break;
                DieNow();
                _disk.ProcessDeath();
                Reopen(_reported);
                break;
            default:
                _disk.SyncsFail = true;
                _pendingLoss = step.Seed % 2 == 0 ? new Random(step.Seed) : null; // null: only the process dies of it
                _log.Flush();
                break;
        }

        if (_disk.IsDead || _log.Failure is not null)
            ComeBack();
    }

    public void Dispose() => Close();


    private void Append(int count, Random random)
    {
        if (random.Next(8) == 0)
            _term++;
        WalBatch batch = RandomBatch(count, random);
        var twin = new TwinBatch(batch);
        _twin.Add(twin);
        _possible[_generation] = [.. _twin];
        _log.Append(batch, wakeWriter: false);
        batch.Release();
    }

    private WalBatch RandomBatch(int count, Random random)
    {
        using var builder = new WalBatchBuilder(compress: random.Next(2) == 0);
        if (random.Next(10) == 0)
        {
            builder.TryAdd(EntryKind.Configuration, EntryFlags.None, default, WalKit.Payload(50, random.Next()));
            return builder.Seal().Assign(_log.Last.Lsn + 1, _term);
        }

        for (int i = 0; i < count; i++)
        {
            var flags = (EntryFlags)random.Next(4);
            if ((flags & EntryFlags.First) != 0 && random.Next(4) != 0)
                _sequence++;
            bool noOp = random.Next(8) == 0;
            byte[] payload = random.Next(2) == 0 ? new byte[random.Next(2000)] : WalKit.Payload(random.Next(1500), random.Next());
            Assert.True(noOp
                ? builder.TryAdd(EntryKind.NoOp, EntryFlags.None, default, [])
                : builder.TryAdd(EntryKind.Group, flags, WalKit.Gtid(_sequence, (uint)random.Next(1, 3)), payload));
        }

        return builder.Seal().Assign(_log.Last.Lsn + 1, _term);
    }

    private void Truncate(int batchesBack)
    {
        int kept = Math.Max(0, _twin.Count - batchesBack);
        while (kept < _twin.Count && (kept == 0 ? 0 : _twin[kept - 1].LastLsn) < _log.FirstLsn - 1)
            kept++;
        long lastKept = kept == 0 ? 0 : _twin[kept - 1].LastLsn;
        _twin = [.. _twin.Take(kept)];
        _generation++;
        _possible[_generation] = [.. _twin];
        _reported = Math.Min(_reported, lastKept);
        _log.TruncateAfter(lastKept, wakeWriter: false);
        _term = Math.Max(_term, kept == 0 ? 1 : _twin[kept - 1].Term);
        Assert.Equal(_generation, _log.Generation);
        Assert.Equal(lastKept, _log.Last.Lsn);
        Compare();
    }

    private void Prune(int lsnsBack)
    {
        long keepFrom = Math.Max(1, _log.Durable.Lsn - lsnsBack);
        _prunedThrough = Math.Max(_prunedThrough, keepFrom - 1);
        try
        {
            long before = _log.FirstLsn;
            Assert.InRange(_log.Prune(keepFrom), before, Math.Max(before, keepFrom));
        }
        catch (SimulatedDisk.PowerLostException)
        {
            // The caller's thread met the crash: the test goes on with it.
        }
    }

    private void ComeBack()
    {
        bool processOnly = !_disk.IsDead && _pendingLoss is null;
        DieNow();
        if (processOnly)
            _disk.ProcessDeath();
        else
            _disk.PowerLoss(_pendingLoss ?? new Random(7));
        _pendingLoss = null;
        Reopen(_fsync ? _reported : 0);
    }

    // The disk refuses everything from now on, so closing the log changes nothing.
    private void DieNow()
    {
        _disk.ChangesUntilPowerLoss = 0;
        Close();
    }

    private void Close() => _log.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private void Reopen(long mustHold)
    {
        List<List<TwinBatch>> candidates = [.. _possible.Where(pair => pair.Key >= _reportedGeneration).Select(pair => pair.Value)];
        OpenInSpiteOfPowerLoss();
        long last = _log.Last.Lsn;
        Assert.True(last >= mustHold, $"LSN {mustHold} was reported synced, and the log ends with {last}");
        List<byte[]> stored = _log.Everything();
        List<TwinBatch>? match = candidates.Find(list => IsPrefix(stored, list));
        if (candidates.Count == 0)
            Assert.Empty(stored);
        else
            Assert.True(match is not null, $"what came back ({_log.FirstLsn} to {last}) is not a prefix of anything the log ever was");
        Assert.True(_log.FirstLsn <= _prunedThrough + 1);
        _twin = match is null ? [] : [.. match.TakeWhile(batch => batch.LastLsn <= last)];
        Assert.Equal(_twin.Count == 0 ? 0 : _twin[^1].LastLsn, last);
        _possible.Clear();
        _possible[0] = [.. _twin];
        _reported = last;
        _term = Math.Max(1, _log.Last.Term);
        Compare();
    }

    private bool IsPrefix(List<byte[]> stored, List<TwinBatch> twin)
    {
        int from = twin.FindIndex(batch => batch.FirstLsn == _log.FirstLsn);
        if (stored.Count == 0)
            return _log.FirstLsn == 1 || twin.Any(batch => batch.LastLsn == _log.FirstLsn - 1);
        return from >= 0 && from + stored.Count <= twin.Count
            && stored.Select((bytes, i) => bytes.AsSpan().SequenceEqual(twin[from + i].Bytes)).All(same => same);
    }

    // Power may also be lost while the log is being opened: recovery must bear being cut off anywhere.
    private void OpenInSpiteOfPowerLoss()
    {
        while (true)
        {
            if (_disk.IsDead)
                _disk.PowerLoss(_pendingLoss ?? new Random(11));
            try
            {
                Open();
                return;
            }
            catch (SimulatedDisk.PowerLostException)
            {
                // again
            }
            catch (PosixException e) when (e.Error == PosixException.InputOutputError)
            {
                _disk.ProcessDeath(); // a sync failed while opening: the next try must not believe what the kernel shows
            }
        }
    }

    private void Open()
    {
        _log = WriteAheadLog.Open(WalKit.On(_disk, segmentBytes: 12 << 10, fsync: _fsync, tailBytes: 2000));
        _generation = 0;
        _reportedGeneration = 0;
        _log.Synced += (lsn, generation) =>
        {
            if (generation == _generation)
                _reported = lsn;
            if (generation > _reportedGeneration)
            {
                _reportedGeneration = generation;
                foreach (long older in _possible.Keys.Where(key => key < generation).ToArray())
                    _possible.Remove(older);
            }
        };
    }

    // Every look-up against the twin's entries, folded one by one.
    private void Compare()
    {
        GroupTwin groups = new(_twin);
        long first = _log.FirstLsn;
        Assert.Equal(_twin.Count == 0 ? 0 : _twin[^1].LastLsn, _log.Last.Lsn);
        foreach (TwinBatch batch in _twin.Where(batch => batch.FirstLsn >= first))
        {
            Assert.Equal((batch.FirstLsn, batch.LastLsn), _log.BatchBounds(batch.LastLsn));
            Assert.Equal(batch.Term, _log.TermAt(batch.FirstLsn));
        }

        for (long lsn = first; lsn <= _log.Last.Lsn; lsn++)
        {
            EntryKey? key = _log.LastGroupAtOrBefore(lsn, out long end);
            Assert.Equal(groups.LastAt(lsn), key is null ? null : (key.Value, end));
        }

        foreach (EntryKey key in groups.Keys)
        {
            long? expected = groups.Find(key, first);
            long? found = _log.FindGroup(key);
            // Of the groups that pruning took, only the last one must be remembered.
            if (expected is not null || found is null)
                Assert.Equal(expected, found);
            else
                Assert.Equal(groups.LastAt(first - 1), (key, found.Value));
        }

        long[] configurations = [.. _twin.Where(batch => batch.IsConfiguration).Select(batch => batch.FirstLsn)];
        long inherited = configurations.LastOrDefault(lsn => lsn < first);
        Assert.Equal(configurations.Where(lsn => lsn >= first || lsn == inherited), _log.Configurations.Select(entry => entry.Lsn));
    }
}
