using System.Buffers.Binary;
using System.Net;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>How a session comes to be: steps 1 to 3 of the picture, and the commands that go through them again.</summary>
internal sealed partial class ClientSession
{
    /// <summary>
    /// The server reports every change of the session from here on, the GTID of a commit among them; the client hears of what it would hear of anyway. The last two change nothing, and so the server tells what they are: how
    /// it reads a text may be set for all sessions (<c>sql_mode</c> in its configuration, <c>init_connect</c>, <c>skip_character_set_client_handshake</c>).
    /// </summary>
    private static readonly byte[] Preparation =
        "SET SESSION session_track_system_variables='*', session_track_schema=1, session_track_state_change=1, sql_mode=@@sql_mode, character_set_client=@@character_set_client"u8.ToArray();

    private byte[]? _welcome;
    private bool _wasAsked; // a server has answered the client's login with a question, which no client takes from a second one
    private LoginPacket? _login;
    private byte _loginShift;
    private byte _nextSequence;
    private bool _authenticated;
    private bool _isEncrypted;
    private bool _compresses;
    private bool _headerRead;
    private IPEndPoint? _clientAddress;
    private bool _switched;
    private long _waitUntilMs;

    /// <summary>1: begins with a backend.</summary>
    public void Start()
    {
        _context.Counters.Connections.Increment();
        _context.Begun(this, _loop);
        _timer = _loop.After(_context.Options.LoginTimeoutMs, () => Refuse(ProxyErrors.LoginTimedOut, _nextSequence));
        if (_pool is not null && _context.LastGreeting is { } last)
            Greet(last);
        else if (!TryGreetFromOwn())
            ConnectToLeader();
    }

    /// <summary>1: the leader's server, or the proxy beside it; waits for one.</summary>
    private void ConnectToLeader()
    {
        if (Phase == SessionPhase.Closed)
            return;
        if (_waitUntilMs == 0)
            _waitUntilMs = _loop.NowMs + _context.Options.FailoverWaitMs;
        var routes = _context.Routes.Current;
        _greetedByOwn = false;
        if (_login is { Hop: HopKind.ToReader })
        {
            Refuse(ProxyErrors.NotFollowing, _nextSequence); // its own server went away meanwhile
            return;
        }

        if (routes.Leader is { } address)
        {
            (_epoch, _closings) = (routes.Epoch, routes.Closings);
            _leader = Dial(address, hop: !routes.LeaderIsHere, out var reason);
            if (_leader is null)
                TryAgain(reason);
            return;
        }

        TryAgain("");
    }

    /// <summary>Connects to a server, or to the proxy of the leader's node.</summary>
    private Backend? Dial(EndPoint address, bool hop, out string reason) => Backend.Connect(_loop, address, hop, _context.Options.HopTls, this, out reason);

    /// <summary>Known only when the client has logged in, where a balancer connects for it.</summary>
    byte[]? IBackendOwner.AddressHeader(Backend backend) =>
        _context.Options.SendsProxyProtocol && _clientAddress is { } client && backend.Address is IPEndPoint server ? ProxyProtocol.Write(client, server) : null;

    private void TryAgain(string reason)
    {
        if (_loop.NowMs < _waitUntilMs)
        {
            _ = _loop.After(20, ConnectToLeader);
            return;
        }

        Refuse(
            _context.Routes.Current.Leader is { } leader ? ProxyErrors.ServerUnreachable(leader.ToString()!, reason) : ProxyErrors.NoLeader(_context.Options.FailoverWaitMs),
            _nextSequence);
    }

    /// <summary>The server's greeting, with its salt and its id of the connection, is the client's greeting.</summary>
    private void OnGreeting(Span<byte> packet)
    {
        if (_login is { } login)
        {
            SendLogin(_leader!, login, [], NoPlugin);
            return;
        }

        if (_pool is not null)
            _context.LastGreeting = packet.ToArray();
        var greeting = ServerGreeting.Read(packet[PacketHeader.Size..]);
        _salt = greeting.Salt.ToArray();
        NoteVersion(greeting);
        ClientId = _greetedByOwn ? _context.Register(this) : _context.Register(this, greeting.ConnectionId); // on the leader the number of a reader's connection is another's
        _ = PutId(packet);
        Offer(packet[PacketHeader.Size..], OwnCapabilities);
        Phase = SessionPhase.AwaitingLogin;
        _nextSequence = 2;
        ToClient(packet);
        NextFromClient();
    }

    private Capabilities OwnCapabilities => _context.Options.Certificate is null ? Capabilities.Compress : Capabilities.Compress | Capabilities.Ssl;

    /// <summary>Greets with the client's id: the payload begins with version 1 · server version, NUL · id 4.</summary>
    /// <returns>Where the id is.</returns>
    private int PutId(Span<byte> packet)
    {
        var id = PacketHeader.Size + 1 + packet[(PacketHeader.Size + 1)..].IndexOf((byte)0) + 1;
        BinaryPrimitives.WriteUInt32LittleEndian(packet[id..], ClientId);
        return id;
    }

