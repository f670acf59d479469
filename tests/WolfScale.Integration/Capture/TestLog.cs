using WolfScale.MariaDb.Log;
using WolfScale.Wal;

namespace WolfScale.Integration.Capture;

/// <summary>
/// A replicated log of one node over the real write-ahead log, whose quorum is the test: entries are committed when the test says so, or as
/// soon as they are durable. Terms begin and end when the test says so.
/// </summary>
internal sealed class TestLog : IReplicatedLog, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private readonly List<Waiter> _watchers = [];
    private readonly TempFolder _folder = new("log");
    private Leadership? _leadership;
    private long _commitLsn;
    private bool _autoCommit;

    public TestLog(bool autoCommit = false, string basePosition = "", bool baseWasEmpty = true)
    {
        _autoCommit = autoCommit;
        BaseGtidPosition = basePosition;
        BaseServerWasEmpty = baseWasEmpty;
        Wal = WriteAheadLog.Open(new WalOptions { Directory = _folder.File("wal"), ClusterId = Guid.NewGuid() });
        Wal.Synced += (lsn, _) => OnSynced(lsn);
    }

    public WriteAheadLog Wal { get; }

    public long FirstLsn => Wal.FirstLsn;

    public long LastLsn => Wal.Last.Lsn;

    public long CommitLsn => Volatile.Read(ref _commitLsn);

    public string BaseGtidPosition { get; }

    public bool BaseServerWasEmpty { get; }

    /// <summary>Whether what is durable counts as committed at once. Switching it on commits what is durable by now.</summary>
    public bool AutoCommit
    {
        set
        {
            lock (_gate)
                _autoCommit = value;
            if (value)
                Commit(Wal.Durable.Lsn);
        }
    }

    /// <summary>A gate for the back-pressure: while it is not completed, <see cref="ILeaderLog.WaitForRoomAsync"/> waits.</summary>
    public TaskCompletionSource? Room { get; set; }

    /// <summary>How many more batches may be proposed before <see cref="Room"/> closes by itself; null for no limit.</summary>
    public int? BatchesBeforeRoomCloses { get; set; }

    public IReadOnlyList<(long Lsn, EntryKind Kind, EntryFlags Flags, EntryKey Key, byte[] Payload)> Entries()
    {
        var entries = new List<(long, EntryKind, EntryFlags, EntryKey, byte[])>();
        var cursor = Wal.OpenCursor(Wal.FirstLsn);
        while (cursor.TryRead(long.MaxValue, out var batch))
        {
            using var reader = batch.Entries();
            while (reader.MoveNext())
                entries.Add((reader.Current.Lsn, reader.Current.Kind, reader.Current.Flags, reader.Current.Key, reader.Current.Payload.ToArray()));
            batch.Release();
        }

        return entries;
    }

    /// <summary>A new term: the one before ends, and the new one begins with its no-op.</summary>
    public Leadership Lead()
    {
        var before = _leadership;
        before?.End();
        var leadership = new Leadership(this, (before?.Term ?? 0) + 1);
        _leadership = leadership;
        using var builder = new WalBatchBuilder();
        Assert.True(builder.TryAdd(EntryKind.NoOp, EntryFlags.None, default, []));
        Assert.NotNull(leadership.Propose(builder.Seal()));
        return leadership;
    }

    /// <summary>The term ends, and no other begins yet.</summary>
    public void EndTerm() => _leadership?.End();

    /// <summary>The quorum holds everything up to this LSN.</summary>
    public void Commit(long lsn)
    {
        List<Waiter> ready;
        lock (_gate)
        {
            if (lsn <= _commitLsn)
                return;
            _commitLsn = lsn;
            ready = [.. _waiters.Where(w => w.Commit && w.Lsn <= lsn)];
            _ = _waiters.RemoveAll(ready.Contains);
        }

        _leadership?.OnCommit(lsn);
        CommitAdvanced?.Invoke(lsn);
        foreach (var waiter in ready)
            _ = waiter.Done.TrySetResult();
    }

    /// <summary>Everything in the log is committed.</summary>
    public void CommitAll() => Commit(LastLsn);

    public event Action<long>? CommitAdvanced;

    public async ValueTask WaitForCommitAsync(long lsn, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (_commitLsn >= lsn)
                return;
            _waiters.Add(waiter = new Waiter(lsn, true, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
            foreach (var watcher in _watchers.Where(w => w.Lsn == lsn))
                _ = watcher.Done.TrySetResult();
        }

        await using var cancelled = cancellationToken.Register(() => waiter.Done.TrySetCanceled(cancellationToken));
        await waiter.Done.Task;
    }

    /// <summary>Completes when the log has grown to this LSN, committed or not.</summary>
    public Task WaitForLastAsync(long lsn)
    {
        lock (_gate)
        {
            if (Wal.Last.Lsn >= lsn)
                return Task.CompletedTask;
            var waiter = new Waiter(lsn, false, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            _waiters.Add(waiter);
            return waiter.Done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    /// <summary>Completes when somebody waits for the commit of this LSN.</summary>
    public Task WaitForWaiterAsync(long lsn)
    {
        lock (_gate)
        {
            if (_waiters.Any(w => w.Commit && w.Lsn == lsn))
                return Task.CompletedTask;
            var watcher = new Waiter(lsn, true, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            _watchers.Add(watcher);
            return watcher.Done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    public long? FindGroup(EntryKey gtid) => Wal.FindGroup(gtid);

    public (EntryKey Gtid, long LastLsn)? LastGroupAtOrBefore(long lsn) =>
        Wal.LastGroupAtOrBefore(lsn, out var last) is { } key ? (key, last) : null;

    public WalCursor OpenCursor(long firstLsn) => Wal.OpenCursor(firstLsn);

    /// <summary>Appends entries as some leader would have.</summary>
    public void Append(params (EntryKind Kind, EntryFlags Flags, EntryKey Key, byte[] Payload)[] entries)
    {
        using var builder = new WalBatchBuilder();
        foreach (var (kind, flags, key, payload) in entries)
            Assert.True(builder.TryAdd(kind, flags, key, payload));
        Append(builder.Seal(), Math.Max(1, Wal.Last.Term));
    }

    public async ValueTask DisposeAsync()
    {
        _leadership?.End();
        await Wal.DisposeAsync();
        _folder.Dispose();
    }

    private long Append(SealedBatch sealedBatch, long term)
    {
        List<Waiter> ready;
        long last;
        lock (_gate)
        {
            var batch = sealedBatch.Assign(Wal.Last.Lsn + 1, term);
            last = batch.LastLsn;
            Wal.Append(batch);
            batch.Release();
            ready = [.. _waiters.Where(w => !w.Commit && w.Lsn <= last)];
            _ = _waiters.RemoveAll(ready.Contains);
        }

        foreach (var waiter in ready)
            _ = waiter.Done.TrySetResult();
        return last;
    }

    private void OnSynced(long lsn)
    {
        bool commit;
        lock (_gate)
            commit = _autoCommit;
        if (commit)
            Commit(lsn);
    }

    private sealed record Waiter(long Lsn, bool Commit, TaskCompletionSource Done);

    /// <summary>One leader's term.</summary>
    internal sealed class Leadership(TestLog log, long term) : ILeaderLog, IDisposable
    {
        private readonly CancellationTokenSource _ended = new();
        private event Action<long>? Committed;

        public long Term => term;

        public CancellationToken Ended => _ended.Token;

        public IReplicatedLog Log => log;

        public long? Propose(SealedBatch batch)
        {
            if (_ended.IsCancellationRequested)
            {
                batch.Dispose();
                return null;
            }

            if (log.BatchesBeforeRoomCloses is { } left && (log.BatchesBeforeRoomCloses = left - 1) == 0)
                log.Room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return log.Append(batch, term);
        }

        public async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
        {
            if (log.Room is { } room)
                await room.Task.WaitAsync(cancellationToken);
            await log.Wal.WaitForRoomAsync(cancellationToken);
        }

        public IDisposable SubscribeCommit(Action<long> onCommit)
        {
            Committed += onCommit;
            return new Subscription(() => Committed -= onCommit);
        }

        public void OnCommit(long lsn)
        {
            if (!_ended.IsCancellationRequested)
                Committed?.Invoke(lsn);
        }

        public void End() => _ended.Cancel();

        public void Dispose() => _ended.Dispose();

        private sealed class Subscription(Action end) : IDisposable
        {
            public void Dispose() => end();
        }
    }
}
