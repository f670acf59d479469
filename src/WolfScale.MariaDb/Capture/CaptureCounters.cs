using WolfScale.Wal;

namespace WolfScale.MariaDb;

/// <summary>Running figures of a capture, written by its threads and read by anyone.</summary>
/// <param name="stages">Of the whole process.</param>
internal sealed class CaptureCounters(CommitStages stages)
{
    private long _groups;
    private long _bytes;
    private long _batches;
    private long _skipped;
    private long _acks;
    private long _connections;

    /// <summary>From the arrival of a commit's last event to its ACK.</summary>
    public LatencyHistogram Commit { get; } = new();

    public void Captured(int bytes)
    {
        _ = Interlocked.Increment(ref _groups);
        _ = Interlocked.Add(ref _bytes, bytes);
        stages.Captured(bytes);
    }

    /// <param name="bytes">Of the batch, as stored.</param>
    public void Proposed(int bytes)
    {
        _ = Interlocked.Increment(ref _batches);
        stages.Proposed(bytes);
    }

    /// <summary>A commit waits for the quorum from here on.</summary>
    public void Waits(TimeSpan afterArrival) => stages.Capture.Record(afterArrival);

    public void Skipped() => Interlocked.Increment(ref _skipped);

    public void Acknowledged() => Interlocked.Increment(ref _acks);

    public void Connected() => Interlocked.Increment(ref _connections);

    public void Released(ulong sequence, in CommitSteps steps, TimeSpan afterArrival, TimeSpan afterProposal)
    {
        stages.Trail?.Note(sequence, steps);
        Commit.Record(afterArrival);
        stages.Total.Record(afterArrival);
        stages.Quorum.Record(afterProposal);
    }

    public CaptureStatistics Snapshot(int waiting) => new()
    {
        Groups = Volatile.Read(ref _groups),
        Bytes = Volatile.Read(ref _bytes),
        Batches = Volatile.Read(ref _batches),
        GroupsKnownAlready = Volatile.Read(ref _skipped),
        Acks = Volatile.Read(ref _acks),
        Connections = Volatile.Read(ref _connections),
        WaitingCommits = waiting,
        Releases = Commit.Count,
        CommitMedian = Commit.Quantile(0.5),
        CommitP95 = Commit.Quantile(0.95),
    };
}
