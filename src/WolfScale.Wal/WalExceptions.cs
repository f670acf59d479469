namespace WolfScale.Wal;

/// <summary>Bytes that are not a batch: wrong magic, impossible length, wrong checksum. From the wire: drop the connection.</summary>
public sealed class WalFormatException(string message) : Exception(message);

/// <summary>
/// The log has lost something that was synced (rule C6). Thrown by <see cref="WriteAheadLog.Open"/>, and by reads that meet damage later.
/// </summary>
public sealed class WalDamagedException(WalDamage damage, RecoveryReport? report = null)
    : Exception($"The write-ahead log is damaged: {damage}. This node must not vote until the log is refilled from its peers.")
{
    /// <summary>Where and what.</summary>
    public WalDamage Damage { get; } = damage;

    /// <summary>The whole finding, when it was found at start.</summary>
    public RecoveryReport? Report { get; } = report;
}

/// <summary>The folder is another process's, another cluster's, or of a version this program does not know.</summary>
public sealed class WalRefusedException(string message, bool inUse = false) : Exception(message)
{
    /// <summary>Another process has it open.</summary>
    public bool InUse { get; } = inUse;
}

/// <summary>The log has stopped accepting (see <see cref="Failure"/>), so the call did nothing.</summary>
public sealed class WalStoppedException(WalFailure failure) : Exception(failure.Message)
{
    /// <summary>Why it stopped.</summary>
    public WalFailure Failure { get; } = failure;
}

/// <summary>A read of entries that retention has deleted.</summary>
public sealed class WalPrunedException(long lsn, long firstLsn)
    : Exception($"LSN {lsn} is no longer in the log, which begins at LSN {firstLsn}.")
{
    /// <summary>The first LSN still there.</summary>
    public long FirstLsn { get; } = firstLsn;
}

/// <summary>Why a log stopped.</summary>
public enum WalFailureKind
{
    /// <summary>No space, or over quota, while writing. <see cref="WriteAheadLog.TryResume"/> continues when there is space again.</summary>
    DiskFull,

    /// <summary>A sync failed: what the disk holds is unknown. Only opening the log anew goes on.</summary>
    SyncFailed,

    /// <summary>A write or another file operation failed. Only opening the log anew goes on.</summary>
    WriteFailed,

    /// <summary>The log was closed.</summary>
    Closed,
}

/// <summary>Why the log stopped, for a person to read. Everything after <paramref name="DurableLsn"/> is not durable.</summary>
public sealed record WalFailure(WalFailureKind Kind, long DurableLsn, string Message, Exception? Cause)
{
    /// <summary>Whether <see cref="WriteAheadLog.TryResume"/> can continue.</summary>
    public bool CanResume => Kind == WalFailureKind.DiskFull;
}
