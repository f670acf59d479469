using System.Net;

namespace WolfScale.MariaDb;

/// <summary>How the feed listens and sends.</summary>
public sealed record FeedOptions
{
    /// <summary>Where to listen (configuration key <c>database.feed_bind_address</c>); port 0 takes a free one.</summary>
    public IPEndPoint BindAddress { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>
    /// Server version in greeting and format description. It should be the local server's own: a replica refuses a master that is too old.
    /// </summary>
    public string ServerVersion { get; init; } = "10.11.0-MariaDB-wolfscale";

    /// <summary>
    /// Whether a replica must ask for semi-sync framing and strict mode. Without them MariaDB silently skips events that bear its own server_id
    /// while its position advances, and a server that was rebuilt would lose its own old transactions. Off for other consumers only.
    /// </summary>
    public bool RequireSemiSync { get; init; } = true;

    /// <summary>
    /// While commits keep coming, no more than one write to the replica in this time: it applies cheaper in bursts. The first after
    /// a pause leaves at once.
    /// </summary>
    public TimeSpan BurstInterval { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Heartbeats for a replica that does not ask for a period.</summary>
    public TimeSpan DefaultHeartbeat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a client may take for each step before its dump, and for taking what is sent to it.</summary>
    public TimeSpan ClientTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Size of the send buffer: what is written to the replica at once.</summary>
    public int BufferBytes { get; init; } = 256 << 10;

    /// <summary>The stream goes on in a new "file" at the first group beyond this position: <c>log_pos</c> has 32 bits.</summary>
    public long RotateAtBytes { get; init; } = 0xE000_0000;

    /// <summary>Connections at one time; more are closed unanswered.</summary>
    public int MaxConnections { get; init; } = 8;
}
