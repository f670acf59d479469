namespace WolfScale.Wal.Files;

/// <summary>Reads a file forward through a buffer, so that walking over many small batches costs few system calls.</summary>
internal sealed class FileWindow(IWalFile file, int chunkBytes)
{
    private byte[] _buffer = new byte[chunkBytes];
    private long _start;
    private int _length;

    /// <summary>The bytes at <paramref name="offset"/>: as many as asked for, or fewer where the file ends. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Read(long offset, int count)
    {
        if (offset < _start || offset + count > _start + _length)
            Fill(offset, count);
        int from = (int)(offset - _start);
        return from >= _length ? [] : _buffer.AsSpan(from, Math.Min(count, _length - from));
    }

    private void Fill(long offset, int count)
    {
        if (_buffer.Length < count)
            _buffer = new byte[count];
        _start = offset;
        _length = file.Read(_buffer, offset);
    }
}
