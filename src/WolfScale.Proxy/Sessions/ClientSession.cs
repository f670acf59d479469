using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>Where a session stands.</summary>
internal enum SessionPhase : byte
{
    /// <summary>A backend is being found and connected to; the client waits for the greeting.</summary>
    Connecting,

    /// <summary>The greeting is out.</summary>
    AwaitingLogin,

    /// <summary>Client and server agree on who it is, with as many packets as the plugin needs.</summary>
    Authenticating,

    /// <summary>The proxy has something to say to a backend, or waits for one, before it goes on.</summary>
    Preparing,

    /// <summary>The client's word.</summary>
    Idle,

    /// <summary>The server's word.</summary>
    Answering,

    /// <summary>The client sends a file.</summary>
    SendingFile,

    /// <summary>An OK is held back until the quorum has its transaction.</summary>
    AwaitingQuorum,
    Closed,
}

/// <summary>
/// One client. Everything of it happens on its loop's thread.
/// <code>
///   client ──connect──▶ 1 the leader's server is connected to, its greeting goes to the client
///          ──login────▶ 2 goes to the server with the capabilities the proxy needs; what the two say then is passed on, until OK
///                       3 the server is told to report every change of the session; now the client gets that OK
///          ──command──▶ 4 classified and sent: to the leader, or to the local server once that has what the session must see
///          ◀──answer─── 5 passed on; an OK with a GTID only when the quorum holds it
///                       6 the leader changes: the session moves to the new one (ClientSession.Moving)
/// </code>
/// </summary>
internal sealed partial class ClientSession : IBackendOwner, IRelayOwner
{
    private const int GateLookMs = 1;

    private readonly ProxyContext _context;
    private readonly EventLoop _loop;
    private readonly BackendPool? _pool;
    private readonly ClientConnection _client;
    private readonly ResponseRelay _relay;
    private readonly SessionState _state = new();
    private volatile Backend? _leader; // read by other loops for KILL
    private Backend? _local;
    private volatile Backend? _active; // whose answer is awaited; read by other loops for KILL
    private LoopTimer? _timer;
    private long _epoch; // of the leader backend
    private int _closings;
    private ServerStatus _status;
    private ErrPacket? _gateVerdict;
    private long _gateUntilMs;
    private Task<bool>? _logs; // asked for the OK that is held
    private bool _wroteInTransaction; // something in the open one may have changed rows
    private bool _statusIsOld; // an error came after it
    private bool _mayBeInTransaction; // what failed may have begun one
    private int _ticket; // another number in every stage of every command
    private byte _answerNumber = 1; // of the packet that answers the command under way: a command of several packets has had more

    public ClientSession(ProxyContext context, EventLoop loop, BackendPool? pool, int descriptor)
    {
        (_context, _loop, _pool) = (context, loop, pool);
        _consistency = context.Options.Consistency;
        _relay = new ResponseRelay(this, loop);
        _client = new ClientConnection(loop, descriptor, this);
        _clientAddress = Libc.PeerAddress(descriptor);
    }

    public SessionPhase Phase { get; private set; }

    public ClientDialect Dialect { get; private set; }

    /// <summary>Another proxy hears of everything from its first statement on: what it asks to be told there is in the answer to that.</summary>
    public TrackedVariables Tracked { get => _login is { IsHop: true } ? TrackedVariables.All : field; private set; } = TrackedVariables.Default;

    /// <summary>The client may speak.</summary>
    public bool MayReceive => Phase switch
    {
        SessionPhase.AwaitingLogin => true,
        SessionPhase.Authenticating => !_resetting && _leader is not { IsCongested: true },
        SessionPhase.Idle => _leader is not { IsCongested: true } && !_client.IsCongested, // who does not read his answers asks nothing more
        SessionPhase.SendingFile => _leader is not { IsCongested: true },
        _ => false,
    };

    private bool InTransaction => (_status & ServerStatus.InTransaction) != 0;

