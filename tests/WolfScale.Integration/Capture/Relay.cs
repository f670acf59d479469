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
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _cut;
    private long _budget = long.MaxValue;
    private int _connections;
    private int _generation;
    private long _bytesFromServer;
    private volatile byte[]? _needle;

    public Relay(int targetPort)
    {
        _target = targetPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Connections that were relayed so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Bytes that came from the server so far.</summary>
    public long BytesFromServer => Interlocked.Read(ref _bytesFromServer);

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

    /// <summary>What is connected now stays so, and passes nothing on any more, as behind a firewall that has forgotten it. New connections pass.</summary>
    public void Freeze() => Interlocked.Increment(ref _generation);

    /// <summary>The next time these bytes come from the server, a bit of them is flipped.</summary>
    public void Garble(byte[] needle) => _needle = needle;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        Cut();
        _disposed.SetResult();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = RelayAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // Disposed while it waited for a connection, or between two (then the listener says that it was not started).
        }
    }

    private async Task RelayAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        var generation = Volatile.Read(ref _generation);
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
            await Task.WhenAny(CopyAsync(client, server, generation, fromServer: false), CopyAsync(server, client, generation, fromServer: true));
            if (IsFrozen(generation))
                await _disposed.Task;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }

        client.Dispose();
        server.Dispose();
    }

    private bool IsFrozen(int generation) => generation != Volatile.Read(ref _generation);

    private async Task CopyAsync(Socket from, Socket to, int generation, bool fromServer)
    {
        var buffer = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer) is var received and > 0)
            {
                if (IsFrozen(generation))
                    continue;
                if (fromServer && Interlocked.Add(ref _budget, -received) < 0)
                {
                    _ = Interlocked.Exchange(ref _budget, long.MaxValue);
                    return;
                }

                if (fromServer)
                    Observe(buffer.AsSpan(0, received));

                for (var rest = buffer.AsMemory(0, received); !rest.IsEmpty;)
                    rest = rest[await to.SendAsync(rest)..];
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }

    private void Observe(Span<byte> fromServer)
    {
        _ = Interlocked.Add(ref _bytesFromServer, fromServer.Length);
        if (_needle is { } needle && fromServer.IndexOf(needle) is var at and >= 0)
        {
            fromServer[at] ^= 1;
            _needle = null;
        }
    }

    private void CloseAll()
    {
        foreach (var socket in _sockets)
            socket.Dispose();
        _sockets.Clear();
    }
}
