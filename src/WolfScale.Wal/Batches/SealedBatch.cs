using System.Buffers;

namespace WolfScale.Wal;

/// <summary>
/// A finished batch whose LSN and term are not assigned yet. <see cref="Assign"/> may be called once; dispose it where it never is.
/// </summary>
public sealed class SealedBatch : IDisposable
{
    private byte[]? _buffer;
    private BatchHeader _header;

    internal SealedBatch(byte[] buffer, in BatchHeader header)
    {
        _buffer = buffer;
        _header = header;
    }

    /// <summary>Its entries.</summary>
    public int Count => _header.Count;

    /// <summary>Its whole length as stored and sent, header included.</summary>
    public int Bytes => _header.TotalBytes;

    /// <summary>The kind of its first entry.</summary>
    public EntryKind FirstKind => _header.FirstKind;

    /// <summary>Gives it its place in the log: writes the header, without touching the body. The caller owns the result's one reference.</summary>
    /// <exception cref="InvalidOperationException">It has a place already, or was disposed.</exception>
    public WalBatch Assign(long firstLsn, long term)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(firstLsn, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(term);
        byte[] buffer = Interlocked.Exchange(ref _buffer, null)
            ?? throw new InvalidOperationException("This batch was assigned or disposed already.");
        _header.FirstLsn = firstLsn;
        _header.Term = term;
        _header.Write(buffer);
        return new WalBatch(buffer, buffer.AsMemory(0, _header.TotalBytes), _header);
    }

    /// <summary>Returns the buffer, unless the batch was assigned.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
            ArrayPool<byte>.Shared.Return(buffer);
    }
}
