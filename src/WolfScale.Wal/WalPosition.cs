namespace WolfScale.Wal;

/// <summary>A place in the log: an LSN and the term of its entry. LSN 0, term 0 is the place before the first entry there ever was.</summary>
public readonly record struct WalPosition(long Lsn, long Term);

/// <summary>
/// Where a log begins that does not begin at LSN 1: what is known of the entries before its first one. It survives pruning, because
/// each segment's header holds it.
/// </summary>
/// <param name="Before">LSN and term of the entry just before the first one.</param>
/// <param name="Configuration">The newest configuration entry at or before that LSN, or null when there is none.</param>
/// <param name="LastGroup">The last complete group at or before that LSN, or null when there is none: then the cluster's base decides (rule C2).</param>
public sealed record LogStart(WalPosition Before, ConfigurationEntry? Configuration, GroupEnd? LastGroup)
{
    /// <summary>The start of a new cluster's log: its first entry is LSN 1.</summary>
    public static LogStart Empty { get; } = new(default, null, null);
}

/// <summary>A configuration entry: its LSN and the bytes of its payload.</summary>
public sealed record ConfigurationEntry(long Lsn, ReadOnlyMemory<byte> Payload);

/// <summary>A complete group: its GTID and the LSN of its entry with the Last flag.</summary>
public readonly record struct GroupEnd(EntryKey Key, long LastLsn);

/// <summary>Facts of a stored batch, without its body. <paramref name="Bytes"/> is its whole length as stored and sent.</summary>
public readonly record struct WalBatchInfo(long FirstLsn, long LastLsn, long Term, int Bytes, EntryKind FirstKind);

/// <summary>Facts of a segment file, for retention and for <c>wal dump</c>. <paramref name="LastLsn"/> is FirstLsn − 1 when it is empty.</summary>
public readonly record struct WalSegmentInfo(string Path, long FirstLsn, long LastLsn, long Bytes);