    public int OnReceived(Span<byte> bytes) => Phase switch
    {
        SessionPhase.AwaitingLogin => OnLogin(bytes),
        SessionPhase.Authenticating => OnClientAuthenticates(bytes),
        SessionPhase.Idle => OnCommand(bytes),
        SessionPhase.SendingFile => OnFile(bytes),
        _ => 0,
    };

    public void OnClientGone() => Close();

    public void OnFault(Exception fault)
    {
        _context.Report(fault);
        Close();
    }

    /// <summary>Not only the answer under way was held up: a server that has closed meanwhile, or answered the proxy, is heard now or never.</summary>
    public void OnClientDrained()
    {
        _leader?.Resume();
        _local?.Resume();
    }

    bool IBackendOwner.MayReceive(Backend backend) => !_client.IsCongested && Phase != SessionPhase.AwaitingQuorum;

    void IBackendOwner.OnGreeting(Backend backend, Span<byte> packet) => OnGreeting(packet);

    int IBackendOwner.OnReceived(Backend backend, Span<byte> bytes)
    {
        if (HearsThatItIsKilled(backend, bytes))
        {
            Close();
            return bytes.Length;
        }

        switch (Phase)
        {
            case SessionPhase.Connecting:
                return PassOnRefusal(bytes);
            case SessionPhase.Authenticating:
                return OnAuthentication(bytes);
            case SessionPhase.Answering when backend == _active:
                return OnAnswer(bytes);
            default:
                // Out of turn: the server says why it closes (KILL, shutdown). That it does is what matters. Anything else would be taken for the answer to the
                // next command, or put its answer out of step.
                if (bytes.Length <= PacketHeader.Size || bytes[PacketHeader.Size] != ErrPacket.Marker)
                    OnBackendLost(backend, "the server said something that was not asked for");
                else if (backend == _leader)
                    NoteLastWord(bytes);
                return bytes.Length;
        }
    }

    void IBackendOwner.OnDrained(Backend backend) => _client.Resume();

    void IBackendOwner.OnLost(Backend backend, string reason) => OnBackendLost(backend, reason);

    ServerStatus IRelayOwner.Status => _status & ~ServerStatus.MoreResults; // that was of another result

    bool IRelayOwner.MayHaveOutParameters => _flight.Code == Protocol.Commands.CommandCode.StatementExecute && _flight.Class.Has(StatementTraits.CallsProcedure);

    void IRelayOwner.ToClient(ReadOnlySpan<byte> bytes) => ToClient(bytes);

    bool IRelayOwner.MayPass(in OkInfo ok)
    {
        // Behind a hop the leader's proxy has asked already; what the local server reports is the cluster's.
        if (_active != _leader || _leader is not { IsHop: false })
            return true;
        if (!SessionChanges.TryFindLastGtid(ok.Changes, out var gtid))
            return !MayHaveCommittedUnlogged(ok) || Logs();
        TraceAnswer(gtid);
        // The last of its transactions was not committed; of something that makes several the first may have been.
        var isOne = _flight.IsKept && IsOneStep && _flight.Class.Has(StatementTraits.CommitsByAutocommit | StatementTraits.CommitsOnlyOpenTransaction);
        return IsHeld(gtid, whenGone: isOne ? ProxyErrors.TransactionLost : ProxyErrors.OutcomeUnknown);
    }

    /// <summary>False, and no verdict: not known yet.</summary>
    private bool IsHeld(Gtid gtid, ErrPacket whenGone)
    {
        switch (_context.Gate.Ask(gtid, _epoch, _closings))
        {
            case QuorumAnswer.Held:
                return true;
            case QuorumAnswer.Gone:
                _gateVerdict = whenGone;
                return false;
            case QuorumAnswer.Lost when _loop.NowMs > _gateUntilMs:
                _gateVerdict = ProxyErrors.OutcomeUnknown;
                return false;
            case QuorumAnswer.NotYet:
                _gateUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs; // counts from when the leadership has ended
                return false;
            default:
                return false;
        }
    }