    /// <summary>What server and proxy can do together, in place.</summary>
    /// <param name="greeting">Of the server.</param>
    /// <param name="own">What the proxy does itself.</param>
    private static void Offer(Span<byte> greeting, Capabilities own)
    {
        var low = 1 + greeting[1..].IndexOf((byte)0) + 1 + 4 + 8 + 1;
        var high = low + 2 + 1 + 2;
        var offered = BinaryPrimitives.ReadUInt16LittleEndian(greeting[low..]) | ((uint)BinaryPrimitives.ReadUInt16LittleEndian(greeting[high..]) << 16);
        offered = (offered & (uint)~LoginPacket.Never) | (uint)own;
        BinaryPrimitives.WriteUInt16LittleEndian(greeting[low..], (ushort)offered);
        BinaryPrimitives.WriteUInt16LittleEndian(greeting[high..], (ushort)(offered >> 16));
    }

    /// <summary>2: the client's login.</summary>
    private int OnLogin(Span<byte> bytes)
    {
        if (!_headerRead && !_isEncrypted && ProxyProtocol.Read(bytes, out var headerLength, out var client) is var kind and not ProxyHeaderKind.None)
            return OnProxyHeader(kind, headerLength, client);
        if (!TryTakePacket(bytes, out var header, out var payload))
            return 0;
        _nextSequence = (byte)(header.Sequence + 1);
        if (LoginPacket.IsTlsRequest(payload))
        {
            BeginTls(bytes[(PacketHeader.Size + payload.Length)..]);
            return bytes.Length;
        }

        var login = LoginPacket.Read(payload);
        if (_context.Options.TlsRequired && !_isEncrypted)
        {
            Refuse(ProxyErrors.TlsRequired, _nextSequence);
            return 0;
        }

        if (BeginsElsewhere(login))
            return PacketHeader.Size + payload.Length;
        if (login.Hop == HopKind.ToLeader && !_context.Routes.Current.LeaderIsHere)
        {
            Refuse(ProxyErrors.NoLeader(0), _nextSequence);
            return 0;
        }

        Take(login);
        if (_leader is { } leader)
            SendLogin(leader, login, login.Answer, login.Plugin);
        else
            LogInFromPool();
        return PacketHeader.Size + payload.Length;
    }

    private void Take(LoginPacket login)
    {
        if (_context.Options.StandsAlone)
            login.Origin = new ClientOrigin(_context.ProxyId, _pool is null ? ClientId : 0);
        (_login, _answer, _charset, Dialect) = (login, login.Answer, login.Charset, new ClientDialect(login.Capabilities, login.MariaDb));
    }

    /// <summary>The client's login goes to the server that has greeted it, or to another: that one must ask anew, and then gets no answer and no plugin's name that it knows.</summary>
    private void SendLogin(Backend leader, LoginPacket login, ReadOnlySpan<byte> answer, string plugin)
    {
        leader.Introduce();
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = leader.LoginSequence;
        login.WriteFor(writer, leader.Offered, answer, plugin, leader.Hop, first: true);
        _loginShift = (byte)(_nextSequence - 1 - leader.LoginSequence);
        Phase = SessionPhase.Authenticating;
        if (!leader.Send(writer.Written.Span))
            OnBackendLost(leader, "the connection broke");
    }

    /// <summary>A balancer connects on somebody's behalf. (No login looks like it: the fourth byte of one is a 1.)</summary>
    private int OnProxyHeader(ProxyHeaderKind kind, int length, IPEndPoint? client)
    {
        if (kind == ProxyHeaderKind.Incomplete)
            return 0; // as a login may be of which one byte has come
        if (!MayTellAddresses())
        {
            Refuse(ProxyErrors.ProxyProtocolRefused(_clientAddress?.Address), 1);
            return 0;
        }

        if (kind == ProxyHeaderKind.Damaged)
            ProtocolException.Throw("A PROXY header cannot be understood.");
        _headerRead = true;
        _clientAddress = client ?? _clientAddress;
        return length;
    }

    private bool MayTellAddresses()
    {
        var address = _clientAddress?.Address is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : _clientAddress?.Address;
        return address is not null && _context.Options.ProxyProtocolNetworks.Any(network => network.Contains(address));
    }

    /// <summary>From here on the client is at the other end of a pair of sockets.</summary>
    private void BeginTls(ReadOnlySpan<byte> received)
    {
        if (_context.Options.Certificate is not { } certificate || _isEncrypted)
            throw new ProtocolException("The client begins TLS, which was not offered.");
        _isEncrypted = true;
        _client.BeginTls(received, certificate, _context.TlsFailed);
    }

    /// <summary>What client and server say to each other until they agree. Whole packets; only their numbers change.</summary>
    private static int PassLoginPackets(Span<byte> bytes, Connection to, int shift)
    {
        var taken = 0;
        while (TryTakePacket(bytes[taken..], out var header, out var payload))
        {
            bytes[taken + 3] = (byte)(header.Sequence + shift);
            if (!to.Send(bytes.Slice(taken, PacketHeader.Size + payload.Length)))
                break;
            taken += PacketHeader.Size + payload.Length;
        }

        return taken;
    }

