using Microsoft.Extensions.Logging;
using WolfScale.Cluster.Handshake;
using WolfScale.Cluster.Wire;
using WolfScale.Consensus;
using WolfScale.Wal;

namespace WolfScale.Cluster.Transport;

/// <summary>
/// This node's way to one address: keeps a proven connection up and writes messages to it.
/// <para>
/// A message is written by the thread that has it, if nothing waits before it and it is small: no other thread has to wake up for a commit.
/// What the kernel does not take at once, what is large, and what must be read from old segments goes through a bounded queue to the
/// link's own thread. A full queue drops messages, which consensus survives; appends are bounded by the core's own window and have room kept
/// for them.
/// </para>
/// </summary>
internal sealed class PeerLink : IDisposable
{
    /// <summary>Entries this far below the commit LSN are nothing that a commit waits for: they are sent at the pace of catching up.</summary>
    private const long LongCommittedEntries = 1000;

    /// <summary>Bytes that are paced in one.</summary>
    private const long PacedPiece = 64 << 10;

    /// <summary>Longest pause between two attempts at a peer that refuses.</summary>
    private const int RefusedPauseMs = 5000;

    private readonly object _lock = new();
    private readonly ILinkHandler _handler;
    private readonly TransportOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LogThrottle _throttle;
    private readonly Queue<Outbound> _queue = [];
    private readonly FrameComposer _direct;
    private readonly FrameComposer _pumped;
    private readonly Thread _thread;
    private System.Net.Sockets.Socket? _dialling;
    private LinkSession? _session;
    private bool _pumping;
    private bool _nudged;
    private bool _stopping;

    public PeerLink(HostPort address, ILinkHandler handler, TransportOptions options, TimeProvider time, ILogger logger)
    {
        (Address, _handler, _options, _time, _logger) = (address, handler, options, time, logger);
        _throttle = new LogThrottle(time, TimeSpan.FromSeconds(60));
        _direct = new FrameComposer(handler);
        _pumped = new FrameComposer(handler);
        _thread = new Thread(Run, 512 * 1024) { IsBackground = true, Name = $"wolfscale-out-{address}" };
    }

    /// <summary>Where it dials.</summary>
    public HostPort Address { get; }

    /// <summary>Who answers there; null while there is no connection.</summary>
    public PeerIdentity? Remote => Volatile.Read(ref _session)?.Remote;

    /// <summary>The address turned out to be this node's own.</summary>
    public bool IsSelf { get; private set; }

    /// <summary>Why the last attempt failed, for status; null while connected.</summary>
    public string? LastFailure { get; private set; }

    /// <summary>When the link was wanted last, in the owner's time; for dropping links nobody needs any more.</summary>
    public long WantedAtMs { get; set; }

    public void Start() => _thread.Start();

    /// <summary>Sends a consensus message to whoever answers here, if it is for them. Never blocks.</summary>
    /// <param name="message">An <see cref="AppendRequest"/>'s batches are added from the log.</param>
    /// <param name="recent">The batch just appended, so that it need not be looked up; may be null.</param>
    /// <returns>False when it was dropped.</returns>
    public bool Send(Message message, WalBatch? recent)
    {
        lock (_lock)
        {
            if (_session is not { Broken: null } session || session.Remote.Key != message.To)
                return false;
            var append = message is AppendRequest { Batches.IsEmpty: false };
            if (Idle(session) && (!append || IsRecent((AppendRequest)message, recent)))
                return WriteDirect(session, new Outbound(message, null), recent);
            return Enqueue(new Outbound(message, null), append ? _options.MaxQueued : _options.MaxQueued / 2);
        }
    }

    /// <summary>Sends a finished frame. Never blocks.</summary>
    public bool Send(byte[] frame)
    {
        lock (_lock)
        {
            if (_session is not { Broken: null } session)
                return false;
            return Idle(session)
                ? WriteDirect(session, new Outbound(null, frame), null)
                : Enqueue(new Outbound(null, frame), _options.MaxQueued / 2);
        }
    }

    /// <summary>There is reason to believe that the peer is up: dial now.</summary>
    public void Nudge()
    {
        lock (_lock)
        {
            _nudged = true;
            Monitor.PulseAll(_lock);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _stopping = true;
            _dialling?.Dispose();
            Monitor.PulseAll(_lock);
        }
        if (_thread.IsAlive && _thread != Thread.CurrentThread)
            _thread.Join(TimeSpan.FromSeconds(2));
    }

    private bool Idle(LinkSession session) => !_pumping && _queue.Count == 0 && !session.Writer.HasPending;

    private bool IsRecent(AppendRequest request, WalBatch? recent) =>
        recent is not null && request.Batches.Length == 1 && request.Batches[0].FirstLsn == recent.FirstLsn
        && request.Batches[0].Term == recent.Term && recent.Bytes.Length <= _options.DirectSendBytes;

    /// <summary>Under the lock.</summary>
    private bool WriteDirect(LinkSession session, Outbound outbound, WalBatch? recent)
    {
        try
        {
            if (!_direct.Compose(outbound, recent))
                return false;
            session.Write(_direct.Header, _direct.Body);
            if (session.Writer.HasPending)
                Monitor.PulseAll(_lock);
            return true;
        }
        catch (Exception e)
        {
            Break(session, e.Message);
            return false;
        }
        finally
        {
            _direct.Release();
        }
    }

    /// <summary>Under the lock.</summary>
    private bool Enqueue(Outbound outbound, int limit)
    {
        if (_queue.Count >= limit)
            return false;
        _queue.Enqueue(outbound);
        Monitor.PulseAll(_lock);
        return true;
    }