    /// <summary>
    /// No GTID stands for nothing written, unless the server has turned its binary log off (no inode, a file system that is read-only): then it commits without one, and without waiting for
    /// the quorum (measured). So what may have committed and tells no GTID is believed when the log is on.
    /// </summary>
    private bool MayHaveCommittedUnlogged(in OkInfo ok)
    {
        var statement = _flight.Class;
        if (!_flight.IsKept || statement.Has(StatementTraits.MultiStatement))
            return statement.Has(StatementTraits.CommitCapable);
        if (statement.Has(StatementTraits.CommitsOnlyOpenTransaction))
            return _wroteInTransaction;
        if (statement.Has(StatementTraits.CommitsByAutocommit))
            return (ok.Status & ServerStatus.InTransaction) == 0 && ok.MayHaveChangedRows;
        return statement.Has(StatementTraits.CommitCapable);
    }

    /// <summary>Holds the OK back until the answer is there.</summary>
    private bool Logs()
    {
        _logs ??= _context.Gate.LogsAsync();
        if (!_logs.IsCompleted)
            return false;
        var (answered, logs) = (_logs.IsCompletedSuccessfully, false);
#pragma warning disable RS0030 // It is completed.
        if (answered)
            logs = _logs.Result;
#pragma warning restore RS0030
        _logs = null;
        if (!logs && (answered || _loop.NowMs > _gateUntilMs))
            _gateVerdict = ProxyErrors.OutcomeUnknown;
        return logs;
    }

    private void ToClient(ReadOnlySpan<byte> bytes)
    {
        if (!_client.Send(bytes))
            Close();
    }

    /// <summary>5.</summary>
    private int OnAnswer(Span<byte> bytes)
    {
        var progress = _relay.Process(bytes, out var taken);
        if (Phase != SessionPhase.Answering)
            return taken; // closed meanwhile
        switch (progress)
        {
            case RelayProgress.Done:
                AfterAnswer();
                break;
            case RelayProgress.AwaitsFile:
                _file.Begin(_relay.Shift);
                Phase = SessionPhase.SendingFile;
                NextFromClient();
                break;
            case RelayProgress.Held when _gateVerdict is { } verdict:
                _gateVerdict = null;
                DropLeader(); // it is none any more
                Answer(verdict);
                return bytes.Length;
            case RelayProgress.Held:
                AwaitGate();
                break;
            case RelayProgress.ErrorHeld:
                var length = PacketHeader.Size + PacketHeader.Read(bytes[taken..]).PayloadLength;
                HoldError(bytes.Slice(taken, length));
                return taken + length;
            case RelayProgress.Intercepted:
                AfterIntercepted();
                break;
            default:
                break;
        }

        return taken;
    }

    private void DropLeader()
    {
        (_lostEpoch, _closedByServer) = (_epoch, false);
        LeaveTransaction();
        _leader?.Close();
        _leader = null;
    }

    private void AwaitGate()
    {
        Phase = SessionPhase.AwaitingQuorum;
        _timer = _loop.After(GateLookMs, LookAtGate);
    }

    private void LookAtGate()
    {
        if (Phase != SessionPhase.AwaitingQuorum)
            return;
        Phase = SessionPhase.Answering;
        if (_heldError is null)
            _active!.Resume(); // asks the gate again
        else
            TryPassError();
    }

    /// <summary>Does something later, unless the session has gone on meanwhile: a callback of one command must not act on the next.</summary>
    private void Later(long delayMs, Action action)
    {
        var ticket = _ticket;
        _ = _loop.After(delayMs, () => Redeem(ticket, action));
    }

