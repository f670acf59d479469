using WolfScale.Wal;

namespace WolfScale.MariaDb.Log;

/// <summary>
/// What the MariaDB side needs of the replicated log, on any node. The host implements it over the WAL and the consensus core.
/// </summary>
public interface IReplicatedLog
{
    /// <summary>First LSN still retained; entries below it have been pruned.</summary>
    long FirstLsn { get; }

    /// <summary>Last LSN in this node's log, committed or not.</summary>
    long LastLsn { get; }

    /// <summary>Last LSN known to be held by a majority. Only entries up to here may be fed to a server.</summary>
    long CommitLsn { get; }

    /// <summary>
    /// Whether what this log lacks the cluster lacks too, for good: <b>another</b> node is known to lead in the current term, and an entry of
    /// that term is committed here. By leader completeness (Raft §5.4.3) everything committed in earlier terms then stands in this log at or
    /// before <see cref="CommitLsn"/>. False while there is no leader, while this node leads, and until the term's no-op is committed here.
    /// A server's groups that the log does not hold are discarded only while this is true; false, the default, waits.
    /// </summary>
    bool IsSettled => false;

    /// <summary>
    /// Mode "available": this node itself leads, and an entry of its epoch is committed: what its log lacks is lost to the cluster, although nobody else says so.
    /// A server that holds such groups is rewound then too, or a node that is left alone with it could never serve.
    /// </summary>
    bool IsOwnHistory => false;

    /// <summary>
    /// Mode "available": how many times committed entries were cut off again since the node started. It rises before they go: whoever reads the log and finds the
    /// number unchanged afterwards has read what was committed.
    /// </summary>
    long Rewinds => 0;

    /// <summary>
    /// Whether another node is known to lead the current term. While nobody is known to, a former leader's server is left gated: its commits
    /// wait, un-acknowledged and invisible, until this node leads again and captures them, or another node leads and the server is closed.
    /// </summary>
    bool AnotherNodeLeads => true;

    /// <summary>GTID position of the cluster's data before LSN 1 (rule C2); empty when the first server held nothing.</summary>
    string BaseGtidPosition { get; }

    /// <summary>Whether the server that founded the cluster held no user data (rule C2).</summary>
    bool BaseServerWasEmpty { get; }

    /// <summary>
    /// Raised with every advance of <see cref="CommitLsn"/>, after it, on the thread that learned of it: handlers must be short and must not block.
    /// </summary>
    event Action<long>? CommitAdvanced;

    /// <summary>Completes when <see cref="CommitLsn"/> is at least <paramref name="lsn"/>.</summary>
    ValueTask WaitForCommitAsync(long lsn, CancellationToken cancellationToken);

    /// <summary>
    /// Finds a complete group by its GTID. Unfinished groups (rule C7) are never found.
    /// </summary>
    /// <returns>The LSN of the group's last entry, or null when the retained log does not hold it.</returns>
    long? FindGroup(EntryKey gtid);

    /// <summary>
    /// The last complete group whose last entry is at or before <paramref name="lsn"/>.
    /// </summary>
    /// <returns>The GTID and the LSN of its last entry, or null where the retained log holds none: then the base decides.</returns>
    (EntryKey Gtid, long LastLsn)? LastGroupAtOrBefore(long lsn);

    /// <summary>
    /// Opens a forward reader at <paramref name="firstLsn"/>. It reads what is in this node's log; callers stop at <see cref="CommitLsn"/>.
    /// </summary>
    WalCursor OpenCursor(long firstLsn);
}

/// <summary>
/// The leader's side of the log during one term. It dies with the term: after <see cref="Ended"/> is cancelled nothing is accepted
/// and no commit is announced, so an ACK of an older term cannot leave.
/// </summary>
public interface ILeaderLog
{
    /// <summary>The term this leadership belongs to.</summary>
    long Term { get; }

    /// <summary>Cancelled before anything of a later term can be observed.</summary>
    CancellationToken Ended { get; }

    /// <summary>The replicated log itself.</summary>
    IReplicatedLog Log { get; }

    /// <summary>
    /// Appends a batch at the end of the log and starts its replication; takes over the batch. Blocks while too much waits for the quorum, which is
    /// the back-pressure on the server.
    /// </summary>
    /// <returns>The LSN of the batch's last entry, or null when this node no longer leads in <see cref="Term"/>.</returns>
    long? Propose(SealedBatch batch);

    /// <summary>Back-pressure: completes when the log accepts more without growing its backlog over the limit.</summary>
    ValueTask WaitForRoomAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Calls <paramref name="onCommit"/> with every advance of the commit LSN in this term, in order, on the thread that learned of it:
    /// the callback must be short and must not block. Nothing is called after <see cref="Ended"/>.
    /// </summary>
    IDisposable SubscribeCommit(Action<long> onCommit);
}
