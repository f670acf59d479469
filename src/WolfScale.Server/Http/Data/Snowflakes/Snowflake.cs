namespace WolfScale.Server.Http.Data.Snowflakes;

/// <summary>An id's parts: 41 bits of milliseconds since <see cref="Epoch"/>, 10 of the node's number, 12 of a sequence. It is positive, and enough until 2094.</summary>
internal static class Snowflake
{
    public const int Nodes = 1 << 10;
    public const int PerMillisecond = 1 << 12;

    /// <summary>2025-01-01T00:00:00Z.</summary>
    public static readonly DateTimeOffset Epoch = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="milliseconds">Since <see cref="Epoch"/>.</param>
    /// <param name="node">0 to 1023.</param>
    /// <param name="sequence">0 to 4095.</param>
    public static long Compose(long milliseconds, int node, int sequence) => (milliseconds << 22) | ((long)node << 12) | (long)sequence;

    public static long Milliseconds(DateTimeOffset time) => (long)(time - Epoch).TotalMilliseconds;
}
