using System.Buffers.Binary;
using System.Text;

namespace WolfScale.Cluster.Wire;

/// <summary>
/// Builds one frame after another in a buffer that is reused: no allocation once it has grown to the largest frame. Not thread-safe.
/// </summary>
internal sealed class WireWriter(int capacity = 512)
{
    private byte[] _buffer = new byte[capacity];
    private int _length;

    public int Length => _length;

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    public void Clear() => _length = 0;

    /// <summary>Starts a frame: a u32 length (filled in by <see cref="EndFrame"/>) and the kind.</summary>
    public void BeginFrame(FrameKind kind)
    {
        _length = 0;
        UInt32(0);
        Byte((byte)kind);
    }

    /// <summary>
    /// Writes the frame's length, counting <paramref name="following"/> bytes that the caller sends right after this buffer
    /// (batches as they are stored).
    /// </summary>
    public void EndFrame(int following = 0) =>
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer, (uint)(_length - FrameFormat.LengthBytes + following));

    public void Byte(byte value) => Reserve(1)[0] = value;

    public void Flag(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Reserve(2), value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Reserve(4), value);

    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Reserve(8), value);

    public void Position(long value) => BinaryPrimitives.WriteInt64LittleEndian(Reserve(8), value);

    public void Guid(Guid value) => value.TryWriteBytes(Reserve(16));

    /// <summary>Text with its length; what does not fit into <paramref name="maxBytes"/> is cut off at a character.</summary>
    public void Text(string value, int maxBytes)
    {
        value = Utf8Text.Limit(value, maxBytes);
        var bytes = Utf8Text.ByteCount(value);
        UInt16((ushort)bytes);
        Encoding.UTF8.GetBytes(value, Reserve(bytes));
    }

    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Reserve(value.Length));

    private Span<byte> Reserve(int count)
    {
        if (_length + count > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + count));
        var span = _buffer.AsSpan(_length, count);
        _length += count;
        return span;
    }
}
