using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Log;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>
/// WolfScale as the replication master of the local server: it listens on loopback, answers what a MariaDB replica asks, and sends the
/// committed log from exactly where the replica stands. One replica is served at a time; a new one takes the place of the old.
/// </summary>
public sealed partial class FeedServer : IFeed, IAsyncDisposable
{
    private readonly ILogger _logger;
    private readonly Socket _listener;
    private readonly Thread _accepting;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _acceptingEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly HashSet<FeedConnection> _connections = [];
    private FeedConnection? _current;
    private uint _lastId;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="SocketException">The address cannot be listened on.</exception>
    public FeedServer(FeedOptions options, IReplicatedLog log, ILoggerFactory loggers, TimeProvider? time = null)
    {
        Options = options;
        Log = log;
        Time = time ?? TimeProvider.System;
        _logger = loggers.CreateLogger<FeedServer>();
        _listener = new Socket(options.BindAddress.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(options.BindAddress);
        _listener.Listen(16);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        Host = options.BindAddress.Address.ToString();
        _accepting = new Thread(Accept) { Name = "feed accept", IsBackground = true };
        _accepting.Start();
    }

    /// <summary>Address the local server connects to.</summary>
    public string Host { get; }

    /// <summary>Port it listens on.</summary>
    public int Port { get; }

    /// <summary>Account of the feed; made up anew at each start.</summary>
    public string User { get; } = "wolfscale_feed";

    /// <summary>Its password, 128 random bits.</summary>
    public string Password { get; } = RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>A replica was turned away. Raised on the connection's thread, after which the replica gets error 1236; must be short.</summary>
    public event Action<ReplicaRefusal>? ReplicaRefused;

    /// <summary>See <see cref="FeedProgress.Defining"/>.</summary>
    public Action<Gtid>? Defining { set => Progress.Defining = value; }

    /// <summary>Who is fed, and how far.</summary>
    public FeedStatus Status
    {
        get
        {
            lock (_gate)
                return Progress.Snapshot(_current?.Replica);
        }
    }

    /// <summary>
    /// No group that ends behind this LSN is sent; <see cref="long.MaxValue"/> for no limit, 0 to pause. Groups that were sent already are not
    /// called back.
    /// </summary>
    public long StopAtLsn
    {
        get => Progress.StopAtLsn;
        set
        {
            Progress.StopAtLsn = value;
            lock (_gate)
                _current?.Waiter.Nudge();
        }
    }

    internal FeedOptions Options { get; }

    internal IReplicatedLog Log { get; }

    internal TimeProvider Time { get; }

    internal FeedProgress Progress { get; } = new();

    /// <summary>Of the made-up events, and what the replica compares its own id with. High, where nobody numbers servers.</summary>
    internal uint ServerId { get; } = 0xF000_0000u + (uint)RandomNumberGenerator.GetInt32(0x0FFF_FFFF);

    /// <summary>Stops listening and ends every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        _listener.Dispose();
        lock (_gate)
        {
            foreach (var connection in _connections)
                connection.Abort();
        }

        await _acceptingEnded.Task;
    }

    internal void Refused(ReplicaRefusal refusal)
    {
        LogRefused(refusal.Message);
        try
        {
            ReplicaRefused?.Invoke(refusal);
        }
        catch (Exception e)
        {
            LogFailed(null, e);
        }
    }

    /// <summary>This connection's replica is the one that is fed from now on; the one before is let go.</summary>
    internal void Replace(FeedConnection connection)
    {
        FeedConnection? old;
        lock (_gate)
        {
            old = _current;
            _current = connection;
        }

        old?.Abort();
    }

    /// <summary>A replica ends its own earlier connection, by the id it was greeted with.</summary>
    internal void Kill(uint connectionId)
    {
        lock (_gate)
            _connections.FirstOrDefault(c => c.Id == connectionId)?.Abort();
    }

    private void Accept()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
                Start(_listener.Accept());
        }
        catch (Exception e) when (_stop.IsCancellationRequested || e is ObjectDisposedException)
        {
            // Closed from here.
        }
        catch (SocketException e)
        {
            LogNotListening(Port, e);
        }

        _acceptingEnded.SetResult();
    }

    private void Start(Socket socket)
    {
        var connection = new FeedConnection(this, socket, ++_lastId, _stop.Token);
        lock (_gate)
        {
            if (_connections.Count >= Options.MaxConnections || _stop.IsCancellationRequested)
            {
                connection.Dispose();
                return;
            }

            _ = _connections.Add(connection);
        }

        new Thread(() => Run(connection)) { Name = "feed", IsBackground = true }.Start();
    }

    private void Run(FeedConnection connection)
    {
        connection.Run();
        lock (_gate)
        {
            _ = _connections.Remove(connection);
            if (ReferenceEquals(_current, connection))
                _current = null;
            connection.Dispose();
        }
    }

    internal void LogFeeding(FeedReplica replica, long startLsn) => LogFeeding(_logger, replica.ServerId, replica.StartPosition, startLsn);

    internal void LogRefused(string message) => LogRefused(_logger, message);

    internal void LogGone(FeedReplica? replica, string why) => LogGone(_logger, replica?.ServerId ?? 0, why);

    internal void LogGarbage(string what) => LogGarbage(_logger, what);

    internal void LogDenied(string user) => LogDenied(_logger, user);

    internal void LogUnknown(string sql) => LogUnknown(_logger, sql);

    internal void LogFailed(FeedReplica? replica, Exception exception) => LogFailed(_logger, replica?.ServerId ?? 0, exception);

    private void LogNotListening(int port, Exception exception) => LogNotListening(_logger, port, exception);

    [LoggerMessage(3200, LogLevel.Information, "Feeding server_id {ServerId} from GTID position '{Start}', after LSN {Lsn}.")]
    private static partial void LogFeeding(ILogger logger, uint serverId, GtidPosition start, long lsn);

    [LoggerMessage(3201, LogLevel.Error, "{Message}")]
    private static partial void LogRefused(ILogger logger, string message);

    [LoggerMessage(3202, LogLevel.Debug, "Connection of server_id {ServerId} to the feed has ended: {Why}")]
    private static partial void LogGone(ILogger logger, uint serverId, string why);

    [LoggerMessage(3203, LogLevel.Warning, "A client of the feed sent what no MariaDB replica sends; it was disconnected. {What}")]
    private static partial void LogGarbage(ILogger logger, string what);

    [LoggerMessage(3204, LogLevel.Warning, "A client tried to log in to the feed as '{User}' and was turned away: only WolfScale's own replica may.")]
    private static partial void LogDenied(ILogger logger, string user);

    [LoggerMessage(3205, LogLevel.Warning, "The feed was asked something it does not know, and answered with an error: {Sql}")]
    private static partial void LogUnknown(ILogger logger, string sql);

    [LoggerMessage(3206, LogLevel.Error, "The feed to server_id {ServerId} failed; it will connect again.")]
    private static partial void LogFailed(ILogger logger, uint serverId, Exception exception);

    [LoggerMessage(3207, LogLevel.Critical, "The feed no longer listens on port {Port}.")]
    private static partial void LogNotListening(ILogger logger, int port, Exception exception);
}
