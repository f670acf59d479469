using WolfScale.Wal;

namespace WolfScale.MariaDb;

/// <summary>
/// What the leader's commits took, by stage, over all terms of a process; for <c>/metrics</c>.
/// <code>
///   last event of the group arrives ──capture──▶ proposed to the log ──quorum──▶ a majority has it, the ACK leaves
/// </code>
/// Written by the capture's threads, read by anyone.
/// </summary>
public sealed class CommitStages
{
    private long _groups;
    private long _eventBytes;
    private long _storedBytes;

    /// <summary>From the arrival of a commit's last event to its proposal: waiting for the batch before it, and for room in the log.</summary>
    public LatencyHistogram Capture { get; } = new();

    /// <summary>From the proposal to the moment a majority has it on disk.</summary>
    public LatencyHistogram Quorum { get; } = new();

    /// <summary>Both.</summary>
    public LatencyHistogram Total { get; } = new();

    /// <summary>Where the stages of each commit are remembered; null where nobody asks for them.</summary>
    public CommitTrail? Trail { get; set; }

    /// <summary>Event groups written to the log.</summary>
    public long Groups => Volatile.Read(ref _groups);

    /// <summary>Bytes of their events.</summary>
    public long EventBytes => Volatile.Read(ref _eventBytes);

    /// <summary>Bytes of the batches that hold them, as stored and sent.</summary>
    public long StoredBytes => Volatile.Read(ref _storedBytes);

    internal void Captured(int bytes)
    {
        _ = Interlocked.Increment(ref _groups);
        _ = Interlocked.Add(ref _eventBytes, bytes);
    }

    internal void Proposed(int bytes) => Interlocked.Add(ref _storedBytes, bytes);
}
