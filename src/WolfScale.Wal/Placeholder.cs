namespace WolfScale.Wal;

/// <summary>The GTID of a group entry.</summary>
public readonly record struct EntryKey(uint Domain, uint ServerId, ulong Sequence);

/// <summary>A forward reader of the log.</summary>
public sealed class WalCursor;

/// <summary>A batch whose LSN and term are not assigned yet.</summary>
public sealed class SealedBatch;