    /// <summary>Hears the answer to a question that was asked outside of the loop, unless the session has gone on meanwhile. It waits in phase Preparing.</summary>
    /// <param name="asked">The question.</param>
    /// <param name="heard">Whether there is an answer, and which.</param>
    private void WhenAnswered<T>(Task<T> asked, Action<bool, T?> heard)
    {
        var ticket = _ticket;
        _ = asked.ContinueWith(
            answered =>
            {
                var ok = answered.IsCompletedSuccessfully;
#pragma warning disable RS0030 // It is completed.
                var answer = ok ? answered.Result : default;
#pragma warning restore RS0030
                _loop.Post(() => Redeem(ticket, () => heard(ok, answer)));
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void Redeem(int ticket, Action action)
    {
        if (ticket == _ticket && Phase == SessionPhase.Preparing)
            action();
    }

    private void BecomeIdle()
    {
        _ticket++;
        if (EndsRepetition())
            return;
        Disarm();
        _begun = _beginning; // for the next command, whether that is noted or not
        (_isInterrupted, _elsewhere, _answerNumber, _readsLocally) = (false, null, 1, false);
        if (_state.IsTiedBy(PassingTies.Cursor | PassingTies.Parameters))
            LoosenFromStatements();
        (_tieBefore, _isSent) = (_state.Tie, false);
        (_logs, _wroteInTransaction) = (null, _wroteInTransaction && InTransaction);
        _flight.Release();
        _active = null;
        Phase = SessionPhase.Idle;
        if (_isCondemned)
        {
            TellThatItIsKilled();
            return;
        }

        if (_pool is not null)
            WatchIdleness();
        NextFromClient();
    }

    /// <summary>What the client has sent already is not announced again.</summary>
    private void NextFromClient()
    {
        if (_client.HasInput)
            _client.ResumeSoon();
    }

    /// <summary>
    /// Answers the command under way with an error; the session goes on, unless the client has had a part of another answer, or is not logged in.
    /// </summary>
    private void Answer(ErrPacket error)
    {
        if (!_authenticated)
        {
            Refuse(error, _nextSequence);
            return;
        }

        if (Phase == SessionPhase.Answering && _relay.HasBegun)
        {
            BreakOff(ProxyErrors.TellsOutcome(error) ? error : ProxyErrors.AnswerLost);
            return;
        }

        if (_flight.IsKept && CommandShapes.Of(_flight.Code) == ResponseShape.None)
        {
            Refuse(error, 1); // the client takes it for the answer to its next command, and would be one behind from there on
            return;
        }

        SendError(error, _answerNumber);
        if (Phase != SessionPhase.Closed)
            BecomeIdle();
    }

    /// <summary>The client has had a part of the answer, and the session ends. In the middle of a row an error would be taken for the row's rest.</summary>
    private void BreakOff(ErrPacket error)
    {
        if (_relay.IsInPacket)
            Close();
        else
            Refuse(error, _relay.NextSequence);
    }

    /// <summary>An error, and the session ends with it.</summary>
    private void Refuse(ErrPacket error, byte sequence)
    {
        SendError(error, sequence);
        Close();
    }

    private void SendError(ErrPacket error, byte sequence)
    {
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = sequence;
        error.Write(writer);
        ToClient(writer.Written.Span);
    }

    private void Close() => Close(default);

    /// <param name="farewell">The client's own word to its server, where the connection ends with it.</param>
    private void Close(ReadOnlySpan<byte> farewell)
    {
        if (Phase == SessionPhase.Closed)
            return;
        var key = KeyForPool();
        Phase = SessionPhase.Closed;
        _timer?.Cancel();
        _timeout?.Cancel();
        if (key is not null)
        {
            var leader = _leader!;
            _leader = null;
            _pool!.Return(leader, key, Preparation);
        }
        else
        {
            if (!farewell.IsEmpty)
                _ = _leader?.Send(farewell);
            _leader?.Close();
        }

        _local?.Close();
        _client.Close();
        _flight.Release();
        _context.Ended(this);
    }
}
