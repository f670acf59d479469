using System.Diagnostics.CodeAnalysis;

namespace WolfScale.Wal;

/// <summary>
/// A forward reader over batches, from memory where it can and from the files otherwise. Not thread-safe; any number of them may be open.
/// </summary>
public sealed class WalCursor
{
    private readonly WriteAheadLog _log;
    private long _generation;
    private long? _lastTerm; // of the entry before NextLsn, once one was read

    internal WalCursor(WriteAheadLog log, long firstLsn)
    {
        _log = log;
        _generation = log.Generation;
        NextLsn = firstLsn;
    }

    /// <summary>The LSN that the next batch holds (the first batch read may begin before it: batches are never split).</summary>
    public long NextLsn { get; private set; }

    /// <summary>
    /// Reads the next batch, if it ends at or before <paramref name="throughLsn"/> (a commit LSN: commits stand at batch boundaries).
    /// </summary>
    /// <param name="throughLsn">Read no further than this; <see cref="long.MaxValue"/> for all.</param>
    /// <param name="batch">The batch, with a reference the caller must release.</param>
    /// <returns>False when there is nothing more for now: wait for a commit or an append and ask again.</returns>
    /// <exception cref="WalPrunedException">Retention has deleted it.</exception>
    /// <exception cref="WalDamagedException">It is there and cannot be read.</exception>
    /// <exception cref="InvalidOperationException">The log was cut off before <see cref="NextLsn"/> and what was read is void.</exception>
    public bool TryRead(long throughLsn, [NotNullWhen(true)] out WalBatch? batch)
    {
        batch = null;
        CheckNotCut();
        if (NextLsn > throughLsn)
            return false;
        if (!_log.TryGetBatch(NextLsn, out batch))
        {
            long firstLsn = _log.FirstLsn;
            return NextLsn < firstLsn ? throw new WalPrunedException(NextLsn, firstLsn) : false;
        }

        if (batch.LastLsn > throughLsn)
        {
            batch.Release();
            batch = null;
            return false;
        }

        try
        {
            CheckNotCut(); // meanwhile: then the batch is of another line of history
        }
        catch (InvalidOperationException)
        {
            batch.Release();
            batch = null;
            throw;
        }

        NextLsn = batch.LastLsn + 1;
        _lastTerm = batch.Term;
        return true;
    }

    // The same LSN in the same term is the same entry (Raft §5.3, log matching), so only a change of term shows a cut that matters.
    private void CheckNotCut()
    {
        long generation = _log.Generation;
        if (generation == _generation)
            return;
        if (_lastTerm is { } term && NextLsn - 1 >= _log.FirstLsn && _log.TermAt(NextLsn - 1) != term)
            throw new InvalidOperationException($"The log was cut before LSN {NextLsn}: open a new cursor, what was read after the cut is void.");
        _generation = generation;
    }
}
