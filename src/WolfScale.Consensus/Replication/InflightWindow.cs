namespace WolfScale.Consensus;

/// <summary>
/// A first-in-first-out ledger of (last LSN, bytes): what was sent, or proposed, and is not acknowledged yet. Grows to its working size
/// once.
/// </summary>
internal sealed class InflightWindow
{
    private (long LastLsn, int Bytes)[] _items = new (long, int)[16];
    private int _head;

    public int Count { get; private set; }

    public long Bytes { get; private set; }

    public void Add(long lastLsn, int bytes)
    {
        if (Count == _items.Length)
            Grow();
        _items[(_head + Count) & (_items.Length - 1)] = (lastLsn, bytes);
        Count++;
        Bytes += bytes;
    }

    /// <summary>Everything up to <paramref name="lsn"/> has arrived.</summary>
    public void FreeThrough(long lsn)
    {
        while (Count > 0 && _items[_head].LastLsn <= lsn)
        {
            Bytes -= _items[_head].Bytes;
            _head = (_head + 1) & (_items.Length - 1);
            Count--;
        }
    }

    public void Clear()
    {
        _head = 0;
        Count = 0;
        Bytes = 0;
    }

    private void Grow()
    {
        var larger = new (long, int)[_items.Length * 2];
        for (int i = 0; i < Count; i++)
            larger[i] = _items[(_head + i) & (_items.Length - 1)];
        _items = larger;
        _head = 0;
    }
}
