using System.Buffers.Binary;
using System.Text;

namespace WolfScale.Protocol;

/// <summary>
/// Builds packets, one after the other, in one growing buffer: <see cref="Begin"/>, fields, <see cref="End"/>. Reused between exchanges, so
/// that nothing is allocated once it has its size. Not thread-safe.
/// </summary>
public sealed class PacketWriter
{
    private byte[] _buffer = new byte[512];
    private int _length;
    private int _packetStart = -1;

    /// <summary>Sequence number of the next packet. Set to 0 where a new command begins, or to the other side's last one plus 1.</summary>
    public byte Sequence { get; set; }

    /// <summary>The finished packets, headers included.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _packetStart < 0 ? _length : _packetStart);

    /// <summary>Forgets what was written; keeps buffer and sequence number.</summary>
    public void Clear()
    {
        _length = 0;
        _packetStart = -1;
    }

    /// <summary>Starts a packet.</summary>
    public PacketWriter Begin()
    {
        if (_packetStart >= 0)
            throw new InvalidOperationException("The previous packet was not ended.");
        _packetStart = _length;
        _ = Reserve(PacketHeader.Size);
        return this;
    }

    /// <summary>Ends the packet: its header gets length and sequence number; what is longer than 16 MiB − 1 is split.</summary>
    public void End()
    {
        if (_packetStart < 0)
            throw new InvalidOperationException("No packet was begun.");
        var start = _packetStart;
        while (true)
        {
            var length = _length - start - PacketHeader.Size;
            var chunk = Math.Min(length, PacketHeader.MaxPayload);
            new PacketHeader(chunk, Sequence++).Write(_buffer.AsSpan(start));
            if (chunk < PacketHeader.MaxPayload)
                break;
            start += PacketHeader.Size + chunk;
            var rest = _length - start;
            _ = Reserve(PacketHeader.Size);
            _buffer.AsSpan(start, rest).CopyTo(_buffer.AsSpan(start + PacketHeader.Size));
        }

        _packetStart = -1;
    }

    public PacketWriter Byte(byte value)
    {
        Reserve(1)[0] = value;
        return this;
    }

    public PacketWriter UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(Reserve(2), value);
        return this;
    }

    public PacketWriter UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Reserve(4), value);
        return this;
    }

    public PacketWriter UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Reserve(8), value);
        return this;
    }

    public PacketWriter Zeros(int count)
    {
        Reserve(count).Clear();
        return this;
    }

    public PacketWriter Bytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Reserve(value.Length));
        return this;
    }

    /// <summary>UTF-8 text without an end mark.</summary>
    public PacketWriter Text(ReadOnlySpan<char> value)
    {
        _ = Encoding.UTF8.GetBytes(value, Reserve(Encoding.UTF8.GetByteCount(value)));
        return this;
    }

    /// <summary>UTF-8 text and a NUL.</summary>
    public PacketWriter NullTerminated(ReadOnlySpan<char> value) => Text(value).Byte(0);

    public PacketWriter LengthEncodedInteger(ulong value) => value switch
    {
        < 0xFB => Byte((byte)value),
        <= 0xFFFF => Byte(0xFC).UInt16((ushort)value),
        <= 0xFF_FFFF => Byte(0xFD).UInt16((ushort)value).Byte((byte)(value >> 16)),
        _ => Byte(0xFE).UInt64(value),
    };

    public PacketWriter LengthEncodedBytes(ReadOnlySpan<byte> value) => LengthEncodedInteger((ulong)value.Length).Bytes(value);

    /// <summary>UTF-8 text with its length before it.</summary>
    public PacketWriter LengthEncodedText(ReadOnlySpan<char> value) =>
        LengthEncodedInteger((ulong)Encoding.UTF8.GetByteCount(value)).Text(value);

    private Span<byte> Reserve(int count)
    {
        if (_buffer.Length - _length < count)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, checked(_length + count)));
        var span = _buffer.AsSpan(_length, count);
        _length += count;
        return span;
    }
}
