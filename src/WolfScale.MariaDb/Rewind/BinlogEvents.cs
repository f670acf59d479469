using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb.Rewind;

/// <summary>Keeps track of what surrounds the events of a binlog: the checksum in force, the group they belong to.</summary>
internal struct BinlogEvents()
{
    private GroupTracker _groups;

    /// <summary>Bytes at the end of every event: 4 under CRC32, else 0.</summary>
    public int ChecksumBytes { get; private set; } = EventChecksum.Size;

    public readonly GtidFlags Flags => _groups.Flags;

    public readonly Protocol.Gtid Gtid => _groups.Gtid;

    /// <summary>The event's body, or the beginning of it where the chunk is not the whole event.</summary>
    public readonly ReadOnlySpan<byte> Body(in BinlogChunk chunk) =>
        chunk.Bytes.Span[EventHeader.Size..(chunk.IsWhole ? ^ChecksumBytes : ^0)];

    /// <summary>Takes the first chunk of the next event.</summary>
    public GroupStep Observe(in BinlogChunk chunk)
    {
        if (chunk.Header.Type == EventType.FormatDescription)
        {
            // The event itself always ends in four checksum bytes, whatever it announces.
            ChecksumBytes = FormatDescriptionEvent.Read(chunk.Bytes.Span[EventHeader.Size..^EventChecksum.Size]).Checksum == ChecksumAlgorithm.Crc32
                ? EventChecksum.Size
                : 0;
        }

        return _groups.Observe(chunk.Header, chunk.Header.Type == EventType.FormatDescription ? default : Body(chunk));
    }
}
