using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Routing;

namespace WolfScale.Proxy.Sessions;

/// <summary>Where a session stands.</summary>
internal enum SessionPhase : byte
{
    /// <summary>A backend is being found and connected to; the client waits for the greeting, or for its answer.</summary>
    Connecting,

    /// <summary>The greeting is out.</summary>
    AwaitingLogin,

    /// <summary>Client and server agree on who it is, with as many packets as the plugin needs.</summary>
    Authenticating,

    /// <summary>The proxy sets the new backend up.</summary>
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
///   client ──connect──▶ 1 a backend is connected to, its greeting goes to the client
///          ──login────▶ 2 goes to the backend with the capabilities the proxy needs; what the two say then is passed on, until OK
///                       3 the backend is told to report every change of the session; now the client gets that OK
///          ──command──▶ 4 sent to a backend
///          ◀──answer─── 5 passed on; an OK with a GTID only when the quorum holds it
/// </code>
/// </summary>
internal sealed partial class ClientSession : IBackendOwner, IRelayOwner
{
    private const int GateLookMs = 1;

    private readonly ProxyContext _context;
    private readonly EventLoop _loop;
    private readonly ClientConnection _client;
    private readonly ResponseRelay _relay;
    private readonly CommandStream _command = new();
    private LoginPacket? _login;
    private Backend? _leader;
    private LoopTimer? _timer;
    private long _epoch;
    private byte _loginShift;
    private byte _nextSequence;

    public ClientSession(ProxyContext context, EventLoop loop, int descriptor)
    {
        (_context, _loop) = (context, loop);
        _relay = new ResponseRelay(this, loop);
        _client = new ClientConnection(loop, descriptor, this);
    }

    public SessionPhase Phase { get; private set; }

    public ClientDialect Dialect { get; private set; }

    public TrackedVariables Tracked { get; private set; } = TrackedVariables.Default;

    /// <summary>The client may speak: it has the word, or its next command may wait in the buffers of the kernel.</summary>
    public bool MayReceive => Phase switch
    {
        SessionPhase.AwaitingLogin or SessionPhase.Authenticating => true,
        SessionPhase.Idle or SessionPhase.SendingFile => _leader is not { IsCongested: true },
        _ => false,
    };

    /// <summary>1: begins with a backend.</summary>
    public void Start()
    {
        _timer = _loop.After(_context.Options.LoginTimeoutMs, () => Refuse(ProxyErrors.LoginTimedOut));
        ConnectToLeader();
    }

    public int OnReceived(Span<byte> bytes) => Phase switch
    {
        SessionPhase.AwaitingLogin => OnLogin(bytes),
        SessionPhase.Authenticating => PassLoginPackets(bytes, _leader!, -_loginShift),
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

    public void OnClientDrained() => _leader?.Resume();

    bool IBackendOwner.MayReceive(Backend backend) => !_client.IsCongested && Phase != SessionPhase.AwaitingQuorum;

    void IBackendOwner.OnGreeting(Backend backend, Span<byte> packet) => OnGreeting(backend, packet);

    int IBackendOwner.OnReceived(Backend backend, Span<byte> bytes) => Phase switch
    {
        SessionPhase.Connecting => PassOnRefusal(bytes),
        SessionPhase.Authenticating => OnAuthentication(bytes),
        SessionPhase.Preparing => OnPrepared(bytes),
        SessionPhase.Answering => OnAnswer(bytes),
        _ => OnUnasked(bytes),
    };

    void IBackendOwner.OnDrained(Backend backend)
    {
        if (_client.HasInput)
            _client.OnReadable();
    }

    void IBackendOwner.OnLost(Backend backend, string reason) => OnBackendLost(backend, reason);

    void IRelayOwner.ToClient(ReadOnlySpan<byte> bytes) => ToClient(bytes);

    bool IRelayOwner.MayPass(in OkInfo ok)
    {
        // Behind a hop the leader's proxy has asked already.
        if (_leader is not { IsHop: false } || !SessionChanges.TryFindLastGtid(ok.Changes, out var gtid))
            return true;
        var answer = _context.Gate.Ask(gtid, _epoch);
        if (answer == QuorumAnswer.Lost)
            FailWith(ProxyErrors.OutcomeUnknown);
        return answer == QuorumAnswer.Held;
    }

    void IRelayOwner.Passed(PacketRole role, ReadOnlySpan<byte> payload)
    {
    }

    private void ToClient(ReadOnlySpan<byte> bytes)
    {
        if (!_client.Send(bytes))
            Close();
    }

    /// <summary>4: one command; what comes behind it waits for its answer.</summary>
    private int OnCommand(Span<byte> bytes)
    {
        var taken = _command.Take(bytes, out var begins);
        if (begins)
            _epoch = _context.Routes.Current.Epoch;
        if (taken == 0)
            return 0;
        if (_leader is not { } leader || !leader.Send(bytes[..taken]))
        {
            OnBackendLost(_leader!, "the connection broke");
            return taken;
        }

        if (!_command.IsWhole)
            return taken;
        var code = _command.Code;
        var shape = CommandShapes.Of(code);
        _command.Reset();
        if (code is CommandCode.ChangeUser or CommandCode.ResetConnection)
        {
            // Both make the session as new; the server is to be told again what to report.
            (_loginShift, Phase) = (0, SessionPhase.Authenticating);
            return taken;
        }

        if (shape == ResponseShape.None)
            return taken;
        _relay.Begin(shape);
        Phase = SessionPhase.Answering;
        return taken;
    }

    /// <summary>5.</summary>
    private int OnAnswer(Span<byte> bytes)
    {
        var progress = _relay.Process(bytes, out var taken);
        switch (progress)
        {
            case RelayProgress.Done when Phase == SessionPhase.Answering:
                BecomeIdle();
                break;
            case RelayProgress.AwaitsFile:
                _file.Begin(_relay.Shift);
                Phase = SessionPhase.SendingFile;
                NextFromClient();
                break;
            case RelayProgress.Held when Phase == SessionPhase.Answering:
                Phase = SessionPhase.AwaitingQuorum;
                _timer = _loop.After(GateLookMs, LookAtGate);
                break;
            default:
                break;
        }

        return taken;
    }

    private void LookAtGate()
    {
        if (Phase != SessionPhase.AwaitingQuorum)
            return;
        Phase = SessionPhase.Answering;
        _leader!.Resume(); // asks the gate again
    }

    private void BecomeIdle()
    {
        Phase = SessionPhase.Idle;
        NextFromClient();
    }

    /// <summary>What the client has sent already is not announced again.</summary>
    private void NextFromClient()
    {
        if (_client.HasInput)
            _loop.Post(_client.ReadIfOpen);
    }

    /// <summary>The server speaks out of turn: it says why it closes (KILL, shutdown). The client reads that with its next command.</summary>
    private int OnUnasked(Span<byte> bytes)
    {
        ToClient(bytes);
        return bytes.Length;
    }

    private void Refuse(ErrPacket error)
    {
        Send(error, _nextSequence);
        Close();
    }

    /// <summary>Ends the answer under way with an error, and the session with it.</summary>
    private void FailWith(ErrPacket error)
    {
        Send(error, 1);
        Close();
    }

    private void Send(ErrPacket error, byte sequence)
    {
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = sequence;
        error.Write(writer);
        ToClient(writer.Written.Span);
    }

    private void Close()
    {
        if (Phase == SessionPhase.Closed)
            return;
        Phase = SessionPhase.Closed;
        _timer?.Cancel();
        _leader?.Close();
        _client.Close();
        _context.Ended(this);
    }
}
