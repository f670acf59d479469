namespace WolfScale.Wal;

/// <summary>
/// Walks over the entries of one batch: <c>while (reader.MoveNext()) Use(reader.Current);</c>. Decompresses once, into a pooled buffer.
/// </summary>
public sealed class EntryReader : IDisposable
{
    internal EntryReader() => throw new NotImplementedException();

    /// <summary>The entry last moved to.</summary>
    public WalEntry Current => throw new NotImplementedException();

    /// <summary>Moves to the next entry; false at the end.</summary>
    public bool MoveNext() => throw new NotImplementedException();

    /// <summary>For foreach.</summary>
    public EntryReader GetEnumerator() => this;

    /// <summary>Returns the buffers: the payloads given out are no longer valid.</summary>
    public void Dispose() => throw new NotImplementedException();
}
