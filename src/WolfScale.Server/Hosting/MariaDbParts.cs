using Microsoft.Extensions.Logging;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Log;
using WolfScale.Protocol;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Hosting;

/// <summary>The feed as the controller wants it.</summary>
internal sealed class FeedAdapter : IFeed, IAsyncDisposable
{
    private readonly FeedServer _server;
    private readonly ILogger _logger;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The address cannot be used.</exception>
    public FeedAdapter(DatabaseSection database, IReplicatedLog log, ILoggerFactory loggers, TimeProvider time)
    {
        _logger = loggers.CreateLogger("WolfScale.Server.Feed");
        _ = HostPort.TryParse(database.FeedBindAddress, out var bind, out _);
        _server = new FeedServer(new FeedOptions { BindAddress = bind.ToEndPoint() }, log, loggers, time);
        _server.ReplicaRefused += refusal => HostLog.FeedRefused(_logger, refusal.Position, refusal.Message);
        Host = database.FeedAdvertiseHost.Length > 0 ? database.FeedAdvertiseHost : _server.Host;
    }

    public string Host { get; }

    public int Port => _server.Port;

    public string User => _server.User;

    public string Password => _server.Password;

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}

/// <summary>Makes the capture of each term.</summary>
internal sealed class CaptureFactory(NodeConfiguration configuration, ILoggerFactory loggers, TimeProvider time) : ICaptureFactory
{
    private readonly CaptureOptions _options = new()
    {
        Server = new ServerEndpoint
        {
            Host = configuration.Database.Host,
            Port = configuration.Database.Port,
            Socket = configuration.Database.Socket,
            User = configuration.Database.User,
            Password = configuration.Database.Password,
        },
        ReplicaHost = configuration.Node.Id,
        Compression = configuration.Wal.Compression,
        MaxBatchEntries = configuration.Wal.BatchSize,
    };

    public ICapture Create(ILeaderLog log) => new Adapter(new Capture(_options, log, loggers, time));

    private sealed class Adapter(Capture capture) : ICapture
    {
        public Task Attached => capture.Attached;

        public Gtid? LastCapturedGtid => capture.LastCapturedGtid;

        /// <exception cref="CaptureException">Capture cannot go on with this server.</exception>
        public async Task RunAsync(CancellationToken cancellationToken)
        {
            using (capture)
            {
                if (await capture.RunAsync(cancellationToken) is { } fault)
                    throw new CaptureException(fault);
            }
        }
    }
}
