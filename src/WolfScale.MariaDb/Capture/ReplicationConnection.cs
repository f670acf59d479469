using System.Net.Sockets;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;

namespace WolfScale.MariaDb;

/// <summary>
/// A thin client connection for replication: log in, run the few statements of the replication handshake, then receive in large pieces.
/// All calls block and belong to one thread: a wake-up of the thread that waits in the system call is the shortest way from the server's
/// write to our code, and an asynchronous call on the socket would turn it non-blocking for ever. Another thread may only call <see cref="Abort"/>.
/// </summary>
internal sealed class ReplicationConnection : IDisposable
{
    /// <summary>Holds any event that must be looked at as a whole (a COMMIT with a long status), and many small ones.</summary>
    public const int BufferBytes = 256 << 10;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly PacketWriter _writer = new();
    private readonly Lock _gate = new();
    private Socket? _socket;
    private bool _aborted;
    private int _start;
    private int _end;

    /// <summary>The connected socket.</summary>
    public Socket Socket => _socket ?? throw new InvalidOperationException("Not connected.");

    /// <summary>The connection's thread id on the server.</summary>
    public uint ConnectionId { get; private set; }

    /// <summary>What was received and not consumed yet.</summary>
    public ReadOnlySpan<byte> Buffered => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Connects and logs in.</summary>
    /// <param name="endpoint">Where, and as whom.</param>
    /// <param name="timeout">Bounds every single wait for the server: to connect, to send, to receive.</param>
    /// <exception cref="SocketException">The server cannot be reached, or does not answer in time.</exception>
    /// <exception cref="ServerErrorException">It refuses the login.</exception>
    /// <exception cref="ProtocolException">It is not a MariaDB server, or wants another authentication plugin.</exception>
    public void Open(ServerEndpoint endpoint, TimeSpan timeout)
    {
        Connect(endpoint, timeout);
        LogIn(endpoint);
    }

    /// <summary>Runs a statement that returns no rows.</summary>
    /// <exception cref="ServerErrorException">The server refuses it.</exception>
    public void Execute(string sql)
    {
        _writer.Clear();
        SimpleCommands.WriteQuery(_writer, sql);
        Send();
        _ = OkPacket.Read(ReadAnswer(sql));
    }

    /// <summary>Runs a query and returns its first row, or null.</summary>
    /// <exception cref="ServerErrorException">The server refuses it.</exception>
    public string?[]? QueryRow(string sql)
    {
        _writer.Clear();
        SimpleCommands.WriteQuery(_writer, sql);
        Send();
        var columns = (int)new PayloadReader(ReadAnswer(sql)).ReadLengthEncodedInteger();
        while (!EofPacket.IsEof(ReadPacket()))
        {
            // Column definitions: the asker knows them.
        }

        string?[]? first = null;
        while (true)
        {
            var row = ReadAnswer(sql);
            if (EofPacket.IsEof(row))
                return first;
            first ??= TextResultSet.ReadRow(row, columns);
        }
    }

    public void RegisterSlave(uint serverId, string host)
    {
        _writer.Clear();
        new RegisterSlaveCommand(serverId, host, 0).Write(_writer);
        Send();
        _ = OkPacket.Read(ReadAnswer("COM_REGISTER_SLAVE"));
    }

    /// <summary>Asks for the binary log; the events follow as packets.</summary>
    public void StartDump(uint serverId)
    {
        _writer.Clear();
        new BinlogDumpCommand(4, BinlogDumpFlags.SendAnnotateRows, serverId, "").Write(_writer);
        Send();
    }

    /// <summary>Marks the first bytes of <see cref="Buffered"/> as done with.</summary>
    public void Consume(int count) => _start += count;

    /// <summary>Receives until at least this many bytes are buffered; at most <see cref="BufferBytes"/>.</summary>
    public void Require(int count)
    {
        while (_end - _start < count)
            ReceiveMore();
    }

