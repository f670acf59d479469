using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb;

/// <summary>
/// Where the stream of one connection stands: file and 64-bit position. Headers hold 32 bits of it; a file with a large transaction passes
/// 4 GiB, and an ACK with a truncated position would release nothing, one that is too high would release commits nobody holds yet.
/// </summary>
internal struct BinlogPosition
{
    private const long Wrap = 1L << 32;

    /// <summary>File name, as an ACK must give it; empty before the first ROTATE. A new array for each file: ACKs that wait keep theirs.</summary>
    public byte[] FileName { readonly get; private set; } = [];

    /// <summary>End of the last event of a group, in bytes from the beginning of the file.</summary>
    public long Offset { readonly get; private set; }

    public BinlogPosition()
    {
    }

    /// <summary>An artificial ROTATE: what follows is from this file.</summary>
    public void Rotate(in RotateEvent rotate)
    {
        FileName = rotate.FileName.ToArray();
        Offset = (long)rotate.Position;
    }

    /// <summary>
    /// A group's event. Events of a group stand next to each other in the file, so that the length says where this one ends; before a group
    /// something may have been left out, and the next place with these 32 bits is taken. <see cref="Correct"/> repairs what that gets wrong.
    /// </summary>
    public void Advance(in EventHeader header)
    {
        var next = Offset + header.EventLength;
        if ((uint)next != header.LogPosition)
        {
            next = (Offset & -Wrap) | header.LogPosition;
            if (next < Offset)
                next += Wrap;
        }

        Offset = next;
    }

    /// <summary>
    /// A heartbeat says with 64 bits where the server is. Where the dump began behind a transaction of more than 4 GiB, that is a multiple of
    /// 4 GiB more than was counted here.
    /// </summary>
    /// <returns>By how much every position of this file that was given out on this connection was too low; 0 when all is well, negative when too high.</returns>
    public long Correct(in HeartbeatEvent heartbeat)
    {
        if (!heartbeat.FileName.SequenceEqual(FileName))
            return 0;
        var off = heartbeat.Position - Offset;
        if (off < 0)
            return off;
        var missed = off & -Wrap;
        Offset += missed;
        return missed;
    }
}
