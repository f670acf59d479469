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

    private WalBatch() => throw new NotImplementedException();

    /// <summary>LSN of the first entry.</summary>
    public long FirstLsn => throw new NotImplementedException();

    /// <summary>LSN of the last entry.</summary>
    public long LastLsn => throw new NotImplementedException();

    /// <summary>Term of all its entries.</summary>
    public long Term => throw new NotImplementedException();

    /// <summary>Number of entries.</summary>
    public int Count => throw new NotImplementedException();

    /// <summary>Kind of the first entry. <see cref="EntryKind.Configuration"/>: it is the only one.</summary>
    public EntryKind FirstKind => throw new NotImplementedException();

    /// <summary>Header and body. Valid while a reference is held.</summary>
    public ReadOnlyMemory<byte> Bytes => throw new NotImplementedException();

    /// <summary>The facts of it.</summary>
    public WalBatchInfo Info => throw new NotImplementedException();

    /// <summary>Adds a reference.</summary>
    public WalBatch Retain() => throw new NotImplementedException();

    /// <summary>Drops a reference; the last one returns the buffer.</summary>
    public void Release() => throw new NotImplementedException();

    /// <summary>Copies and checks a batch: magic, lengths, both checksums, and that the entries fill the body exactly.</summary>
    /// <exception cref="WalFormatException">It is not a batch.</exception>
    public static WalBatch Parse(ReadOnlySpan<byte> bytes) => throw new NotImplementedException();

    /// <summary>The same without a copy: takes over the first <paramref name="length"/> bytes of the buffer (and disposes it on failure too).</summary>
    /// <exception cref="WalFormatException">It is not a batch.</exception>
    public static WalBatch Parse(IMemoryOwner<byte> owner, int length) => throw new NotImplementedException();

    /// <summary>
    /// For readers of a stream: checks the header in the first <see cref="HeaderBytes"/> bytes and returns the whole batch's length, at
    /// most <paramref name="maxBytes"/>, before anything is allocated for it.
    /// </summary>
    /// <exception cref="WalFormatException">It is not a batch's header, or the batch is longer.</exception>
    public static int TotalLength(ReadOnlySpan<byte> header, int maxBytes = MaxTotalBytes) => throw new NotImplementedException();

    /// <summary>Reads the entries. Holds a reference of its own, and a decompressed copy where the body is compressed, until it is disposed.</summary>
    public EntryReader Entries() => throw new NotImplementedException();
}