    private int OnClientAuthenticates(Span<byte> bytes)
    {
        if (_switched && TryTakePacket(bytes, out _, out var payload))
        {
            _answer = payload.ToArray();
            _switched = false;
        }

        return PassLoginPackets(bytes, _leader!, -_loginShift);
    }

    private int OnAuthentication(Span<byte> bytes)
    {
        if (!TryTakePacket(bytes, out var header, out var payload))
            return 0;
        var length = PacketHeader.Size + payload.Length;
        if (payload[0] == ErrPacket.Marker && MayLogInElsewhere(payload))
        {
            _context.Routes.Lost(_leader!.Address);
            _leader.Close();
            _leader = null;
            Phase = SessionPhase.Connecting;
            TryAgain("");
            return length;
        }

        if (_resetting && _leader is { IsHop: true } && !_login!.IsHop && SaysNotLeader(payload))
        {
            DropLeader();
            ResetElsewhere();
            return length;
        }

        _nextSequence = (byte)(header.Sequence + _loginShift + 1);
        switch (payload[0])
        {
            case OkInfo.Marker:
                bytes[3] = (byte)(header.Sequence + _loginShift);
                _welcome = bytes[..length].ToArray();
                Prepare();
                return length;
            case 0xFF:
                if (!_authenticated && _leader!.IsHop)
                    _context.Routes.Lost(_leader.Address); // it may not lead any more
                _ = PassLoginPackets(bytes[..length], _client, _loginShift);
                _resetting = false;
                if (_authenticated)
                    OnUserNotChanged();
                else
                    Close();
                return length;
            default:
                _wasAsked = true;
                if (payload[0] == AuthSwitchRequest.Marker && payload.Length > 1)
                {
                    _salt = AuthSwitchRequest.Read(payload).Salt.ToArray();
                    _switched = true;
                }

                return PassLoginPackets(bytes[..length], _client, _loginShift);
        }
    }

    /// <summary>
    /// The other node's proxy says that its node does not lead: what is known of the leader is a moment old, or ahead of what that node itself knows. The next server asks for the password again.
    /// </summary>
    private bool MayLogInElsewhere(ReadOnlySpan<byte> error) =>
        !_authenticated && !_wasAsked && _leader is { IsHop: true } && !_login!.IsHop && _loop.NowMs < _waitUntilMs && ErrPacket.Read(error).Code == ProxyErrors.NoLeaderCode;

    /// <summary>3.</summary>
    private void Prepare()
    {
        Phase = SessionPhase.Preparing;
        _authenticated = true;
        _leader!.Setup = new BackendSetup(_leader, null, [ScriptItem.Query(_login!.Hop == HopKind.ToReader ? ReaderHopPreparation : Preparation)], Welcome);
        _leader.Setup.Begin();
    }

    private void Welcome(BackendSetup setup, ErrPacket? refusal)
    {
        if (refusal is not null)
        {
            Refuse(refusal, _welcome![3]);
            return;
        }

        _timer?.Cancel();
        var packet = _welcome!;
        EndChange();
        ResetState(_resetting);
        (_welcome, _waitUntilMs, _resetting) = (null, 0, false);
        var ok = OkInfo.Read(packet.AsSpan(PacketHeader.Size));
        NoteStatus(ok.Status, ok.Warnings);
        NoteReading(setup);
        _leader!.StateVersion = _state.Version;
        var writer = _loop.Writer;
        writer.Clear();
        writer.Sequence = packet[3];
        Dialect.WriteOk(writer, ok, endOfRows: false, Tracked);
        ToClient(writer.Written.Span);
        if (Phase != SessionPhase.Preparing)
            return;
        if (!_compresses && (_login!.Capabilities & Capabilities.Compress) != 0)
        {
            _compresses = true;
            if (_client.IsCongested)
                throw new ProtocolException("A client that asked for compression has not read the end of its login.");
            _client.BeginCompression(_context.CompressionFailed);
        }

        if (_leader is { IsHop: false } && !_login!.IsHop)
            _context.Accounts.Remember();
        BecomeIdle();
    }

    /// <summary>The server has no greeting for us but an error (too many connections, host blocked): it is the client's.</summary>
    private int PassOnRefusal(Span<byte> bytes)
    {
        if (!TryTakePacket(bytes, out _, out var payload))
            return 0;
        ToClient(bytes[..(PacketHeader.Size + payload.Length)]);
        Close();
        return bytes.Length;
    }

    /// <summary>The whole of a short packet.</summary>
    /// <exception cref="ProtocolException">It is longer than anything that is said here.</exception>
    private static bool TryTakePacket(Span<byte> bytes, out PacketHeader header, out Span<byte> payload)
    {
        payload = default;
        if (!ShortPacket.IsWhole(bytes, out header))
            return false;
        payload = bytes.Slice(PacketHeader.Size, header.PayloadLength);
        return true;
    }
}
