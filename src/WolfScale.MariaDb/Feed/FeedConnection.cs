using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using WolfScale.MariaDb.Log;
using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;

namespace WolfScale.MariaDb;

/// <summary>One client of the feed, on a thread of its own: login, the replica's questions, and then the stream.</summary>
internal sealed class FeedConnection : IDisposable
{
    private readonly FeedServer _server;
    private readonly FeedSocket _socket;
    private readonly CancellationTokenSource _stop;
    private readonly ReplicaSettings _settings = new();

    public FeedConnection(FeedServer server, Socket socket, uint id, CancellationToken stop)
    {
        Id = id;
        _server = server;
        _socket = new FeedSocket(socket, server.Options.ClientTimeout);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Waiter = new FeedWaiter(server.Log, server.Time, _stop.Token);
    }

    /// <summary>The connection id its client was greeted with.</summary>
    public uint Id { get; }

    /// <summary>Wakes the stream when its limit changes.</summary>
    public FeedWaiter Waiter { get; }

    /// <summary>The replica, from its dump command on.</summary>
    public FeedReplica? Replica { get; private set; }

    /// <summary>Serves the client until it goes or is made to go.</summary>
    public void Run()
    {
        try
        {
            if (!LogIn())
                return;
            while (Serve())
            {
                // Until the dump, which does not come back, or COM_QUIT.
            }
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            _server.LogGone(Replica, _stop.IsCancellationRequested ? "it was closed from here" : e.Message);
        }
        catch (ProtocolException e)
        {
            _server.LogGarbage(e.Message);
        }
        catch (Exception e)
        {
            _server.LogFailed(Replica, e);
        }
    }

    /// <summary>Ends the connection; for any thread.</summary>
    public void Abort()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended.
        }

        _socket.Abort();
    }

    public void Dispose()
    {
        _socket.Dispose();
        Waiter.Dispose();
        _stop.Dispose();
    }

    private bool LogIn()
    {
        Span<byte> salt = stackalloc byte[ServerGreeting.SaltLength];
        RandomNumberGenerator.Fill(salt);
        foreach (ref var b in salt)
            b = (byte)(1 + (b % 126)); // The protocol ends it with a NUL and prints it as text.
        _socket.Writer.Sequence = 0;
        new ServerGreeting
        {
            ServerVersion = "5.5.5-" + _server.Options.ServerVersion,
            ConnectionId = Id,
            Salt = salt.ToArray(),
            Capabilities = Capabilities.LongPassword | Capabilities.FoundRows | Capabilities.LongFlag | Capabilities.ConnectWithDatabase
                | Capabilities.Protocol41 | Capabilities.Transactions | Capabilities.SecureConnection | Capabilities.MultiStatements
                | Capabilities.MultiResults | Capabilities.PluginAuth,
        }.Write(_socket.Writer);
        _socket.SendWritten();
        var login = LoginRequest.Read(_socket.ReadPacket());
        var answer = login.AuthResponse;
        if (login.AuthPlugin != NativePassword.PluginName)
        {
            AuthSwitchRequest.Write(_socket.Writer, NativePassword.PluginName, salt);
            _socket.SendWritten();
            answer = _socket.ReadPacket().ToArray();
        }

        var known = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(login.User), Encoding.UTF8.GetBytes(_server.User));
        if (!(NativePassword.Verify(_server.Password, salt, answer.Span) & known))
        {
            new ErrPacket(1045, "28000", "Access denied: the feed serves its own local server only.").Write(_socket.Writer);
            _socket.SendWritten();
            _server.LogDenied(login.User);
            return false;
        }

        OkPacket.WriteEmpty(_socket.Writer);
        _socket.SendWritten();
        return true;
    }

    /// <summary>One command; false where it was the last.</summary>
    private bool Serve()
    {
        var packet = _socket.ReadPacket();
        switch ((CommandCode)packet[0])
        {
            case CommandCode.Query:
                var sql = Encoding.UTF8.GetString(packet[1..]);
                if (!FeedStatements.Answer(sql, _settings, _server.ServerId, _server.Time.GetUtcNow(), _server.Kill, _socket.Writer))
                    _server.LogUnknown(sql);
                break;
            case CommandCode.RegisterSlave or CommandCode.Ping or CommandCode.InitDatabase:
                OkPacket.WriteEmpty(_socket.Writer);
                break;
            case CommandCode.BinlogDump:
                Dump(BinlogDumpCommand.Read(packet));
                return false;
            case CommandCode.Quit:
                return false;
            default:
                new ErrPacket(1047, "08S01", "WolfScale's feed does not know this command.").Write(_socket.Writer);
                _server.LogUnknown($"command {packet[0]}");
                break;
        }

        _socket.SendWritten();
        return true;
    }

    private void Dump(BinlogDumpCommand dump)
    {
        FeedStream? stream = null;
        try
        {
            var position = Check();
            var rewinds = _server.Log.Rewinds; // before its place is looked up
            var startLsn = FeedStart.Find(_server.Log, position);
            Replica = new FeedReplica(dump.ServerId, position);
            _server.Replace(this);
            stream = new FeedStream(
                _server.Log, _server.Options, _settings, position, _server.ServerId, _server.Progress, Waiter, _socket, _server.Time, rewinds)
            {
                Sequence = _socket.Writer.Sequence,
            };
            _server.LogFeeding(Replica, startLsn);
            stream.Run(startLsn);
        }
        catch (ReplicaRefusedException e)
        {
            _server.Refused(e.Refusal);
            _socket.Writer.Sequence = stream?.Sequence ?? _socket.Writer.Sequence;
            new ErrPacket(1236, "HY000", e.Message).Write(_socket.Writer);
            _socket.SendWritten();
        }
    }

    /// <summary>What a replica must have said before it is fed.</summary>
    private GtidPosition Check()
    {
        var missing = _settings switch
        {
            { ConnectState: null } => "it does not replicate by GTID (MASTER_USE_GTID=slave_pos)",
            { KnowsGtids: false } => "it does not know MariaDB's GTID events",
            { WantsUntil: true } => "START SLAVE UNTIL is not offered",
            { IsStrict: false } when _server.Options.RequireSemiSync => "it runs without gtid_strict_mode=ON, and would silently skip events that bear its own server_id",
            { WantsSemiSync: false } when _server.Options.RequireSemiSync =>
                "it runs without rpl_semi_sync_slave_enabled=ON, and would silently skip events that bear its own server_id",
            _ => null,
        };
        return missing is null
            ? _settings.ConnectState!
            : throw new ReplicaRefusedException(new ReplicaRefusal(
                ReplicaRefusalReason.Unsafe, _settings.ConnectStateText, $"WolfScale does not feed a server that stands at '{_settings.ConnectStateText}': {missing}."));
    }
}