    private void Break(LinkSession session, string reason)
    {
        session.Broken ??= reason;
        Monitor.PulseAll(_lock);
    }

    /// <summary>The link's thread: dial, keep the session going, again.</summary>
    private void Run()
    {
        var pauseMs = 100;
        while (!_stopping)
        {
            var result = LinkDialer.Dial(Address, _handler.Identity, _options, _time, RememberDialling);
            if (result.Session is { } session)
            {
                pauseMs = 100;
                Serve(session);
            }
            else if (!_stopping)
            {
                Report(result);
                if (IsSelf)
                    return;
                Pause(pauseMs);
                // A peer that is down may come back any moment; one that refuses does so until a person has changed something.
                var refused = result.Refusal!.Code is not (RefusalCode.Unavailable or RefusalCode.Timeout);
                pauseMs = Math.Min(pauseMs * 2, refused ? RefusedPauseMs : _options.RedialMs);
            }
        }
    }

    private void RememberDialling(System.Net.Sockets.Socket socket)
    {
        lock (_lock)
        {
            _dialling = socket;
            if (_stopping)
                socket.Dispose();
        }
    }

    private void Serve(LinkSession session)
    {
        using (session)
        {
            if (!_handler.LinkUp(this, session.Remote))
            {
                // Another link reaches the same node; look again now and then, in case that one ends.
                Pause(10_000);
                return;
            }
            lock (_lock)
            {
                LastFailure = null;
                Volatile.Write(ref _session, session);
            }
            TransportLog.Dialled(_logger, session.Remote.Key.Id, session.Remote.Key.Incarnation, Address.ToString());
            _handler.LinkReady(session.Remote);
            Pump(session);
            lock (_lock)
            {
                Volatile.Write(ref _session, null);
                _queue.Clear();
                _nudged = false;
                LastFailure = session.Broken;
            }
        }
        _handler.LinkDown(this);
        if (_stopping)
            return;
        _throttle.Reset("dial");
        TransportLog.LinkLost(_logger, session.Remote.Key.Id, Address.ToString(), session.Broken ?? "closed");
    }

    /// <summary>Writes what could not be written directly, until the session is over.</summary>
    private void Pump(LinkSession session)
    {
        while (!_stopping && session.Broken is null)
        {
            try
            {
                if (!Take(session, out var outbound))
                    continue;
                if (_pumped.Compose(outbound, null))
                {
                    if (_options.Background is { } pace && outbound.Message is AppendRequest { Batches.IsEmpty: false } append && append.EndLsn + LongCommittedEntries < append.CommitLsn)
                        WaitForTurns(session, pace, _pumped.BodyBytes);
                    session.Write(_pumped.Header, _pumped.Body);
                }
            }
            catch (Exception e)
            {
                // Whatever it was, it ends this session and nothing else: the thread is its own.
                lock (_lock)
                    Break(session, e.Message);
            }
            finally
            {
                _pumped.Release();
                lock (_lock)
                    _pumping = false;
            }
        }
    }

    /// <summary>Takes the next message, once the socket has room; false when there is none yet. Sets <see cref="_pumping"/>, which keeps the order.</summary>
    private bool Take(LinkSession session, out Outbound outbound)
    {
        outbound = default;
        var blocked = false;
        lock (_lock)
        {
            if (session.Writer.HasPending)
                session.Writer.Flush();
            if (session.Writer.HasPending)
                blocked = true;
            else if (_queue.TryDequeue(out outbound))
                return _pumping = true;
            else if (!_stopping && session.Broken is null)
                _ = Monitor.Wait(_lock, 1000);
        }
        if (blocked)
            session.WaitWritable(TimeSpan.FromMilliseconds(100));
        else if (session.ClosedByPeer)
            lock (_lock)
                Break(session, "the peer has closed it");
        return false;
    }

    /// <summary>Lets time pass before a message is written; the end of the link or its session ends it.</summary>
    /// <summary>In pieces as a copy's: who shares the pace with this link has a turn as often, and no wait is cut short by the longest that there is.</summary>
    private void WaitForTurns(LinkSession session, BackgroundPace pace, long bytes)
    {
        for (; bytes > 0; bytes -= PacedPiece)
            Wait(session, pace.Spend(Math.Min(bytes, PacedPiece)));
    }

    private void Wait(LinkSession session, TimeSpan pause)
    {
        var until = _time.GetTimestamp() + (long)(pause.TotalSeconds * _time.TimestampFrequency);
        lock (_lock)
        {
            while (!_stopping && session.Broken is null && _time.GetElapsedTime(_time.GetTimestamp(), until) is var rest && rest > TimeSpan.FromMilliseconds(1))
                _ = Monitor.Wait(_lock, rest);
        }
    }

    private void Pause(int milliseconds)
    {
        lock (_lock)
        {
            if (!_stopping && !_nudged)
                _ = Monitor.Wait(_lock, milliseconds);
            _nudged = false;
        }
    }

    private void Report(DialResult result)
    {
        var refusal = result.Refusal!;
        if (refusal.Code == RefusalCode.Self)
        {
            IsSelf = true;
            TransportLog.PeerIsSelf(_logger, Address.ToString());
            return;
        }
        LastFailure = refusal.Text;
        var subject = refusal.Code is RefusalCode.Unavailable or RefusalCode.Timeout ? "dial" : refusal.Code.ToString();
        if (!_throttle.Allow(subject, out var suppressed))
            return;
        if (refusal.Remote)
            TransportLog.RefusedByPeer(_logger, Address.ToString(), refusal.Text, TransportLog.More(suppressed));
        else
            TransportLog.DialFailed(_logger, Address.ToString(), refusal.Text, TransportLog.More(suppressed));
    }
}
