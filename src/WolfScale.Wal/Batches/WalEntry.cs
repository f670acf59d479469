namespace WolfScale.Wal;

/// <summary>
/// One entry of a batch. <see cref="Payload"/> points into a pooled buffer: it is valid until the <see cref="EntryReader"/> that gave it
/// is disposed.
/// </summary>
public readonly record struct WalEntry(long Lsn, EntryKind Kind, EntryFlags Flags, EntryKey Key, ReadOnlyMemory<byte> Payload);
