namespace WolfScale.MariaDb;

/// <summary>How a capture talks to its server.</summary>
public sealed record CaptureOptions
{
    /// <summary>The local server, and an account with REPLICATION SLAVE.</summary>
    public required ServerEndpoint Server { get; init; }

    /// <summary>Name under which <c>SHOW SLAVE HOSTS</c> lists us.</summary>
    public string ReplicaHost { get; init; } = "wolfscale";

    /// <summary>How often the server says that it is alive while nothing is written; also how soon it notices that we are gone.</summary>
    public TimeSpan HeartbeatPeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A server that is silent for this long is taken for dead, and the connection is made anew.</summary>
    public TimeSpan SilenceTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>First pause before another try to connect; it doubles up to <see cref="MaxRetryDelay"/>.</summary>
    public TimeSpan MinRetryDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Largest payload of one log entry; a longer group becomes several entries.</summary>
    public int MaxEntryBytes { get; init; } = 1 << 20;

    /// <summary>LZ4 for the batches (configuration key <c>wal.compression</c>).</summary>
    public bool Compression { get; init; } = true;

    /// <summary>Largest number of entries in one batch (configuration key <c>wal.batch_size</c>).</summary>
    public int MaxBatchEntries { get; init; } = 1000;
}
