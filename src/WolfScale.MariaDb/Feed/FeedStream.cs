using WolfScale.MariaDb.Log;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.MariaDb;

/// <summary>
/// The stream to one replica, from its dump on: committed, whole groups in log order.
/// <code>
/// 1 preamble: ROTATE, FORMAT_DESCRIPTION, GTID_LIST ─▶ 2 wait until its start is committed ─▶ 3 batch by batch: groups, void ones left out
///                                     ▲ 4 nothing more: send what is buffered, wait for a commit, heartbeat ◀─┘
/// </code>
/// </summary>
internal sealed class FeedStream
{
    private readonly IReplicatedLog _log;
    private readonly FeedOptions _options;
    private readonly FeedProgress _progress;
    private readonly FeedWaiter _waiter;
    private readonly FeedEncoder _encoder;
    private readonly TimeProvider _time;
    private readonly GtidPosition _replica;
    private readonly long _rewinds;
    private readonly uint _serverId;
    private readonly TimeSpan _heartbeat;
    private long _sentTimestamp;
    private int _fileNumber;
    private byte[] _fileName = [];
    private long _groupEnd; // last LSN of the group of several entries that is being sent, or 0
    private long _voidEnd; // last LSN of the void group that is being passed over, or 0

    public FeedStream(
        IReplicatedLog log, FeedOptions options, ReplicaSettings settings, GtidPosition replica, uint serverId, FeedProgress progress, FeedWaiter waiter,
        IFeedSink sink, TimeProvider time, long rewinds = 0)
    {
        _rewinds = rewinds;
        _log = log;
        _options = options;
        _progress = progress;
        _waiter = waiter;
        _time = time;
        _replica = replica;
        _serverId = serverId;
        _heartbeat = settings.Heartbeat ?? options.DefaultHeartbeat;
        _encoder = new FeedEncoder(sink, options.BufferBytes, settings.WantsSemiSync);
    }

    /// <summary>The sequence number of the next packet: an ERR that ends the stream bears it.</summary>
    public byte Sequence
    {
        get => _encoder.Sequence;
        init => _encoder.Sequence = value;
    }

    /// <summary>Runs until the connection breaks or the feed ends.</summary>
    /// <param name="startLsn">The replica has everything up to here.</param>
    /// <exception cref="OperationCanceledException">The feed, or this connection, is ended from here.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The replica has gone.</exception>
    /// <exception cref="ReplicaRefusedException">The log cannot serve it any more.</exception>
    public void Run(long startLsn)
    {
        BeginFile(); // 1
        _encoder.Flush();
        _sentTimestamp = _time.GetTimestamp();
        AwaitStart(startLsn); // 2
        var cursor = _log.OpenCursor(startLsn + 1);
        while (true)
        {
            if (TryRead(cursor, out var batch))
            {
                try
                {
                    SendBatch(batch, startLsn); // 3
                }
                finally
                {
                    batch.Release();
                }

                continue;
            }

            FlushInBursts(cursor.NextLsn);
            if (_log.CommitLsn < cursor.NextLsn)
                Idle(() => _waiter.ForCommit(cursor.NextLsn, UntilHeartbeat())); // 4
        }
    }

    /// <summary>
    /// A replica may stand at a group that is in this log and not known to be committed: a node that has just started does not know the commit
    /// LSN yet. It is fed when that is known, and refused if the group turns out not to be of the cluster's history.
    /// </summary>
    private void AwaitStart(long startLsn)
    {
        while (_log.CommitLsn < startLsn)
        {
            Idle(() => _waiter.ForCommit(startLsn, UntilHeartbeat()));
            if (_log.LastLsn < startLsn)
                break;
        }

        if (_log.Rewinds != _rewinds)
            throw Rewound();
        if (FeedStart.Find(_log, _replica) != startLsn)
        {
            throw FeedStart.Refused(
                ReplicaRefusalReason.UnknownPosition, _replica, "the transaction it stands at was in this node's log, and the cluster decided otherwise.");
        }
    }

    private bool TryRead(WalCursor cursor, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out WalBatch? batch)
    {
        try
        {
            var read = cursor.TryRead(_log.CommitLsn, out batch);
            if (_log.Rewinds == _rewinds)
                return read;

            // What follows is of another line of history than what the replica has.
            batch?.Release();
            throw Rewound();
        }
        catch (InvalidOperationException) when (_log.Rewinds != _rewinds)
        {
            throw Rewound();
        }
        catch (WalPrunedException e)
        {
            throw FeedStart.Refused(ReplicaRefusalReason.Pruned, _replica, $"{e.Message} Re-seed it from another node.");
        }
        catch (WalDamagedException e)
        {
            throw FeedStart.Refused(ReplicaRefusalReason.LogDamaged, _replica, e.Message);
        }
    }

