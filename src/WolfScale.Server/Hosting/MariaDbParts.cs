using Microsoft.Extensions.Logging;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Log;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Hosting;

/// <summary>Makes the feed and the captures of a node from its configuration.</summary>
internal static class MariaDbParts
{
    public static FeedAdapter Feed(NodeConfiguration configuration, IReplicatedLog log, ILoggerFactory loggers) => throw new NotSupportedException($"{configuration}{log}{loggers}");
    public static ICaptureFactory Captures(DatabaseOptions options, NodeConfiguration configuration, ILoggerFactory loggers) => throw new NotSupportedException($"{configuration}{options}{loggers}");
}

internal abstract class FeedAdapter : IFeed, IAsyncDisposable
{
    public abstract string Host { get; }
    public abstract int Port { get; }
    public abstract string User { get; }
    public abstract string Password { get; }
    public abstract ValueTask DisposeAsync();
}
