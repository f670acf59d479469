using System.Net.Sockets;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>The server's end of a connection: short packets in, anything out. Blocking calls on one thread; another may only <see cref="Abort"/>.</summary>
internal sealed class FeedSocket : IFeedSink, IDisposable
{
    /// <summary>A replica's statements and commands are short; whatever is longer is refused before it is read.</summary>
    private const int MaxRequestBytes = 64 << 10;

    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[PacketHeader.Size + MaxRequestBytes];
    private int _length;

    public FeedSocket(Socket socket, TimeSpan timeout)
    {
        _socket = socket;
        socket.NoDelay = true;
        socket.SendTimeout = socket.ReceiveTimeout = (int)timeout.TotalMilliseconds;
    }

    public PacketWriter Writer { get; } = new();

    /// <summary>Reads one packet; what is written next bears the sequence number after it.</summary>
    /// <returns>The payload, valid until the next call.</returns>
    /// <exception cref="EndOfStreamException">The client has gone.</exception>
    /// <exception cref="ProtocolException">The packet is too long.</exception>
    public ReadOnlySpan<byte> ReadPacket()
    {
        _length = 0;
        Require(PacketHeader.Size);
        var header = PacketHeader.Read(_buffer);
        if (header.PayloadLength is 0 or > MaxRequestBytes)
            throw new ProtocolException($"A packet of {header.PayloadLength} bytes, where a short command was expected.");
        Require(PacketHeader.Size + header.PayloadLength);
        Writer.Clear();
        Writer.Sequence = (byte)(header.Sequence + 1);
        return _buffer.AsSpan(PacketHeader.Size, header.PayloadLength);
    }

    /// <summary>Sends what was written.</summary>
    public void SendWritten()
    {
        Send(Writer.Written.Span);
        Writer.Clear();
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>Makes a blocked call return; for any thread.</summary>
    public void Abort()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Gone already.
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Require(int count)
    {
        while (_length < count)
        {
            var received = _socket.Receive(_buffer.AsSpan(_length, count - _length));
            if (received == 0)
                throw new EndOfStreamException();
            _length += received;
        }
    }
}