    /// <summary>Waits for the server and takes what has arrived, as far as there is room.</summary>
    /// <exception cref="EndOfStreamException">The connection was closed.</exception>
    /// <exception cref="SocketException">It was broken, or the server was silent for too long.</exception>
    public void ReceiveMore()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_start > 0 && _buffer.Length - _end < _buffer.Length / 2)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        var received = Socket.Receive(_buffer.AsSpan(_end));
        if (received == 0)
            throw new EndOfStreamException("The server closed the connection.");
        _end += received;
    }

    /// <summary>Makes a blocked call of the owning thread return, and every later one fail; for any thread, any number of times.</summary>
    public void Abort()
    {
        lock (_gate)
        {
            _aborted = true;
            try
            {
                _socket?.Shutdown(SocketShutdown.Both);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Not connected yet, or closed already: nothing waits there.
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _socket?.Dispose();
    }

    private void Connect(ServerEndpoint endpoint, TimeSpan timeout)
    {
        SocketException? failure = null;
        foreach (var address in endpoint.Addresses())
        {
            var tcp = address is not UnixDomainSocketEndPoint;
            var socket = new Socket(address.AddressFamily, SocketType.Stream, tcp ? ProtocolType.Tcp : ProtocolType.Unspecified);
            lock (_gate)
            {
                _socket?.Dispose();
                _socket = socket;
                if (_aborted)
                    throw new SocketException((int)SocketError.OperationAborted);
            }

            try
            {
                if (tcp)
                    socket.NoDelay = true;
                socket.SendTimeout = socket.ReceiveTimeout = (int)timeout.TotalMilliseconds;
                socket.Connect(address);
                lock (_gate)
                {
                    // An Abort before the connection stood had nothing to shut down.
                    if (_aborted)
                        throw new SocketException((int)SocketError.OperationAborted);
                }

                return;
            }
            catch (SocketException e)
            {
                failure = e;
            }
        }

        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }

    private void LogIn(ServerEndpoint endpoint)
    {
        var first = ReadAnswer("connect");
        var greeting = ServerGreeting.Read(first);
        ConnectionId = greeting.ConnectionId;
        _writer.Clear();
        _writer.Sequence = 1;
        new LoginRequest
        {
            User = endpoint.User,
            AuthResponse = NativePassword.Scramble(endpoint.Password, greeting.Salt.Span),
            Capabilities = Capabilities.LongPassword | Capabilities.LongFlag | Capabilities.Protocol41 | Capabilities.Transactions
                | Capabilities.SecureConnection | Capabilities.PluginAuth,
        }.Write(_writer);
        Send();
        var answer = ReadAnswer($"log in as '{endpoint.User}'");
        if (answer[0] == AuthSwitchRequest.Marker)
        {
            var request = AuthSwitchRequest.Read(answer);
            if (request.Plugin != NativePassword.PluginName)
            {
                throw new ProtocolException(
                    $"The account '{endpoint.User}' authenticates with {request.Plugin}; WolfScale's account needs {NativePassword.PluginName}: "
                    + $"ALTER USER … IDENTIFIED VIA {NativePassword.PluginName} USING PASSWORD('…').");
            }

            _writer.Clear();
            _writer.Sequence = 3;
            _writer.Begin().Bytes(NativePassword.Scramble(endpoint.Password, request.Salt)).End();
            Send();
            answer = ReadAnswer($"log in as '{endpoint.User}'");
        }

        _ = OkPacket.Read(answer);
    }

    private void Send()
    {
        var rest = _writer.Written.Span;
        while (!rest.IsEmpty)
            rest = rest[Socket.Send(rest)..];
    }

    private ReadOnlySpan<byte> ReadAnswer(string what)
    {
        var payload = ReadPacket();
        if (payload.IsEmpty)
            throw new ProtocolException($"{what}: the server answered with an empty packet.");
        return payload[0] == ErrPacket.Marker ? throw new ServerErrorException(what, ErrPacket.Read(payload)) : payload;
    }

    /// <summary>One packet's payload, valid until the next call. Answers of the handshake are short.</summary>
    private ReadOnlySpan<byte> ReadPacket()
    {
        Require(PacketHeader.Size);
        var length = PacketHeader.Read(Buffered).PayloadLength;
        if (length > BufferBytes / 2)
            throw new ProtocolException($"An answer of {length} bytes, where a short one was expected.");
        Require(PacketHeader.Size + length);
        var payload = Buffered.Slice(PacketHeader.Size, length);
        Consume(PacketHeader.Size + length);
        return payload;
    }
}
