using WolfScale.Wal;

namespace WolfScale.Server.Http.Data.Committed;

/// <summary>Reads the log forward until a group holds some bytes. A group may be in several entries, and the bytes on both sides of a cut.</summary>
/// <param name="cursor">Where it begins.</param>
/// <param name="mark">The bytes.</param>
/// <param name="limit">Bytes of payload after which it gives up.</param>
internal sealed class MarkSearch(WalCursor cursor, byte[] mark, long limit)
{
    private readonly byte[] _seam = new byte[2 * (mark.Length - 1)];
    private int _tail; // bytes of the entry before, at the beginning of the seam
    private long _read;
    private bool _isInside; // this group holds them, and its last entry is still to come

    public bool GivesUp => _read > limit;

    /// <param name="throughLsn">Not further.</param>
    /// <returns>The group's GTID and last LSN; null where it was not found up to there.</returns>
    public (EntryKey Key, long Lsn)? Go(long throughLsn)
    {
        while (!GivesUp && cursor.TryRead(throughLsn, out var batch))
        {
            try
            {
                using var entries = batch.Entries();
                while (entries.MoveNext())
                {
                    if (Take(entries.Current))
                        return (entries.Current.Key, entries.Current.Lsn);
                }
            }
            finally
            {
                batch.Release();
            }
        }

        return null;
    }

    private bool Take(WalEntry entry)
    {
        if (entry.Kind != EntryKind.Group)
            return false;
        if ((entry.Flags & EntryFlags.First) != 0)
            (_isInside, _tail) = (false, 0);
        var payload = entry.Payload.Span;
        _read += payload.Length;
        if (!_isInside)
        {
            var head = Math.Min(payload.Length, mark.Length - 1);
            payload[..head].CopyTo(_seam.AsSpan(_tail));
            _isInside = _seam.AsSpan(0, _tail + head).IndexOf(mark) >= 0 || payload.IndexOf(mark) >= 0;
            _tail = Math.Min(payload.Length, mark.Length - 1);
            payload[^_tail..].CopyTo(_seam);
        }

        return _isInside && (entry.Flags & EntryFlags.Last) != 0;
    }
}
