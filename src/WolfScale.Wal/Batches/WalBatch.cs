using System.Buffers;

namespace WolfScale.Wal;

/// <summary>
/// The unit of append, compression, checksum, sync and transfer: entries with consecutive LSNs of one term. Immutable; encoded exactly as on
/// disk and on the wire; in a pooled buffer that is returned with the last reference. Reading a released batch throws.
/// </summary>
public sealed class WalBatch
{
    /// <summary>Length of the header in bytes.</summary>
    public const int HeaderBytes = 128;

    /// <summary>The longest payload of one entry. Larger groups are split over entries (by convention of at most 1 MiB).</summary>
    public const int MaxPayloadBytes = 8 << 20;

    /// <summary>The longest batch there can be, header included.</summary>
    public const int MaxTotalBytes = 24 << 20;

    private readonly object _owner; // a pooled byte[], or an IMemoryOwner
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly BatchHeader _header;
    private int _references = 1;

    internal WalBatch(object owner, ReadOnlyMemory<byte> bytes, in BatchHeader header)
    {
        _owner = owner;
        _bytes = bytes;
        _header = header;
    }

    /// <summary>LSN of the first entry.</summary>
    public long FirstLsn => _header.FirstLsn;

    /// <summary>LSN of the last entry.</summary>
    public long LastLsn => _header.LastLsn;

    /// <summary>Term of all its entries.</summary>
    public long Term => _header.Term;

    /// <summary>Number of entries.</summary>
    public int Count => _header.Count;

    /// <summary>Kind of the first entry. <see cref="EntryKind.Configuration"/>: it is the only one.</summary>
    public EntryKind FirstKind => _header.FirstKind;

    /// <summary>Header and body. Valid while a reference is held.</summary>
    /// <exception cref="ObjectDisposedException">The last reference was released: this is a bug in the caller.</exception>
    public ReadOnlyMemory<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _references) <= 0, this);
            return _bytes;
        }
    }

    /// <summary>The facts of it.</summary>
    public WalBatchInfo Info => _header.Info;

    internal ref readonly BatchHeader Header => ref _header;

    /// <summary>Bytes of memory that it holds on to.</summary>
    internal int Capacity => _owner is byte[] pooled ? pooled.Length : _bytes.Length;

    /// <summary>Adds a reference.</summary>
    /// <exception cref="ObjectDisposedException">There was none left to share.</exception>
    public WalBatch Retain()
    {
        int seen = Volatile.Read(ref _references);
        while (true)
        {
            ObjectDisposedException.ThrowIf(seen <= 0, this);
            int before = Interlocked.CompareExchange(ref _references, seen + 1, seen);
            if (before == seen)
                return this;
            seen = before;
        }
    }

    /// <summary>Drops a reference; the last one returns the buffer.</summary>
    /// <exception cref="InvalidOperationException">It was released more often than retained.</exception>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        if (left > 0)
            return;
        if (left < 0)
            throw new InvalidOperationException($"Batch {FirstLsn}–{LastLsn} was released more often than retained.");
        if (_owner is byte[] pooled)
            ArrayPool<byte>.Shared.Return(pooled);
        else
            ((IDisposable)_owner).Dispose();
    }

    /// <summary>Copies and checks a batch: magic, lengths, both checksums.</summary>
    /// <exception cref="WalFormatException">It is not a batch.</exception>
    public static WalBatch Parse(ReadOnlySpan<byte> bytes)
    {
        BatchHeader header = CheckAll(bytes);
        byte[] copy = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(copy);
        return new WalBatch(copy, copy.AsMemory(0, bytes.Length), header);
    }

    /// <summary>The same without a copy: takes over the first <paramref name="length"/> bytes of the buffer (and disposes it on failure too).</summary>
    /// <exception cref="WalFormatException">It is not a batch.</exception>
    public static WalBatch Parse(IMemoryOwner<byte> owner, int length)
    {
        ArgumentNullException.ThrowIfNull(owner);
        try
        {
            ReadOnlyMemory<byte> bytes = owner.Memory[..length];
            return new WalBatch(owner, bytes, CheckAll(bytes.Span));
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    /// <summary>
    /// For readers of a stream: checks the header in the first <see cref="HeaderBytes"/> bytes and returns the whole batch's length, at
    /// most <paramref name="maxBytes"/>, before anything is allocated for it.
    /// </summary>
    /// <exception cref="WalFormatException">It is not a batch's header, or the batch is longer.</exception>
    public static int TotalLength(ReadOnlySpan<byte> header, int maxBytes = MaxTotalBytes)
    {
        if (!BatchHeader.TryRead(header, out BatchHeader decoded, out string problem))
            throw new WalFormatException($"Not a log batch: {problem}.");
        if (decoded.TotalBytes > maxBytes)
            throw new WalFormatException($"A log batch of {decoded.TotalBytes} bytes is longer than the {maxBytes} allowed here.");
        return decoded.TotalBytes;
    }

    /// <summary>Reads the entries. Holds a reference of its own, and a decompressed copy where the body is compressed, until it is disposed.</summary>
    /// <exception cref="WalFormatException">The body does not decompress to the length its header says.</exception>
    public EntryReader Entries() => new(this);

    /// <summary>Takes over a pooled array that holds a batch of exactly that length; returns null, with the reason, when it is not one.</summary>
    internal static WalBatch? TryAdopt(byte[] pooled, int length, out string problem)
    {
        if (BatchHeader.TryRead(pooled.AsSpan(0, length), out BatchHeader header, out problem) && CheckBody(pooled.AsSpan(0, length), header, out problem))
            return new WalBatch(pooled, pooled.AsMemory(0, length), header);
        return null;
    }

    /// <summary>Whether the bytes are one whole batch with that header and a body that matches its checksum.</summary>
    internal static bool CheckBody(ReadOnlySpan<byte> bytes, in BatchHeader header, out string problem)
    {
        problem = bytes.Length != header.TotalBytes ? "the batch is cut short"
            : Crc32C.Of(bytes[HeaderBytes..]) != header.BodyCrc ? "the batch body's checksum is wrong"
            : "";
        return problem.Length == 0;
    }

    private static BatchHeader CheckAll(ReadOnlySpan<byte> bytes)
    {
        if (!BatchHeader.TryRead(bytes, out BatchHeader header, out string problem) || !CheckBody(bytes, header, out problem))
            throw new WalFormatException($"Not a log batch: {problem}.");
        return header;
    }
}
