using System.Diagnostics.CodeAnalysis;

namespace WolfScale.Wal;

/// <summary>
/// A forward reader over batches, from memory where it can and from the files otherwise. Not thread-safe; any number of them may be open.
/// </summary>
public sealed class WalCursor
{
    internal WalCursor() => throw new NotImplementedException();

    /// <summary>The LSN that the next batch holds (the first batch read may begin before it: batches are never split).</summary>
    public long NextLsn => throw new NotImplementedException();

    /// <summary>
    /// Reads the next batch, if it ends at or before <paramref name="throughLsn"/> (a commit LSN: commits stand at batch boundaries).
    /// </summary>
    /// <param name="throughLsn">Read no further than this; <see cref="long.MaxValue"/> for all.</param>
    /// <param name="batch">The batch, with a reference the caller must release.</param>
    /// <returns>False when there is nothing more for now: wait for a commit or an append and ask again.</returns>
    /// <exception cref="WalPrunedException">Retention has deleted it.</exception>
    /// <exception cref="WalDamagedException">It is there and cannot be read.</exception>
    /// <exception cref="InvalidOperationException">The log was cut off before <see cref="NextLsn"/> and what was read is void.</exception>
    public bool TryRead(long throughLsn, [NotNullWhen(true)] out WalBatch? batch) => throw new NotImplementedException();
}
