using System.Net;
using System.Net.Security;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Routing;

namespace WolfScale.Proxy.Sessions;

/// <summary>Who a <see cref="Backend"/> works for.</summary>
internal interface IBackendOwner
{
    /// <summary>The server's greeting: the payload of its first packet, which may be changed in place.</summary>
    void OnGreeting(Backend backend, Span<byte> packet);

    /// <summary>Said before the login: on whose behalf this connection is. Null: nothing.</summary>
    byte[]? AddressHeader(Backend backend);

    /// <summary>Bytes of the server; what is not taken comes again, with more.</summary>
    /// <returns>Bytes taken.</returns>
    int OnReceived(Backend backend, Span<byte> bytes);

    /// <summary>False while the client does not keep up, or waits: then nothing is received from the server either.</summary>
    bool MayReceive(Backend backend);

    /// <summary>KILL QUERY has met a statement of the proxy's own, which is sent again.</summary>
    void OnInterrupted(Backend backend);

    /// <summary>The proxy at the other end says, instead of an answer to a statement of this proxy's own, that KILL has ended the client's session.</summary>
    void OnCondemned(Backend backend);

    /// <summary>Sending goes on: what was congested is not any more.</summary>
    void OnDrained(Backend backend);

    /// <summary>What was received cannot be understood, or there is a defect.</summary>
    void OnFault(Exception fault);

    /// <summary>The connection is gone, or was never there.</summary>
    void OnLost(Backend backend, string reason);
}

/// <summary>A connection to a server, or to another node's proxy.</summary>
internal sealed class Backend : Connection
{
    private const int LongestGreeting = 4096;

    private HeldBytes _held;
    private bool _connected;
    private bool _greeted;
    private int _aims;

    private Backend(EventLoop loop, int descriptor, EndPoint address, bool hop, IBackendOwner owner)
        : base(loop, descriptor) => (Owner, Address, IsHop) = (owner, address, hop);

    /// <summary>Who it works for at this moment.</summary>
    public IBackendOwner Owner { get; set; }

    public EndPoint Address { get; }

    /// <summary>The other side is the proxy of another node: the leader's, or a reader's.</summary>
    public bool IsHop { get; }

    /// <summary>What that proxy is asked for.</summary>
    public HopKind Hop => !IsHop ? HopKind.None : Reader is null ? HopKind.ToLeader : HopKind.ToReader;

    /// <summary>The connection is for reads, to this one.</summary>
    public Reader? Reader { get; private init; }

    /// <summary>How to speak TLS where the other node's proxy offers it; null: not at all.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>Number of the login's packet: after a request for TLS it is the next one.</summary>
    public byte LoginSequence { get; private set; } = 1;

    /// <summary>What the server offers.</summary>
    public Capabilities Offered { get; private set; }

    /// <summary>The connection's id on its server.</summary>
    public uint ConnectionId { get; set; }

    /// <summary>What the last OK that the proxy got for itself said of the session.</summary>
    public ServerStatus LastStatus { get; set; } = ServerStatus.AutoCommit;

    /// <summary><c>sql_mode</c>, as the server has reported it to the proxy last, or null. It stays with the connection: who takes it from the pool does not ask again.</summary>
    public string? SqlMode { get; set; }

    /// <summary><c>character_set_client</c>, in the same way.</summary>
    public string? Charset { get; set; }

    /// <summary>KILL is under way for what runs on it; of any thread. Meanwhile it must not come to another session.</summary>
    public int Aims => Volatile.Read(ref _aims);

    /// <summary>Somebody has looked up its id, and is about to send KILL.</summary>
    public void Aim() => Interlocked.Increment(ref _aims);

    /// <summary>KILL was answered.</summary>
    public void Disarm() => Interlocked.Decrement(ref _aims);

    /// <summary>What the proxy says to it on its own at this moment, or null.</summary>
    public BackendSetup? Setup { get; set; }

    /// <summary>The <see cref="SessionState.Version"/> that it is at.</summary>
    public int StateVersion { get; set; } = -1;

    /// <summary>A connection for reads.</summary>
    /// <returns>Null when it failed at once.</returns>
    public static Backend? Connect(EventLoop loop, Reader reader, SslClientAuthenticationOptions? tls, IBackendOwner owner)
    {
        var descriptor = Libc.Connect(reader.Address);
        if (descriptor < 0)
            return null;
        reader.Load.Enter();
        return new Backend(loop, descriptor, reader.Address, reader.IsHop, owner) { Tls = reader.IsHop ? tls : null, Reader = reader };
    }

