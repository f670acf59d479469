using System.Buffers;
using System.Buffers.Binary;
using WolfScale.Cluster.Wire;

namespace WolfScale.Cluster.Transport;

/// <summary>
/// Cuts a byte stream into frames. A frame's length is held against the limit of its kind and of the connection's stage before anything
/// is allocated; a frame that fits the buffer is handed out in place.
/// </summary>
internal sealed class FrameReader(Stream stream, int bufferBytes = 64 * 1024) : IDisposable
{
    private const int HeaderBytes = FrameFormat.LengthBytes + 1;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(bufferBytes);
    private byte[] _large = [];
    private int _from;
    private int _to;

    /// <summary>Longest frame accepted, in bytes, of any kind but AppendRequest.</summary>
    public int MaxBytes { get; set; } = FrameFormat.MaxUnauthenticatedBytes;

    /// <summary>Longest AppendRequest accepted, in bytes.</summary>
    public int MaxAppendBytes { get; set; } = FrameFormat.MaxUnauthenticatedBytes;

    /// <summary>Whether a whole frame is in the buffer already.</summary>
    public bool HasFrame =>
        _to - _from >= HeaderBytes && _to - _from - FrameFormat.LengthBytes >= BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_from));

    /// <summary>Reads the next frame. The payload is valid until the next call.</summary>
    /// <returns>False when the peer has closed the connection between two frames.</returns>
    /// <exception cref="WireFormatException">The frame breaks a limit or is cut off.</exception>
    public bool Read(out FrameKind kind, out ReadOnlySpan<byte> payload)
    {
        ReleaseLarge();
        kind = default;
        payload = default;
        if (!Fill(HeaderBytes))
            return false;
        kind = (FrameKind)_buffer[_from + FrameFormat.LengthBytes];
        var length = FrameFormat.Length(_buffer.AsSpan(_from), kind == FrameKind.AppendRequest ? MaxAppendBytes : MaxBytes);
        var total = FrameFormat.LengthBytes + length;
        if (total <= _buffer.Length)
        {
            if (!Fill(total))
                throw new WireFormatException("the connection ended inside a frame");
            payload = _buffer.AsSpan(_from + HeaderBytes, length - 1);
            _from += total;
            return true;
        }
        payload = ReadLarge(length - 1);
        return true;
    }

    /// <summary>Reads exactly so many bytes that stand outside of frames (the preamble).</summary>
    public ReadOnlySpan<byte> ReadRaw(int count)
    {
        if (!Fill(count))
            throw new WireFormatException("the connection ended before the first frame");
        var raw = _buffer.AsSpan(_from, count);
        _from += count;
        return raw;
    }

    public void Dispose()
    {
        ReleaseLarge();
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    /// <summary>Makes sure that so many bytes stand at the front of the buffer; false at the end of the stream when nothing was begun.</summary>
    private bool Fill(int count)
    {
        if (_to - _from >= count)
            return true;
        if (_from > 0 && _buffer.Length - _from < count)
        {
            _buffer.AsSpan(_from, _to - _from).CopyTo(_buffer);
            (_from, _to) = (0, _to - _from);
        }
        else if (_from == _to)
        {
            _from = _to = 0;
        }
        while (_to - _from < count)
        {
            var read = stream.Read(_buffer.AsSpan(_to));
            if (read == 0)
                return _to == _from ? false : throw new WireFormatException("the connection ended inside a frame");
            _to += read;
        }
        return true;
    }

    private ReadOnlySpan<byte> ReadLarge(int length)
    {
        _from += HeaderBytes;
        _large = ArrayPool<byte>.Shared.Rent(length);
        var have = _to - _from;
        _buffer.AsSpan(_from, have).CopyTo(_large);
        _from = _to = 0;
        while (have < length)
        {
            var read = stream.Read(_large.AsSpan(have, length - have));
            if (read == 0)
                throw new WireFormatException("the connection ended inside a frame");
            have += read;
        }
        return _large.AsSpan(0, length);
    }

    private void ReleaseLarge()
    {
        if (_large.Length > 0)
            ArrayPool<byte>.Shared.Return(_large);
        _large = [];
    }
}
