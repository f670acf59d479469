using System.Buffers;
using K4os.Compression.LZ4;

namespace WolfScale.Wal;

/// <summary>
/// Walks over the entries of one batch: <c>while (reader.MoveNext()) Use(reader.Current);</c>. Decompresses once, into a pooled buffer.
/// </summary>
public sealed class EntryReader : IDisposable
{
    private readonly long _end;
    private WalBatch? _batch;
    private byte[]? _decompressed;
    private ReadOnlyMemory<byte> _rest;
    private long _nextLsn;

    internal EntryReader(WalBatch batch)
    {
        _batch = batch.Retain();
        _nextLsn = batch.FirstLsn;
        _end = batch.LastLsn + 1;
        ReadOnlyMemory<byte> body = batch.Bytes[WalBatch.HeaderBytes..];
        _rest = batch.Header.Compressed ? Decompress(body.Span, batch.Header.RawBytes) : body;
    }

    /// <summary>The entry last moved to.</summary>
    public WalEntry Current { get; private set; }

    /// <summary>Moves to the next entry; false at the end.</summary>
    /// <exception cref="WalFormatException">The body is not what its header says, although its checksum is right: a bug in its writer.</exception>
    public bool MoveNext()
    {
        ObjectDisposedException.ThrowIf(_batch is null, this);
        if (_nextLsn == _end)
        {
            if (_rest.Length != 0)
                throw new WalFormatException($"Batch {_batch.FirstLsn}–{_batch.LastLsn} has {_rest.Length} bytes after its last entry.");
            return false;
        }

        Current = EntryBytes.Read(ref _rest, _nextLsn);
        _nextLsn++;
        return true;
    }

    /// <summary>For foreach.</summary>
    public EntryReader GetEnumerator() => this;

    /// <summary>Returns the buffers: the payloads given out are no longer valid.</summary>
    public void Dispose()
    {
        _batch?.Release();
        _batch = null;
        _rest = default;
        Current = default;
        if (_decompressed is not null)
            ArrayPool<byte>.Shared.Return(_decompressed);
        _decompressed = null;
    }

    private ReadOnlyMemory<byte> Decompress(ReadOnlySpan<byte> body, int rawBytes)
    {
        _decompressed = ArrayPool<byte>.Shared.Rent(rawBytes);
        if (LZ4Codec.Decode(body, _decompressed.AsSpan(0, rawBytes)) == rawBytes)
            return _decompressed.AsMemory(0, rawBytes);
        WalBatch batch = _batch!;
        Dispose();
        throw new WalFormatException($"The body of batch {batch.FirstLsn}–{batch.LastLsn} does not decompress to {rawBytes} bytes.");
    }
}
