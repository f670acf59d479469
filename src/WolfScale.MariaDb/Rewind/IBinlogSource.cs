using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb.Rewind;

/// <summary>A piece of an event: an event may be 1 GiB long, and arrives in chunks of at most 16 MiB.</summary>
/// <param name="Header">The event's header.</param>
/// <param name="Bytes">The chunk; the first one begins with the header. Valid until the next chunk is asked for.</param>
/// <param name="IsFirst">The event begins here.</param>
/// <param name="IsLast">The event ends here.</param>
internal readonly record struct BinlogChunk(EventHeader Header, ReadOnlyMemory<byte> Bytes, bool IsFirst, bool IsLast)
{
    public bool IsWhole => IsFirst && IsLast;
}

/// <summary>The server's own binlog, read the way a replica reads it.</summary>
internal interface IBinlogSource
{
    /// <summary>The binlog files, oldest first.</summary>
    IReadOnlyList<string> Files { get; }

    /// <summary>
    /// Every event from the beginning of <paramref name="file"/> to the end of the binlog, over all later files, as it stands there: with its
    /// checksum, where its file has checksums. Begins with the FORMAT_DESCRIPTION; artificial events are left out.
    /// Blocks while it reads: call it on a thread that may.
    /// </summary>
    IEnumerable<BinlogChunk> Read(string file, CancellationToken cancellationToken);
}