    /// <returns>Null when it failed at once; the reason is then in <paramref name="reason"/>.</returns>
    public static Backend? Connect(EventLoop loop, EndPoint address, bool hop, SslClientAuthenticationOptions? tls, IBackendOwner owner, out string reason)
    {
        var descriptor = Libc.Connect(address);
        reason = descriptor < 0 ? Libc.Describe(-descriptor) : "";
        return descriptor < 0 ? null : new Backend(loop, descriptor, address, hop, owner) { Tls = hop ? tls : null };
    }

    /// <summary>Ends the connection as a client does; without the word the server would report it as aborted.</summary>
    public void Leave()
    {
        _ = Send([1, 0, 0, 0, (byte)CommandCode.Quit]);
        Close();
    }

    public override bool HasInput => _held.Length > 0 || IsReadable;

    public override void OnReadable()
    {
        for (var turns = 0; !IsClosed && Owner.MayReceive(this); turns++)
        {
            if (turns == TurnsAtOnce)
            {
                ResumeSoon();
                return;
            }

            var scratch = Loop.Scratch.AsSpan();
            var held = _held.TakeInto(scratch);
            var received = Receive(scratch[held..]);
            var length = held + Math.Max(received, 0);
            var taken = length > 0 ? Take(scratch[..length]) : 0;
            if (IsClosed)
                return;
            _held.Hold(scratch[taken..length]);
            if (taken > 0 || received > 0)
                continue; // there may be more, and the end: no other edge tells of it
            if (received is 0 or -2 && Owner.MayReceive(this))
                Lost(received == 0 ? "the server closed the connection" : "the connection broke");
            return;
        }
    }

    public new void Close()
    {
        if (!IsClosed)
            Reader?.Load.Leave();
        base.Close();
        _held.Release();
    }

    public override void OnFault(Exception fault) => Owner.OnFault(fault);

    protected override void OnWritable()
    {
        if (_connected)
        {
            Owner.OnDrained(this);
            return;
        }

        _connected = true;
        if (ConnectResult() is var errno and not 0)
            Lost(Libc.Describe(errno));
    }

    protected override void OnBroken() => Lost("the connection broke");

    private int Take(Span<byte> bytes)
    {
        if (_greeted)
            return Setup is { } setup ? setup.OnReceived(bytes) : Owner.OnReceived(this, bytes);
        if (bytes.Length >= PacketHeader.Size && PacketHeader.Read(bytes).PayloadLength is 0 or > LongestGreeting)
            ProtocolException.Throw("The server's greeting is empty, or too long to be one.");
        if (bytes.Length < PacketHeader.Size || bytes.Length < PacketHeader.Size + PacketHeader.Read(bytes).PayloadLength)
            return 0;
        var length = PacketHeader.Size + PacketHeader.Read(bytes).PayloadLength;
        _greeted = true;
        if (bytes[PacketHeader.Size] != ServerGreeting.ProtocolVersion)
            return Setup is { } refused ? refused.OnReceived(bytes) : Owner.OnReceived(this, bytes); // an error in its place
        var greeting = ServerGreeting.Read(bytes[PacketHeader.Size..length]);
        (Offered, ConnectionId) = (greeting.Capabilities, greeting.ConnectionId);
        if (Setup is { } own)
            own.OnGreeting(bytes[..length]);
        else
            Owner.OnGreeting(this, bytes[..length]);
        return length;
    }

    /// <summary>What comes between the greeting and the login. A broken connection is heard of as such.</summary>
    public void Introduce()
    {
        if (Owner.AddressHeader(this) is { } header)
            _ = Send(header);
        if (Tls is { } tls && (Offered & Capabilities.Ssl) != 0)
            BeginTls(tls);
    }

    /// <summary>capabilities 4 · longest packet 4 · character set 1 · reserved 23, and then TLS.</summary>
    private void BeginTls(SslClientAuthenticationOptions tls)
    {
        var writer = Loop.Writer;
        writer.Clear();
        writer.Sequence = LoginSequence++;
        writer.Begin().UInt32((uint)(Capabilities.Ssl | Capabilities.Protocol41 | Capabilities.SecureConnection | Capabilities.PluginAuth)).UInt32(1 << 30).Byte(45).Zeros(23).End();
        if (Send(writer.Written.Span))
            Rebind(socket => TlsPump.Connect(socket, tls, _ => { }));
    }

    private void Lost(string reason)
    {
        Close();
        Owner.OnLost(this, reason);
    }
}
