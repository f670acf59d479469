using System.Text;

namespace WolfScale.Cluster.Transport;

/// <summary>What listener and links need to know; the times are in milliseconds.</summary>
internal sealed record TransportOptions
{
    public required byte[] Secret { get; init; }

    public TlsCredentials? Tls { get; init; }

    /// <summary>From the first byte to the end of the handshake; then the connection is closed.</summary>
    public int HandshakeDeadlineMs { get; init; } = 5000;

    /// <summary>Unauthenticated connections at a time. One more closes the oldest of them: honest peers need milliseconds.</summary>
    public int MaxUnauthenticated { get; init; } = 32;

    /// <summary>Longest AppendRequest accepted, in bytes.</summary>
    public int MaxAppendBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Frames larger than this are left to the link's own thread instead of being sent by the thread that has them, in bytes.</summary>
    public int DirectSendBytes { get; init; } = 128 * 1024;

    /// <summary>Messages that may wait for one peer.</summary>
    public int MaxQueued { get; init; } = 1024;

    /// <summary>A connection on which sent bytes stay unacknowledged, or nothing is heard, for so long is given up.</summary>
    public int SilenceMs { get; init; } = 3000;

    /// <summary>Longest pause between two attempts to reach a peer.</summary>
    public int RedialMs { get; init; } = 1000;

    /// <summary>How fast batches are sent that a peer missed, for all links together, and whatever else the node sends in the background; null for no limit.</summary>
    public BackgroundPace? Background { get; init; }

    public static byte[] SecretBytes(string secret) => Encoding.UTF8.GetBytes(secret);
}
