using System.Net;
using System.Net.Sockets;

namespace WolfScale.Bench.Proxying;

/// <summary>A server that greets, lets everybody in, and says OK to whatever it is asked.</summary>
internal sealed class SayingServer : IDisposable
{
    private static readonly byte[] Ok = [0, 0, 0, 2, 0, 0, 0];
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private uint _connections;

    public SayingServer()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(4096);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The measuring is over.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var owned = socket;
        socket.NoDelay = true;
        try
        {
            await Packets.SayAsync(socket, 0, Packets.Greeting(++_connections), CancellationToken.None);
            for (var sequence = (byte)2; ; sequence = 1)
            {
                if (await Packets.ReadAsync(socket, CancellationToken.None) is [1, ..])
                    return;
                await Packets.SayAsync(socket, sequence, Ok, CancellationToken.None);
            }
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            // The proxy has hung up.
        }
    }
}
