namespace WolfScale.MariaDb;

/// <summary>When a commit passed the stages between its server and the quorum; timestamps of the <see cref="TimeProvider"/>.</summary>
/// <param name="Arrived">Its last event came out of the server's binary log: written there and synced, and not committed yet.</param>
/// <param name="Proposed">It was given to the log.</param>
/// <param name="Released">The quorum has it, and the ACK leaves.</param>
public readonly record struct CommitSteps(long Arrived, long Proposed, long Released);

/// <summary>The stages of the newest commits, by the sequence number of their GTID, for who traces writes. Bounded: what nobody asks for is overwritten. Thread-safe.</summary>
public sealed class CommitTrail
{
    /// <summary>Commits that are remembered: more than can be on their way between their release and their client.</summary>
    private const int Size = 8192;

    private readonly Lock _gate = new();
    private readonly (ulong Sequence, CommitSteps Steps)[] _ring = new (ulong, CommitSteps)[Size];

    public bool TryFind(ulong sequence, out CommitSteps steps)
    {
        lock (_gate)
        {
            (var found, steps) = _ring[sequence % Size];
            return found == sequence && sequence != 0;
        }
    }

    internal void Note(ulong sequence, CommitSteps steps)
    {
        lock (_gate)
            _ring[sequence % Size] = (sequence, steps);
    }
}