    private static IOException Rewound() => new("The log was rewound (mode \"available\"): the server is compared with it anew.");

    private void SendBatch(WalBatch batch, long startLsn)
    {
        using var entries = batch.Entries();
        while (entries.MoveNext())
        {
            var entry = entries.Current;
            if (entry.Lsn <= startLsn || entry.Kind != EntryKind.Group || !IsOfWholeGroup(entry))
                continue;
            if ((entry.Flags & EntryFlags.First) != 0 && _progress.Defining is { } defining && DefinitionSight.MayDefine(entry.Payload.Span))
                defining(entry.Key.ToGtid());
            _encoder.Write(entry.Payload.Span);
            if ((entry.Flags & EntryFlags.Last) == 0)
                continue;
            if (!_encoder.IsBetweenEvents)
                throw new ProtocolException($"The group {entry.Key} ends in the middle of an event, at LSN {entry.Lsn}.");
            _groupEnd = 0;
            _progress.Sent(entry.Key.ToGtid(), entry.Lsn, _encoder.EventBytes);
            if (_encoder.Position >= _options.RotateAtBytes)
                BeginFile();
        }
    }

    /// <summary>Whether the entry is to be sent. Waits where that is not decided yet.</summary>
    private bool IsOfWholeGroup(in WalEntry entry)
    {
        if ((entry.Flags & EntryFlags.First) == 0)
        {
            if (entry.Lsn <= _groupEnd)
                return true;
            if (entry.Lsn <= _voidEnd)
                return false;
            throw FeedStart.Refused(
                ReplicaRefusalReason.Pruned, _replica, $"it needs the group {entry.Key} from its beginning, and this node's log has only the rest of it, from LSN {entry.Lsn} on.");
        }

        if ((entry.Flags & EntryFlags.Last) != 0)
        {
            AwaitLimit(entry.Lsn);
            return true;
        }

        var scout = new GroupScout(_log, entry);
        GroupFate fate;
        while ((fate = scout.Look()) == GroupFate.Open)
            Idle(() => _waiter.ForCommit(scout.LastLsn + 1, UntilHeartbeat()));
        if (fate == GroupFate.Void)
        {
            _voidEnd = scout.LastLsn;
            return false;
        }

        AwaitLimit(scout.LastLsn);
        _groupEnd = scout.LastLsn;
        return true;
    }

    /// <summary>Waits while a group that ends at this LSN is beyond the limit.</summary>
    private void AwaitLimit(long lsn)
    {
        while (lsn > _progress.StopAtLsn)
            Idle(() => _waiter.ForNudge(UntilHeartbeat()));
    }

    /// <summary>Sends what is buffered, waits, and sends a heartbeat where one is due. Always between groups.</summary>
    private void Idle(Action wait)
    {
        if (_encoder.Buffered > 0)
            Flush();
        wait();
        if (UntilHeartbeat() > TimeSpan.Zero)
            return;
        _encoder.WriteArtificial(HeartbeatEvent.Build(_serverId, (uint)_encoder.Position, _fileName));
        Flush();
    }

    /// <summary>At once after a pause; while commits keep coming, what comes within the interval goes into the same write.</summary>
    private void FlushInBursts(long nextLsn)
    {
        if (_encoder.Buffered == 0)
            return;
        var wait = _options.BurstInterval - _time.GetElapsedTime(_sentTimestamp);
        if (wait > TimeSpan.Zero && _progress.StopAtLsn >= nextLsn)
        {
            _waiter.ForNudge(wait);
            if (_log.CommitLsn >= nextLsn)
                return;
        }

        Flush();
    }

    private void Flush()
    {
        _encoder.Flush();
        _sentTimestamp = _time.GetTimestamp();
    }

    private TimeSpan UntilHeartbeat() => _heartbeat - _time.GetElapsedTime(_sentTimestamp);

    /// <summary>The stream's next "file": the first, or one that begins at position 4 again before <c>log_pos</c> has passed its 32 bits.</summary>
    private void BeginFile()
    {
        _fileName = System.Text.Encoding.ASCII.GetBytes($"wolfscale.{++_fileNumber:D6}");
        _encoder.WriteArtificial(RotateEvent.BuildArtificial(_serverId, 4, _fileName));
        const uint end = 4 + FormatDescriptionEvent.BuiltLength;
        _encoder.WriteArtificial(new FormatDescriptionEvent(_options.ServerVersion, 0, ChecksumAlgorithm.Crc32).Build(_serverId, end));
        _encoder.SetPosition(end);
        if (_fileNumber == 1)
            _encoder.WriteArtificial(GtidListEvent.Build(new EventHeader(0, default, _serverId, 0, end, EventHeaderFlags.Artificial), _replica));
    }
}
