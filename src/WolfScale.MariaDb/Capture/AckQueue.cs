using System.Net.Sockets;
using WolfScale.Protocol.SemiSync;

namespace WolfScale.MariaDb;

/// <summary>
/// The commits of <b>one connection</b> that wait for the quorum, in log order, and the ACKs that release them. Positions live here and
/// nowhere else, so that one can never be used on another connection, where it means something else (after a reconnect, a RESET MASTER or a
/// change of leader a remembered position releases commits the quorum does not hold).
/// </summary>
/// <remarks>
/// Called by the capture thread (<see cref="Add"/>) and by the thread that learns of commits (<see cref="Release"/>). The lock is held for a
/// few instructions and one send that does not wait.
/// </remarks>
internal sealed class AckQueue(Socket socket, TimeProvider time, CaptureCounters counters, CancellationToken termEnded)
{
    /// <summary>
    /// Bound of the queue. A server blocks its own commits long before (one for each connection); where it does not, because it sends
    /// again what it has committed long since, neighbours are merged: the earlier is then released with the later.
    /// </summary>
    internal const int Capacity = 8192;

    private readonly Lock _gate = new();
    private readonly Pending[] _ring = new Pending[Capacity];
    private readonly byte[] _packet = new byte[SemiSyncAck.MaxLength];
    private int _head;
    private int _count;
    private long _commitLsn;
    private bool _closed;

    // What could not be sent yet: the rest of a packet that was taken in part, and the newest release after it.
    private int _packetSent;
    private int _packetLength;
    private Pending _owed;
    private bool _owes;

    /// <summary>Commits that wait for the quorum.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _count;
        }
    }

    /// <summary>
    /// The server waits for an ACK of the group that ends at <paramref name="lsn"/> in the log and at <paramref name="offset"/> in its file. Where
    /// the quorum holds the group already, the ACK leaves at once.
    /// </summary>
    public void Add(long lsn, ulong sequence, long offset, byte[] fileName, long receivedTimestamp)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            counters.Waits(time.GetElapsedTime(receivedTimestamp, now));
            var pending = new Pending(lsn, sequence, offset, fileName, receivedTimestamp, now);
            if (_count == Capacity)
                _ring[(_head + _count - 1) % Capacity] = pending;
            else
                _ring[(_head + _count++) % Capacity] = pending;
            SendReleased();
        }
    }

    /// <summary>
    /// The quorum holds everything up to <paramref name="commitLsn"/>, in the term this capture belongs to: one ACK, for the last of the commits
    /// that this covers, releases them all.
    /// </summary>
    public void Release(long commitLsn)
    {
        lock (_gate)
        {
            _commitLsn = Math.Max(_commitLsn, commitLsn);
            SendReleased();
        }
    }

    /// <summary>Sends what an earlier call could not, because the server was not reading.</summary>
    public void Retry()
    {
        lock (_gate)
        {
            if (_owes || _packetLength > 0)
                SendReleased();
        }
    }

    /// <summary>
    /// Every position of this file was too low by <paramref name="missed"/> bytes (see <see cref="BinlogPosition.Correct"/>): the ones that
    /// wait are corrected, and the last ACK of this file is sent again as it should have been.
    /// </summary>
    public void Correct(byte[] fileName, long missed)
    {
        lock (_gate)
        {
            for (var i = 0; i < _count; i++)
            {
                ref var pending = ref _ring[(_head + i) % Capacity];
                if (ReferenceEquals(pending.FileName, fileName))
                    pending = pending with { Offset = pending.Offset + missed };
            }

            if (ReferenceEquals(_owed.FileName, fileName))
            {
                _owed = _owed with { Offset = _owed.Offset + missed };
                _owes = true;
            }

            SendReleased();
        }
    }

    /// <summary>The connection is gone: nothing is sent from here any more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _count = 0;
        }
    }

    private void SendReleased()
    {
        // Of the term's end nobody here knows more than this token says; it is cancelled before anything of a later term can be observed.
        if (_closed || termEnded.IsCancellationRequested)
            return;
        while (_count > 0 && _ring[_head].Lsn <= _commitLsn)
        {
            _owed = _ring[_head];
            var now = time.GetTimestamp();
            counters.Released(_owed.Sequence, new CommitSteps(_owed.ReceivedTimestamp, _owed.ProposedTimestamp, now), time.GetElapsedTime(_owed.ReceivedTimestamp, now), time.GetElapsedTime(_owed.ProposedTimestamp, now));
            _owes = true;
            _head = (_head + 1) % Capacity;
            _count--;
        }

        while (_packetLength > 0 || _owes)
        {
            if (_packetLength == 0)
            {
                _packetLength = SemiSyncAck.Write(_packet, _owed.Offset, _owed.FileName);
                _packetSent = 0;
                _owes = false;
                counters.Acknowledged();
            }

            var sent = NonBlockingSend.TrySend(socket, _packet.AsSpan(_packetSent, _packetLength - _packetSent));
            if (sent < 0)
            {
                // Broken: the reading thread meets the same and reconnects, and the server sends the group again.
                _closed = true;
                return;
            }

            _packetSent += sent;
            if (_packetSent < _packetLength)
                return;
            _packetLength = 0;
        }
    }

    /// <summary>A commit that waits: the group's last LSN, its GTID's sequence number, and where its last event ends.</summary>
    private readonly record struct Pending(long Lsn, ulong Sequence, long Offset, byte[] FileName, long ReceivedTimestamp, long ProposedTimestamp);
}
