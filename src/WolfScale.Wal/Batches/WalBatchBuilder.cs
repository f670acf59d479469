using System.Buffers;
using K4os.Compression.LZ4;

namespace WolfScale.Wal;

/// <summary>
/// Collects entries into one batch. Reusable after <see cref="Seal"/>; not thread-safe. A configuration entry is always alone in its batch.
/// </summary>
public sealed class WalBatchBuilder : IDisposable
{
    // Below this LZ4 saves less than its own time and the reader's buffer cost.
    private const int SmallestCompressed = 256;
    private const int LargestSoftLimit = 8 << 20;
    private const int FirstBuffer = 16 << 10;

    private readonly int _maxBytes;
    private readonly int _maxEntries;
    private readonly bool _compress;
    private byte[]? _buffer; // room for the batch header, then the raw body
    private byte[]? _compressed; // room for the batch header, then the compressed body
    private int _length;
    private EntryKind _firstKind;
    private GroupSummaryBuilder _groups;

    /// <param name="maxBytes">A batch is full beyond this many bytes before compression (at most 8 MiB); a single entry may be larger.</param>
    /// <param name="maxEntries">A batch is full at this many entries.</param>
    /// <param name="compress">Whether <see cref="Seal"/> tries LZ4; it keeps the result only where it saves at least an eighth.</param>
    public WalBatchBuilder(int maxBytes = 1 << 20, int maxEntries = 1000, bool compress = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxBytes, LargestSoftLimit);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxEntries, 1);
        _maxBytes = maxBytes;
        _maxEntries = maxEntries;
        _compress = compress;
    }

    /// <summary>Entries so far.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes so far, before compression, without the batch header.</summary>
    public int Bytes => _length;

    /// <summary>Whether nothing has been added.</summary>
    public bool IsEmpty => Count == 0;

    /// <summary>Adds an entry; false when the batch is full (or must not be shared): seal it and add to the next one.</summary>
    /// <exception cref="ArgumentException">The payload is longer than <see cref="WalBatch.MaxPayloadBytes"/>, or flags do not suit the kind.</exception>
    public bool TryAdd(EntryKind kind, EntryFlags flags, EntryKey key, ReadOnlySpan<byte> payload)
    {
        Check(kind, flags, payload.Length);
        int total = EntryBytes.Total(kind, payload.Length);
        if (Count > 0 && (_length + total > _maxBytes || Count == _maxEntries
            || kind == EntryKind.Configuration || _firstKind == EntryKind.Configuration))
            return false;

        if (Count == 0)
            _firstKind = kind;
        Reserve(total);
        EntryBytes.Write(_buffer.AsSpan(WalBatch.HeaderBytes + _length), kind, flags, key, payload);
        _groups.Add(kind, flags, key);
        _length += total;
        Count++;
        return true;
    }

    /// <summary>Compresses and checksums what was added, and empties the builder.</summary>
    /// <exception cref="InvalidOperationException">Nothing was added.</exception>
    public SealedBatch Seal()
    {
        if (Count == 0)
            throw new InvalidOperationException("An empty batch cannot be sealed.");
        int body = _compress && _length >= SmallestCompressed ? Compress() : 0;
        bool isCompressed = body > 0;
        if (!isCompressed)
            body = _length;
        byte[] buffer = isCompressed ? HandOver(ref _compressed, body) : HandOver(ref _buffer, body);
        var header = new BatchHeader
        {
            TotalBytes = WalBatch.HeaderBytes + body,
            Count = Count,
            RawBytes = _length,
            Compressed = isCompressed,
            FirstKind = _firstKind,
            BodyCrc = Crc32C.Of(buffer.AsSpan(WalBatch.HeaderBytes, body)),
            Groups = _groups.Finish(),
        };
        Clear();
        return new SealedBatch(buffer, header);
    }

    /// <summary>Drops what was added.</summary>
    public void Clear()
    {
        Count = 0;
        _length = 0;
        _groups = default;
        _firstKind = default;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        Return(ref _buffer);
        Return(ref _compressed);
    }

    private static void Check(EntryKind kind, EntryFlags flags, int payload)
    {
        if (payload > WalBatch.MaxPayloadBytes)
            throw new ArgumentException($"An entry of {payload} bytes is too long; split the group over entries of at most {WalBatch.MaxPayloadBytes}.");
        if (kind is < EntryKind.NoOp or > EntryKind.Group)
            throw new ArgumentException($"{kind} is not a kind of entry.");
        if (kind != EntryKind.Group && flags != EntryFlags.None)
            throw new ArgumentException($"A {kind} entry has no place in a group, so no flags.");
    }

    // The length of the compressed body; 0 where it saves less than an eighth, which is not worth the reader's time.
    private int Compress()
    {
        int most = _length - (_length / 8);
        if (_compressed is null || _compressed.Length < WalBatch.HeaderBytes + most)
        {
            Return(ref _compressed);
            _compressed = ArrayPool<byte>.Shared.Rent(WalBatch.HeaderBytes + most);
        }

        int length = LZ4Codec.Encode(_buffer.AsSpan(WalBatch.HeaderBytes, _length), _compressed.AsSpan(WalBatch.HeaderBytes, most), LZ4Level.L00_FAST);
        return Math.Max(0, length);
    }

    // A buffer that the batch keeps: this one where it is about full, else a copy of the right size, because batches live in memory for a while
    // and most of them are small.
    private static byte[] HandOver(ref byte[]? buffer, int body)
    {
        byte[] whole = buffer!;
        int needed = WalBatch.HeaderBytes + body;
        if (whole.Length <= 2 * needed)
        {
            buffer = null;
            return whole;
        }

        byte[] fitting = ArrayPool<byte>.Shared.Rent(needed);
        whole.AsSpan(WalBatch.HeaderBytes, body).CopyTo(fitting.AsSpan(WalBatch.HeaderBytes));
        return fitting;
    }

    private static void Return(ref byte[]? buffer)
    {
        if (buffer is not null)
            ArrayPool<byte>.Shared.Return(buffer);
        buffer = null;
    }

    private void Reserve(int more)
    {
        int needed = WalBatch.HeaderBytes + _length + more;
        if (_buffer is not null && _buffer.Length >= needed)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, _buffer is null ? FirstBuffer : _buffer.Length * 2));
        if (_buffer is not null)
        {
            _buffer.AsSpan(0, WalBatch.HeaderBytes + _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = larger;
    }
}
