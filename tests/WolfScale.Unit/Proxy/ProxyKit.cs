using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy;
using WolfScale.Proxy.Routing;
using WolfScale.Proxy.Sessions;
using WolfScale.Proxy.Sql;

namespace WolfScale.Unit.Proxy;

/// <summary>A proxy whose servers, clients and cluster are the test's: both sides of a conversation are told in one story.</summary>
internal sealed class ProxyKit : IDisposable, IClusterRoutes, IQuorumGate, IAccountSecrets, ILoggerFactory, ILogger
{
    public const Capabilities Everything = (Capabilities)0x81FFF7FE & ~Capabilities.Ssl;

    /// <summary>What Connector/C says: classic EOF, session tracking.</summary>
    public const Capabilities Classic = (Capabilities)0x00BFA284;

    private readonly TcpListener _leader = new(IPAddress.Loopback, 0);
    private readonly TcpListener _local = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<RawPeer> _peers = [];
    private Routes _current = Routes.Nowhere;
    private int _looks;

    public ProxyKit(ProxyOptions? options = null, TimeProvider? time = null)
    {
        _leader.Start();
        _local.Start();
        Current = new Routes(1, _leader.LocalEndpoint, true, "n1", []);
        Proxy = new ProxyServer(options ?? new ProxyOptions { BindAddress = new IPEndPoint(IPAddress.Loopback, 0), Loops = 1 }, this, this, this, this, time ?? TimeProvider.System);
    }

    public ProxyServer Proxy { get; }

    public Routes Current
    {
        get
        {
            _ = Interlocked.Increment(ref _looks);
            return Volatile.Read(ref _current);
        }

        set => Volatile.Write(ref _current, value);
    }

    /// <summary>The quorum's word.</summary>
    public Func<Gtid, QuorumAnswer> Quorum { get; set; } = _ => QuorumAnswer.Held;

    /// <summary>Whether the leader's binary log is on.</summary>
    public Func<Task<bool>> Logs { get; set; } = () => Task.FromResult(true);

    public int AskedWhetherItLogs;

    /// <summary>SHA1(SHA1(password)) by user.</summary>
    public Dictionary<string, byte[]> Accounts { get; } = [];

    public ConcurrentQueue<string> AskedAccounts { get; } = new();

    /// <summary>Who asks for an account hears of it when this has completed.</summary>
    public Task Looking { get; set; } = Task.CompletedTask;

    /// <summary>How many clients are to be remembered.</summary>
    public int Remembered;

    public Gtid? ReadIndex { get; set; }

    /// <summary>Set: who asks for the read index hears it when this is there.</summary>
    public TaskCompletionSource<Gtid?>? Confirming { get; set; }

    /// <summary>Who asks for the read index does not hear it.</summary>
    public bool NobodyConfirms { get; set; }

    /// <summary>Clients of other nodes' proxies, of whom all that is asked for is true.</summary>
    public List<RemoteClient> Elsewhere { get; } = [];

    /// <summary>Whom the proxy asked the others for.</summary>
    public ConcurrentQueue<(uint Id, string User)> AskedClients { get; } = new();

    /// <summary>Where the proxy lost connections.</summary>
    public ConcurrentQueue<EndPoint> LostAddresses { get; } = new();

    /// <summary>Errors of the proxy's own log: there are to be none.</summary>
    public ConcurrentQueue<string> Defects { get; } = new();

    public EndPoint LocalAddress => _local.LocalEndpoint;

    public Reader Local => new("n1", _local.LocalEndpoint, new ReaderLoad());

