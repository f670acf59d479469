using System.Buffers.Binary;
using System.IO.Hashing;

namespace WolfScale.Protocol.Binlog;

/// <summary>
/// The checksum of an event that passes by in pieces of any size. The event's last four bytes are kept apart: they are the checksum itself.
/// One object serves event after event; nothing is allocated for each.
/// </summary>
public sealed class StreamingChecksum
{
    private readonly Crc32 _crc = new();
    private readonly byte[] _tail = new byte[EventChecksum.Size];
    private long _remaining;

    /// <summary>Whether the event's checksum is right; asked when all of it has passed.</summary>
    public bool IsValid => _remaining == 0 && BinaryPrimitives.ReadUInt32LittleEndian(_tail) == _crc.GetCurrentHashAsUInt32();

    /// <summary>The checksum of what has passed, without the last four bytes.</summary>
    public uint Value => _crc.GetCurrentHashAsUInt32();

    /// <summary>Starts with the next event.</summary>
    /// <param name="eventLength">Its length with header and checksum.</param>
    public void Start(long eventLength)
    {
        _remaining = eventLength;
        _crc.Reset();
    }

    /// <summary>Takes the next bytes of the event.</summary>
    /// <returns>How many of them stand before the checksum.</returns>
    public int Append(ReadOnlySpan<byte> piece)
    {
        var content = (int)Math.Clamp(_remaining - EventChecksum.Size, 0, piece.Length);
        _crc.Append(piece[..content]);
        for (var i = content; i < piece.Length; i++)
            _tail[EventChecksum.Size - (int)(_remaining - i)] = piece[i];
        _remaining -= piece.Length;
        return content;
    }
}
