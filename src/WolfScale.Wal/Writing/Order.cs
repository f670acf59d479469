using WolfScale.Wal.Segments;

namespace WolfScale.Wal.Writing;

/// <summary>What the writer has to do next: append a batch (it holds a reference), or cut.</summary>
internal readonly record struct Order(WalBatch? Batch, Cut? Cut);

/// <summary>A truncation, or with <paramref name="IsReset"/> a log that begins anew.</summary>
internal sealed record Cut(LogState After, long Generation, bool IsReset);
