using System.Buffers;

namespace WolfScale.Proxy.Net;

/// <summary>
/// Bytes that were received and could not be used yet, from the pool and only while there are any: an idle connection holds no buffer.
/// </summary>
internal struct HeldBytes
{
    private byte[]? _bytes;
    private int _length;

    public readonly int Length => _length;

    /// <summary>Keeps these; nothing must be held.</summary>
    public void Hold(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        _bytes = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(_bytes);
        _length = bytes.Length;
    }

    /// <summary>Moves what is held to the start of a buffer.</summary>
    /// <returns>Number of bytes.</returns>
    public int TakeInto(Span<byte> buffer)
    {
        if (_bytes is not { } bytes)
            return 0;
        bytes.AsSpan(0, _length).CopyTo(buffer);
        var length = _length;
        Release();
        return length;
    }

    public void Release()
    {
        if (_bytes is { } bytes)
            ArrayPool<byte>.Shared.Return(bytes);
        (_bytes, _length) = (null, 0);
    }
}
