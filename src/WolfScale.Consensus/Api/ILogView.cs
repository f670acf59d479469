namespace WolfScale.Consensus;

/// <summary>
/// The node's own log as metadata, batches that are not durable yet included. Read by the core during its calls only, from one thread.
/// It must show every append and truncation of earlier calls; of those of the current call the core knows itself.
/// </summary>
public interface ILogView
{
    /// <summary>Where the log ends; <see cref="First"/> for an empty one.</summary>
    LogPosition Last { get; }

    /// <summary>The position just before the first retained entry; (0, 0) for a log that was never pruned.</summary>
    LogPosition First { get; }

    /// <summary>Term of the entry at <paramref name="lsn"/>, or of <see cref="First"/>; null outside the retained log.</summary>
    long? TermAt(long lsn);

    /// <summary>
    /// The batch whose first entry is <paramref name="lsn"/> + 1; null at the end, or when <paramref name="lsn"/> is before
    /// <see cref="First"/>.
    /// </summary>
    BatchInfo? BatchAfter(long lsn);

    /// <summary>First LSN of the batch that holds <paramref name="lsn"/>, which is in the retained log.</summary>
    long BatchStart(long lsn);
}
