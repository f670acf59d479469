using WolfScale.MariaDb.Log;
using WolfScale.Protocol;
using WolfScale.Wal;

namespace WolfScale.MariaDb;

/// <summary>
/// Turns the events of groups into log entries and proposes them in batches. A group of up to <see cref="CaptureOptions.MaxEntryBytes"/> is
/// one entry; a longer one becomes several, proposed while the rest is still arriving, so that no more than one entry and one batch are ever
/// held. A group that does not come to its end is left as it is: by rule C7 it is void, because something else follows it in the log.
/// </summary>
internal sealed class GroupWriter : IDisposable
{
    private readonly ILeaderLog _log;
    private readonly CaptureCounters _counters;
    private readonly WalBatchBuilder _builder;
    private readonly byte[] _payload;
    private readonly List<WaitingCommit> _waiting = new(64);
    private int _length;
    private EntryKey _key;
    private EntryFlags _first;
    private int _groupBytes;

    public GroupWriter(ILeaderLog log, CaptureOptions options, CaptureCounters counters)
    {
        _log = log;
        _counters = counters;
        _payload = new byte[options.MaxEntryBytes];
        _builder = new WalBatchBuilder(maxEntries: options.MaxBatchEntries, compress: options.Compression);
    }

    /// <summary>Whether a group is open.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Last group that was proposed whole.</summary>
    public Gtid? LastProposed { get; private set; }

    private Gtid? LastEnded { get; set; }

    /// <summary>Starts a group.</summary>
    public void Begin(Gtid gtid)
    {
        Abandon();
        IsOpen = true;
        _key = gtid.ToKey();
        _first = EntryFlags.First;
        _groupBytes = 0;
    }

    /// <summary>Takes the next bytes of the group's events, in pieces of any size.</summary>
    /// <exception cref="TermEndedException">See <see cref="Flush"/>.</exception>
    public void Append(ReadOnlySpan<byte> bytes, AckQueue acks)
    {
        _groupBytes += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_length == _payload.Length)
                AddEntry(EntryFlags.None, acks);
            var taken = Math.Min(bytes.Length, _payload.Length - _length);
            bytes[..taken].CopyTo(_payload.AsSpan(_length));
            _length += taken;
            bytes = bytes[taken..];
        }
    }

    /// <summary>The group is complete.</summary>
    /// <param name="commit">Where the server waits for its ACK, or null where it does not.</param>
    /// <param name="acks">The connection's queue.</param>
    public void End(in CommitPlace? commit, AckQueue acks)
    {
        AddEntry(EntryFlags.Last, acks);
        if (commit is { } place)
            _waiting.Add(new WaitingCommit(_builder.Count - 1, _key.Sequence, place));
        IsOpen = false;
        LastEnded = new Gtid(_key.Domain, _key.ServerId, _key.Sequence);
        _counters.Captured(_groupBytes);
    }

    /// <summary>The open group will not be completed. Parts that were proposed already are void by rule C7.</summary>
    public void Abandon()
    {
        IsOpen = false;
        _length = 0;
    }

    /// <summary>Drops everything that was not proposed: the connection is gone, and what it had sent comes again.</summary>
    public void Reset()
    {
        Abandon();
        _builder.Clear();
        _waiting.Clear();
    }

    /// <summary>Proposes what has been collected and hands the commits that wait for it to the queue. Waits while the log is at its limit.</summary>
    /// <exception cref="TermEndedException">This node no longer leads.</exception>
    /// <exception cref="OperationCanceledException">The term ended while the log was at its limit.</exception>
    public void Flush(AckQueue acks)
    {
        if (_builder.IsEmpty)
            return;
        var room = _log.WaitForRoomAsync(_log.Ended);
        if (room.IsCompletedSuccessfully)
            room.GetAwaiter().GetResult();
        else
            room.AsTask().GetAwaiter().GetResult(); // The capture thread is its own: blocking it is the back-pressure on the server.

        var count = _builder.Count;
        var batch = _builder.Seal();
        var bytes = batch.Bytes; // before the call: an accepted batch belongs to the log
        var lastLsn = _log.Propose(batch) ?? throw new TermEndedException();
        _counters.Proposed(bytes);
        LastProposed = LastEnded;
        foreach (var waiting in _waiting)
            acks.Add(lastLsn - count + 1 + waiting.Index, waiting.Sequence, waiting.Place.Offset, waiting.Place.FileName, waiting.Place.ReceivedTimestamp);
        _waiting.Clear();
    }

    public void Dispose() => _builder.Dispose();

    private void AddEntry(EntryFlags last, AckQueue acks)
    {
        var flags = _first | last;
        if (!_builder.TryAdd(EntryKind.Group, flags, _key, _payload.AsSpan(0, _length)))
        {
            Flush(acks);
            if (!_builder.TryAdd(EntryKind.Group, flags, _key, _payload.AsSpan(0, _length)))
                throw new InvalidOperationException($"An entry of {_length} bytes does not fit into an empty batch.");
        }

        _first = EntryFlags.None;
        _length = 0;
    }

    /// <summary>A commit that waits for the entry at this index of the batch.</summary>
    private readonly record struct WaitingCommit(int Index, ulong Sequence, CommitPlace Place);
}

/// <summary>Where a waiting commit ends on this connection, and when it arrived.</summary>
internal readonly record struct CommitPlace(long Offset, byte[] FileName, long ReceivedTimestamp);

/// <summary>The log accepts nothing more from this leadership.</summary>
internal sealed class TermEndedException : Exception;
