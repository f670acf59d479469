namespace WolfScale.Wal;

/// <summary>What <see cref="WriteAheadLog.Open"/> found, for the node's log and for <c>wal verify</c>.</summary>
public sealed record RecoveryReport
{
    /// <summary>Whether there was no log at all.</summary>
    public bool Created { get; init; }

    /// <summary>Segments found.</summary>
    public int Segments { get; init; }

    /// <summary>Bytes read and checked.</summary>
    public long BytesChecked { get; init; }

    /// <summary>The last LSN recorded as synced, apart from the log (rule C6). The log holds at least this much.</summary>
    public long RecordedSyncedLsn { get; init; }

    /// <summary>The last LSN read back.</summary>
    public long LastLsn { get; init; }

    /// <summary>Bytes of an unfinished last write that were cut off (a torn tail); 0 after a clean stop.</summary>
    public long TornBytes { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The damage that makes this log unusable as it is, or null.</summary>
    public WalDamage? Damage { get; init; }
}

/// <summary>What kind of damage was found. None of them can come from a crash alone.</summary>
public enum WalDamageKind
{
    /// <summary>Bytes that were once synced no longer match their checksum.</summary>
    Rotten,

    /// <summary>The log ends before what was recorded as synced.</summary>
    CutShort,

    /// <summary>A segment file between others is missing, or the first one that should follow.</summary>
    SegmentMissing,

    /// <summary>The record of the last synced LSN cannot be read, so nobody can say whether the log ends where it should.</summary>
    SyncedRecordLost,
}

/// <summary>
/// Synced entries that cannot be read back (rule C6). A node with such a log must not vote: it calls
/// <see cref="WriteAheadLog.DiscardFrom"/> and refills the log from its peers first.
/// </summary>
/// <param name="Kind">What was found.</param>
/// <param name="Lsn">The first LSN that is lost. Everything before it is intact.</param>
/// <param name="ProvenSyncedLsn">The last LSN that is known to have been synced once.</param>
/// <param name="Path">The file.</param>
/// <param name="Offset">Where in it.</param>
/// <param name="Detail">What is wrong there, in words.</param>
public sealed record WalDamage(WalDamageKind Kind, long Lsn, long ProvenSyncedLsn, string Path, long Offset, string Detail)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Kind} from LSN {Lsn} on ({Path} at byte {Offset}: {Detail}); synced once up to LSN {ProvenSyncedLsn}";
}
