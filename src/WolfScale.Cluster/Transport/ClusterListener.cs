using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace WolfScale.Cluster.Transport;

/// <summary>
/// The cluster port: accepts connections, keeps the number of strangers small, and gives each connection its thread.
/// </summary>
internal sealed class ClusterListener : IDisposable
{
    private readonly Socket _socket;
    private readonly Lock _lock = new();
    private readonly LinkedList<InboundConnection> _unauthenticated = [];
    private readonly HashSet<InboundConnection> _authenticated = [];
    private Thread? _thread;

    /// <exception cref="ClusterStartException">The address cannot be bound.</exception>
    public ClusterListener(IPEndPoint endpoint, TransportOptions options, TimeProvider time, ILogger logger)
    {
        (Options, Time, Logger) = (options, time, logger);
        Throttle = new LogThrottle(time, TimeSpan.FromSeconds(10));
        _socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint.Address.Equals(IPAddress.IPv6Any))
                _socket.DualMode = true;
            _socket.Bind(endpoint);
            _socket.Listen(64);
        }
        catch (SocketException e)
        {
            _socket.Dispose();
            throw new ClusterStartException(
                $"the cluster port {endpoint} cannot be opened: {e.Message}; see node.bind_address and what else listens there", e);
        }
        Endpoint = (IPEndPoint)_socket.LocalEndPoint!;
    }

    public TransportOptions Options { get; }

    /// <summary>Who takes what comes in; set by <see cref="Start"/>, before the first connection is accepted.</summary>
    public IInboundHandler Handler { get; private set; } = null!;

    public TimeProvider Time { get; }

    public ILogger Logger { get; }

    public LogThrottle Throttle { get; }

    /// <summary>The bound address, with the port that was chosen when 0 was asked for.</summary>
    public IPEndPoint Endpoint { get; }

    public bool Stopping { get; private set; }

    /// <summary>Starts accepting. Until then connections wait in the kernel's queue.</summary>
    public void Start(IInboundHandler handler)
    {
        Handler = handler;
        TransportLog.Listening(Logger, Endpoint.ToString(), Options.Tls is null ? "no TLS" : "TLS");
        _thread = new Thread(AcceptAll, 256 * 1024) { IsBackground = true, Name = "wolfscale-accept" };
        _thread.Start();
    }

    /// <summary>Closes the port and every connection; their threads end by themselves.</summary>
    public void Dispose()
    {
        Stopping = true;
        _socket.Dispose();
        InboundConnection[] open;
        lock (_lock)
            open = [.. _unauthenticated, .. _authenticated];
        foreach (var connection in open)
            connection.Close("this node is stopping");
        if (_thread is not null && _thread != Thread.CurrentThread)
            _thread.Join(TimeSpan.FromSeconds(2));
    }

    /// <summary>A connection has proven itself: it no longer counts as a stranger.</summary>
    internal void Authenticated(InboundConnection connection)
    {
        lock (_lock)
        {
            _unauthenticated.Remove(connection);
            if (!Stopping)
                _authenticated.Add(connection);
            else
                connection.Close("this node is stopping");
        }
    }

    internal void Ended(InboundConnection connection, bool admitted)
    {
        lock (_lock)
        {
            _unauthenticated.Remove(connection);
            _authenticated.Remove(connection);
        }
        if (admitted)
            Handler.Closed(connection);
    }

    private void AcceptAll()
    {
        while (!Stopping)
        {
            try
            {
                Serve(_socket.Accept());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (Stopping)
                    return;
                // Out of file descriptors, or the peer gave up before it was accepted: the next one may work. The pause keeps a lasting
                // failure from taking a processor; nobody signals its end, so there is no event to wait for.
                if (Throttle.Allow("accept", out _))
                    TransportLog.AcceptFailed(Logger, e.Message);
                using var pause = new ManualResetEventSlim();
                pause.Wait(50);
            }
        }
    }

    private void Serve(Socket socket)
    {
        socket.NoDelay = true;
        var connection = new InboundConnection(socket, this);
        InboundConnection? oldest = null;
        lock (_lock)
        {
            if (_unauthenticated.Count >= Options.MaxUnauthenticated)
            {
                oldest = _unauthenticated.First!.Value;
                _unauthenticated.RemoveFirst();
            }
            _unauthenticated.AddLast(connection);
        }
        oldest?.Close($"{Options.MaxUnauthenticated} connections are waiting for their handshake and this one for the longest time");
        new Thread(connection.Run, 512 * 1024) { IsBackground = true, Name = $"wolfscale-in-{connection.Remote}" }.Start();
    }
}
