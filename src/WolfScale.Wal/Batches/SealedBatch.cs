namespace WolfScale.Wal;

/// <summary>
/// A finished batch whose LSN and term are not assigned yet. <see cref="Assign"/> may be called once; dispose it where it never is.
/// </summary>
public sealed class SealedBatch : IDisposable
{
    /// <summary>Its entries.</summary>
    public int Count => throw new NotImplementedException();

    /// <summary>Its whole length as stored and sent, header included.</summary>
    public int Bytes => throw new NotImplementedException();

    /// <summary>The kind of its first entry.</summary>
    public EntryKind FirstKind => throw new NotImplementedException();

    /// <summary>Gives it its place in the log: patches the header and its checksum, without touching the body. The caller owns the result's one reference.</summary>
    public WalBatch Assign(long firstLsn, long term) => throw new NotImplementedException();

    /// <summary>Returns the buffer, unless the batch was assigned.</summary>
    public void Dispose() => throw new NotImplementedException();
}
