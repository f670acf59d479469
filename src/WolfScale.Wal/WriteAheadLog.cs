using System.Diagnostics.CodeAnalysis;

namespace WolfScale.Wal;

/// <summary>
/// The replicated log of one node, on disk. All members may be called from any thread. Appends and truncations come from one caller in
/// order (the host executes the consensus core's effects in order); readers see them at once, the disk gets them in the same order.
/// </summary>
public sealed class WriteAheadLog : IAsyncDisposable
{
    private WriteAheadLog()
    {
        Synced?.Invoke(0, 0);
        Failed?.Invoke(null!);
        throw new NotImplementedException();
    }

    /// <summary>Opens or creates the log, checks it, and cuts off a torn tail. Everything left is durable when this returns.</summary>
    /// <exception cref="WalDamagedException">Something synced is lost (rule C6): see <see cref="DiscardFrom"/>.</exception>
    /// <exception cref="WalRefusedException">Another process has it open, or it is another cluster's.</exception>
    public static WriteAheadLog Open(WalOptions options) => throw new NotImplementedException();

    /// <summary>Checks a log without changing it. The log must not be open.</summary>
    public static RecoveryReport Verify(WalOptions options) => throw new NotImplementedException();

    /// <summary>
    /// Cuts a damaged log off at <paramref name="lsn"/>, which and everything after it is lost; what was promised for those entries no longer
    /// holds, so the caller must have made this node a non-voter first. The log must not be open. The cut is at the batch boundary at or
    /// before <paramref name="lsn"/>.
    /// </summary>
    /// <returns>The last LSN that is left.</returns>
    public static long DiscardFrom(WalOptions options, long lsn) => throw new NotImplementedException();

    /// <summary>What was found on opening.</summary>
    public RecoveryReport Recovery => throw new NotImplementedException();

    /// <summary>The cluster this log belongs to; empty until it is known.</summary>
    public Guid ClusterId => throw new NotImplementedException();

    /// <summary>What is known of the entries before <see cref="FirstLsn"/>.</summary>
    public LogStart Start => throw new NotImplementedException();

    /// <summary>LSN of the first entry still here (of the next one, when the log is empty).</summary>
    public long FirstLsn => throw new NotImplementedException();

    /// <summary>The end of the log, durable or not.</summary>
    public WalPosition Last => throw new NotImplementedException();

    /// <summary>The end of what is durable. Goes back with a truncation, at once.</summary>
    public WalPosition Durable => throw new NotImplementedException();

    /// <summary>How many times this log was truncated or reset since it was opened.</summary>
    public long Generation => throw new NotImplementedException();

    /// <summary>Bytes appended and not yet synced.</summary>
    public long PendingBytes => throw new NotImplementedException();

    /// <summary>Why the log accepts nothing, or null when all is well.</summary>
    public WalFailure? Failure => throw new NotImplementedException();

    /// <summary>
    /// Everything up to this LSN is durable; second argument: the generation it belongs to. A report of an older generation says nothing
    /// about entries appended after the truncation. Raised on the thread that synced, in order; must be short and must not throw.
    /// </summary>
    public event Action<long, long>? Synced;

    /// <summary>The log has stopped. Raised once per failure, on the thread that met it.</summary>
    public event Action<WalFailure>? Failed;

    /// <summary>Names the cluster of an empty log that was opened without one.</summary>
    /// <exception cref="WalRefusedException">The log already belongs to another cluster.</exception>
    public void AdoptCluster(Guid clusterId) => throw new NotImplementedException();

    /// <summary>
    /// Appends a batch: it is visible to readers when this returns and durable when <see cref="Synced"/> says so. Never blocks on the disk; takes
    /// its own reference. Ask <see cref="WaitForRoomAsync"/> first: nothing else bounds the backlog.
    /// </summary>
    /// <param name="batch">Begins at <c>Last.Lsn + 1</c>, with a term not below <c>Last.Term</c>.</param>
    /// <param name="wakeWriter">False when the caller calls <see cref="FlushInline"/> right after, which saves a change of thread.</param>
    /// <exception cref="ArgumentException">It does not follow on the end of the log.</exception>
    /// <exception cref="WalStoppedException">The log has stopped.</exception>
    public void Append(WalBatch batch, bool wakeWriter = true) => throw new NotImplementedException();

