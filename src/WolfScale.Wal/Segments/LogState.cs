namespace WolfScale.Wal.Segments;

/// <summary>
/// All that must be known of the log before one place in it: the position, the newest configuration, and the groups. It is what a segment's
/// header remembers after the segments before it are gone.
/// </summary>
internal readonly record struct LogState(WalPosition End, ConfigurationEntry? Configuration, GroupState Groups)
{
    public static LogState At(LogStart start) => new(
        start.Before,
        start.Configuration,
        new GroupState(false, default, start.LastGroup is not null, start.LastGroup ?? default));

    /// <summary>The same for the public; an unfinished group is nobody's business (rule C7).</summary>
    public LogStart ToStart() => new(End, Configuration, Groups.HasLast ? Groups.Last : null);

    /// <summary>The state after one more batch.</summary>
    public LogState After(in BatchHeader batch, ConfigurationEntry? configuration) => new(
        new WalPosition(batch.LastLsn, batch.Term),
        configuration ?? Configuration,
        Groups.After(batch));
}
