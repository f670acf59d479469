namespace WolfScale.Consensus;

/// <summary>
/// A place in the replicated log: an entry's LSN and the term of the leader that made it. (0, 0) is the place before the first entry.
/// Two logs that agree on a position agree on everything before it (Raft §5.3, log matching).
/// </summary>
public readonly record struct LogPosition(long Lsn, long Term)
{
    /// <summary>Whether a log ending here is at least as complete as one ending at <paramref name="other"/> (Raft §5.4.1).</summary>
    public bool IsAtLeastAsUpToDateAs(LogPosition other) => Term > other.Term || (Term == other.Term && Lsn >= other.Lsn);

    /// <summary><c>lsn@term</c>.</summary>
    public override string ToString() => $"{Lsn}@{Term}";
}