    /// <summary>The proxy has looked at the routes as they are now, and done what follows from it. To be called while no session is busy.</summary>
    public void AwaitLook()
    {
        var before = Volatile.Read(ref _looks);
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _looks) >= before + 2, TimeSpan.FromSeconds(20)), "the proxy does not look at the routes");
    }

    public RawPeer Connect()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(Proxy.Address);
        return Kept(new RawPeer(socket));
    }

    public RawPeer AcceptAtLeader() => Accept(_leader);

    public RawPeer AcceptAtLocal() => Accept(_local);

    /// <summary>Of the local server.</summary>
    public HiddenViews Views { get; set; } = HiddenViews.None;

    public bool LocalIsDialled => _local.Pending();

    public bool LeaderIsDialled => _leader.Pending();

    /// <summary>Waits until the proxy wants something of either; true when the local server is dialled.</summary>
    public bool WantsLocalRatherThan(RawPeer leader)
    {
        var ready = new List<Socket> { leader.Socket, _local.Server };
        Socket.Select(ready, null, null, TimeSpan.FromSeconds(20));
        Assert.NotEmpty(ready);
        return ready.Contains(_local.Server);
    }

    /// <summary>A client that has logged in, and prepared this statement with one parameter: the server's number of it is 5.</summary>
    public (RawPeer Client, RawPeer Server) LogInPrepared(string sql)
    {
        var (client, server) = LogIn();
        client.Send(RawPeer.Command(0x16, sql));
        Assert.Equal("\x16" + sql, server.ReadText());
        server.SayPrepared(5);
        for (var i = 0; i < 3; i++)
            _ = client.Read();
        return (client, server);
    }

    /// <summary>A client that is logged in, and its server.</summary>
    public (RawPeer Client, RawPeer Server) LogIn(Capabilities capabilities = Classic, string user = "app", byte[]? reported = null)
    {
        var client = Connect();
        var server = AcceptAtLeader();
        server.Greet();
        _ = client.Read();
        client.Login(capabilities, user);
        _ = server.Read();
        server.Sequence = 2;
        server.Say(RawPeer.Ok());
        server.AnswerPreparation(reported);
        Assert.Equal(0, client.Read()[0]);
        return (client, server);
    }

    /// <summary>A client that says it is another proxy, and the leader's server, which has greeted it.</summary>
    public (RawPeer Proxy, RawPeer Leader) DialHop(HopKind hop = HopKind.ToReader, ClientOrigin? origin = null, uint id = 7)
    {
        var proxy = Connect();
        var leader = AcceptAtLeader();
        leader.Greet(id: id);
        _ = proxy.Read();
        proxy.Send(RawPeer.HopLogin(hop, origin));
        return (proxy, leader);
    }

    /// <summary>Another proxy's connection for its client, to the leader's server.</summary>
    public (RawPeer Proxy, RawPeer Leader) OpenLeaderHop(ClientOrigin? origin, uint id = 7)
    {
        var (proxy, leader) = DialHop(HopKind.ToLeader, origin, id);
        _ = leader.Read();
        leader.Sequence = 2;
        leader.Say(RawPeer.Ok());
        leader.AnswerPreparation();
        Assert.Equal(0, proxy.Read()[0]);
        return (proxy, leader);
    }

    /// <summary>Another proxy's connection for reads on this node's own server.</summary>
    public (RawPeer Proxy, RawPeer Own) OpenReaderHop(ClientOrigin? origin = null, uint id = 7)
    {
        Current = Current with { LeaderIsHere = false, Readers = [Local] };
        var (proxy, leader) = DialHop(origin: origin, id: id);
        leader.ReadToEnd(); // given up
        var own = AcceptAtLocal();
        own.Greet();
        var login = LoginPacket.Read(own.Read());
        Assert.Equal(("app", 0, "wolfscale_none"), (login.User, login.Answer.Length, login.Plugin));
        byte[] question = [0xFE, .. "mysql_native_password\0"u8, .. "ABCDEFGHIJKLMNOPQRST\0"u8];
        own.Sequence = 2;
        own.Say(question);
        Assert.Equal(question, proxy.Read());
        var proof = NativePassword.Scramble("secret", "ABCDEFGHIJKLMNOPQRST"u8);
        proxy.Send(RawPeer.Packet((byte)(proxy.LastSequence + 1), proof));
        Assert.Equal(proof, own.Read());
        own.Sequence = 4;
        own.Say(RawPeer.Ok());
        own.AnswerPreparation();
        Assert.Equal(0, proxy.Read()[0]);
        return (proxy, own);
    }

    /// <summary>Another leadership begins, and the old connection is gone.</summary>
    public void MovesAfter(RawPeer server)
    {
        Current = Current with { Epoch = 2 };
        server.Dispose();
    }

    /// <summary>A session's connection to the new leader, logged in.</summary>
    /// <param name="id">The connection's.</param>
    public RawPeer Moved(uint id = 7)
    {
        var server = AcceptAtLeader();
        server.LetIn(id);
        return server;
    }

    public Task<Gtid?> ReadIndexAsync() => Confirming is { } confirming ? confirming.Task : NobodyConfirms ? Task.FromException<Gtid?>(new TimeoutException("no leader")) : Task.FromResult(ReadIndex);

    public Task<IReadOnlyList<RemoteClient>> FindClientsAsync(uint clientId, string user)
    {
        AskedClients.Enqueue((clientId, user));
        return Task.FromResult<IReadOnlyList<RemoteClient>>(Elsewhere);
    }

    public void Lost(EndPoint address) => LostAddresses.Enqueue(address);

    public QuorumAnswer Ask(Gtid gtid, long epoch, int closings) => Quorum(gtid);

    public Task<bool> LogsAsync()
    {
        _ = Interlocked.Increment(ref AskedWhetherItLogs);
        return Logs();
    }

    public void Remember() => Interlocked.Increment(ref Remembered);

    public async Task<IReadOnlyList<byte[]>> NativeHashesAsync(string user)
    {
        AskedAccounts.Enqueue(user);
        await Looking;
        return Accounts.TryGetValue(user, out var hash) ? [hash] : [];
    }

    public void Dispose()
    {
        Proxy.Dispose();
        foreach (var peer in _peers)
            peer.Dispose();
        _leader.Dispose();
        _local.Dispose();
        Assert.Empty(Defects);
    }

    ILogger ILoggerFactory.CreateLogger(string categoryName) => this;

    void ILoggerFactory.AddProvider(ILoggerProvider provider)
    {
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error)
            Defects.Enqueue($"{formatter(state, exception)}: {exception}");
    }

    private RawPeer Accept(TcpListener listener)
    {
        Assert.True(listener.Server.Poll(TimeSpan.FromSeconds(20), SelectMode.SelectRead), "nobody dialled");
        return Kept(new RawPeer(listener.AcceptSocket()));
    }

    /// <summary>A test that does not look at a peer any more does not want it to hang up, which the collector would have it do.</summary>
    private RawPeer Kept(RawPeer peer)
    {
        _peers.Add(peer);
        return peer;
    }
}
