namespace WolfScale.MariaDb;

/// <summary>What a capture has done since its term began.</summary>
public sealed record CaptureStatistics
{
    /// <summary>Event groups written to the log.</summary>
    public long Groups { get; init; }

    /// <summary>Bytes of their events.</summary>
    public long Bytes { get; init; }

    /// <summary>Batches proposed; groups that arrived together share one.</summary>
    public long Batches { get; init; }

    /// <summary>Groups that came again after a reconnect and stood in the log already.</summary>
    public long GroupsKnownAlready { get; init; }

    /// <summary>ACKs sent; one releases every commit before it.</summary>
    public long Acks { get; init; }

    /// <summary>Commits that were released.</summary>
    public long Releases { get; init; }

    /// <summary>Connections whose stream went live: 1 where none was lost.</summary>
    public long Connections { get; init; }

    /// <summary>Commits that wait for the quorum now.</summary>
    public int WaitingCommits { get; init; }

    /// <summary>From the arrival of a commit's last event to its ACK: median and 95th percentile.</summary>
    public TimeSpan CommitMedian { get; init; }

    public TimeSpan CommitP95 { get; init; }
}