    /// <summary>
    /// Cuts the log after <paramref name="lastKeptLsn"/>, a batch's last LSN. Readers see it at once; on disk it happens in order, and is durable
    /// before anything appended later is. Does nothing, and counts nothing, when the log already ends there.
    /// </summary>
    /// <exception cref="ArgumentException">It is inside a batch, or before the first entry.</exception>
    public void TruncateAfter(long lastKeptLsn) => throw new NotImplementedException();

    /// <summary>Empties the log and lets it begin after <paramref name="start"/>: for a node that was filled by a copy of the database.</summary>
    public void ResetTo(LogStart start) => throw new NotImplementedException();

    /// <summary>
    /// Writes and syncs what is queued on the calling thread, unless another thread is at it (which then takes it along). Blocks for the
    /// disk. <see cref="Synced"/> is raised on this thread, before it returns true.
    /// </summary>
    /// <returns>False when another thread is writing.</returns>
    public bool FlushInline() => throw new NotImplementedException();

    /// <summary>Completes when no more than <see cref="WalOptions.MaxPendingBytes"/> wait to be synced.</summary>
    /// <exception cref="WalStoppedException">The log has stopped.</exception>
    public ValueTask WaitForRoomAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>After <see cref="WalFailureKind.DiskFull"/>: tries again to write what is queued. True when the log goes on.</summary>
    public bool TryResume() => throw new NotImplementedException();

    /// <summary>The term of the entry at <paramref name="lsn"/>, from memory; also of the position just before the first entry; null elsewhere.</summary>
    public long? TermAt(long lsn) => throw new NotImplementedException();

    /// <summary>The batch that holds <paramref name="lsn"/>, with a reference that the caller must release; false when the log does not hold it.</summary>
    /// <exception cref="WalDamagedException">It is there and cannot be read.</exception>
    public bool TryGetBatch(long lsn, [NotNullWhen(true)] out WalBatch? batch) => throw new NotImplementedException();

    /// <summary>The facts of the batch that holds <paramref name="lsn"/>; false when the log does not hold it.</summary>
    public bool TryGetBatchInfo(long lsn, out WalBatchInfo info) => throw new NotImplementedException();

    /// <summary>First and last LSN of the batch that holds <paramref name="lsn"/>, or null.</summary>
    public (long First, long Last)? BatchBounds(long lsn) => throw new NotImplementedException();

    /// <summary>The LSN of the last entry of the complete group <paramref name="key"/>; void groups (rule C7) are never found. Null when it is not here.</summary>
    public long? FindGroup(EntryKey key) => throw new NotImplementedException();

    /// <summary>
    /// The last complete group that ends at or before <paramref name="lsn"/>. It may end before <see cref="FirstLsn"/>: what pruning took
    /// is remembered. Null only where no group was ever logged up to there: then the cluster's base decides (rule C2).
    /// </summary>
    public EntryKey? LastGroupAtOrBefore(long lsn, out long groupLastLsn) => throw new NotImplementedException();

    /// <summary>Opens a forward reader at <paramref name="firstLsn"/>, which may be one past the end.</summary>
    public WalCursor OpenCursor(long firstLsn) => throw new NotImplementedException();

    /// <summary>All configuration entries still known, in LSN order: those in the log, before them the newest that pruning took.</summary>
    public IReadOnlyList<ConfigurationEntry> Configurations => throw new NotImplementedException();

    /// <summary>The segment files, oldest first.</summary>
    public IReadOnlyList<WalSegmentInfo> Segments => throw new NotImplementedException();

    /// <summary>
    /// Deletes the segments that hold only entries before <paramref name="keepFromLsn"/>, oldest first. The caller knows what members and the local server
    /// still need. The newest segment always stays.
    /// </summary>
    /// <returns>The first LSN still there.</returns>
    public long Prune(long keepFromLsn) => throw new NotImplementedException();

    /// <summary>Writes and syncs what is queued, and closes the files.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
