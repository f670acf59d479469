namespace WolfScale.Settings;

/// <summary>The write-ahead log.</summary>
public sealed record WalSection
{
    /// <summary>Entries per batch at most: what the leader captures while the batch before it is being synced.</summary>
    [Within(1, 100_000)]
    public int BatchSize { get; init; } = 1000;

    /// <summary>With <c>fsync = false</c>: how often the log is synced anyway.</summary>
    [Within(1, 60_000)]
    public int FlushIntervalMs { get; init; } = 100;

    /// <summary>LZ4.</summary>
    public bool Compression { get; init; } = true;

    [Within(1, 4096)]
    public int SegmentSizeMb { get; init; } = 64;

    [Within(0, 87_600)]
    [Live]
    public int RetentionHours { get; init; } = 168;

    /// <summary>0: bounded by retention alone.</summary>
    [Within(0, 1_000_000)]
    [Live]
    public int MaxSizeGb { get; init; }

    /// <summary>False takes the guarantee away that an acknowledged write survives a power cut.</summary>
    public bool Fsync { get; init; } = true;
}
