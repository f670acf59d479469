using WolfScale.Wal.Files;

namespace WolfScale.Wal;

/// <summary>How a log is kept. Sizes are in bytes.</summary>
public sealed record WalOptions
{
    /// <summary>The folder that holds this log and nothing else; created when missing.</summary>
    public required string Directory { get; init; }

    /// <summary>
    /// The cluster this log belongs to. A log of another cluster is refused. <see cref="Guid.Empty"/>: not known yet, any log is accepted, and
    /// <see cref="WriteAheadLog.AdoptCluster"/> must be called before the first append.
    /// </summary>
    public Guid ClusterId { get; init; }

    /// <summary>A new segment is begun where a batch would carry the current one past this size.</summary>
    public long SegmentBytes { get; init; } = 64 << 20;

    /// <summary>
    /// True: <see cref="WriteAheadLog.Synced"/> is reported after fdatasync. False: after the write; the log is synced every
    /// <see cref="FlushInterval"/> anyway, and a power loss may take what was reported since.
    /// </summary>
    public bool Fsync { get; init; } = true;

    /// <summary>With <see cref="Fsync"/> off: how often the log is synced anyway.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The longest time for which the last synced LSN may stand unrecorded apart from the log (rule C6). Every later write proves it as well; so what
    /// is taken for a torn tail although it was synced and has rotted is the last write, if it is not recorded yet, and those
    /// before it whose every later frame is unreadable too (docs/architecture.md, "Torn or rotten").
    /// </summary>
    public TimeSpan SyncedRecordInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Back-pressure: <see cref="WriteAheadLog.WaitForRoomAsync"/> waits while more than this is appended and not yet synced.</summary>
    public long MaxPendingBytes { get; init; } = 64 << 20;

    /// <summary>How much of the log's end is kept in memory for senders and the feed.</summary>
    public long TailCacheBytes { get; init; } = 16 << 20;

    /// <summary>
    /// File space is filled with zeros this far ahead of the end of the log, because overwriting costs fdatasync no metadata; 0 turns it off.
    /// </summary>
    public int ZeroAheadBytes { get; init; } = 1 << 20;

    /// <summary>
    /// How much of the log's end is read and checked on opening (at least the two newest segments). Older segments are checked when they
    /// are read, and by <see cref="WriteAheadLog.Verify"/>.
    /// </summary>
    public long CheckOnOpenBytes { get; init; } = 256 << 20;

    /// <summary>The file layer; null is the real one. Tests put a faulty disk here.</summary>
    public IWalFiles? Files { get; init; }
}
