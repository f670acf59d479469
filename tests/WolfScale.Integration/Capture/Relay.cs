using System.Net;
using System.Net.Sockets;

namespace WolfScale.Integration.Capture;

/// <summary>A TCP relay that can be cut and mended, at once or after a number of bytes from the server.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly Lock _gate = new();
    private readonly List<Socket> _sockets = [];
    private readonly Task _accepting;
    private bool _cut;
    private long _budget = long.MaxValue;
    private int _connections;

    public Relay(int targetPort)
    {
        _target = targetPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Connections that were relayed so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Breaks every connection; new ones are refused until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            _cut = true;
            CloseAll();
        }
    }

    public void Mend()
    {
        lock (_gate)
            _cut = false;
    }

    /// <summary>After this many bytes more from the server, what is connected then is broken, once.</summary>
    public void BreakAfter(long bytes) => Interlocked.Exchange(ref _budget, bytes);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        Cut();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = RelayAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task RelayAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        lock (_gate)
        {
            if (_cut)
            {
                client.Dispose();
                server.Dispose();
                return;
            }

            _sockets.AddRange([client, server]);
        }

        _ = Interlocked.Increment(ref _connections);
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target);
            await Task.WhenAny(CopyAsync(client, server, counted: false), CopyAsync(server, client, counted: true));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }

        client.Dispose();
        server.Dispose();
    }

    private async Task CopyAsync(Socket from, Socket to, bool counted)
    {
        var buffer = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer) is var received and > 0)
            {
                if (counted && Interlocked.Add(ref _budget, -received) < 0)
                {
                    _ = Interlocked.Exchange(ref _budget, long.MaxValue);
                    return;
                }

                for (var rest = buffer.AsMemory(0, received); !rest.IsEmpty;)
                    rest = rest[await to.SendAsync(rest)..];
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }

    private void CloseAll()
    {
        foreach (var socket in _sockets)
            socket.Dispose();
        _sockets.Clear();
    }
}
