using Microsoft.Extensions.Logging;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Log;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Hosting;

/// <summary>Makes the capture of each term, with this node's settings.</summary>
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

    public ICapture Create(ILeaderLog log) => new Capture(_options, log, loggers, time);
}
