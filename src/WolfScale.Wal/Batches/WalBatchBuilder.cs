namespace WolfScale.Wal;

/// <summary>
/// Collects entries into one batch. Reusable after <see cref="Seal"/>; not thread-safe. A configuration entry is always alone in its batch.
/// </summary>
public sealed class WalBatchBuilder : IDisposable
{
    /// <param name="maxBytes">A batch is full beyond this many bytes before compression; a single entry may be larger.</param>
    /// <param name="maxEntries">A batch is full at this many entries.</param>
    /// <param name="compress">Whether <see cref="Seal"/> tries LZ4; it keeps the result only where it saves something.</param>
    public WalBatchBuilder(int maxBytes = 1 << 20, int maxEntries = 1000, bool compress = true) => throw new NotImplementedException();

    /// <summary>Entries so far.</summary>
    public int Count => throw new NotImplementedException();

    /// <summary>Bytes so far, before compression, without the batch header.</summary>
    public int Bytes => throw new NotImplementedException();

    /// <summary>Whether nothing has been added.</summary>
    public bool IsEmpty => throw new NotImplementedException();

    /// <summary>Adds an entry; false when the batch is full (or must not be shared): seal it and add to the next one.</summary>
    /// <exception cref="ArgumentException">The payload is longer than <see cref="WalBatch.MaxPayloadBytes"/>, or flags do not suit the kind.</exception>
    public bool TryAdd(EntryKind kind, EntryFlags flags, EntryKey key, ReadOnlySpan<byte> payload) => throw new NotImplementedException();

    /// <summary>Compresses and checksums what was added, and empties the builder.</summary>
    /// <exception cref="InvalidOperationException">Nothing was added.</exception>
    public SealedBatch Seal() => throw new NotImplementedException();

    /// <summary>Drops what was added.</summary>
    public void Clear() => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
