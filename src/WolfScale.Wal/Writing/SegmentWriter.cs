using WolfScale.Wal.Files;
using WolfScale.Wal.Segments;

namespace WolfScale.Wal.Writing;

/// <summary>
/// Appends to the newest segment file. Small batches are gathered in a buffer so that a group costs one write; space is filled with
/// zeros ahead of the end, so that most syncs find the file's length and blocks unchanged and cost no journal commit.
/// Not thread-safe: the log's one writer has it.
/// </summary>
internal sealed class SegmentWriter : IDisposable
{
    /// <summary>Length of the buffer in which small batches are gathered.</summary>
    public const int GatherBytes = 256 << 10;

    private const int DirectWriteBytes = 64 << 10;
    private static readonly byte[] Zeros = new byte[256 << 10];

    private readonly IWalFile _file;
    private readonly byte[] _gather;
    private readonly int _zeroAhead;
    private readonly long _segmentBytes;
    private int _gathered;
    private long _position; // where the next byte of the present group goes, once gathered bytes are written
    private long _zeroedEnd;

    /// <param name="segment">The newest segment.</param>
    /// <param name="file">Its file.</param>
    /// <param name="gather">A buffer of <see cref="GatherBytes"/> to use.</param>
    /// <param name="options">Segment size and zeros ahead.</param>
    public SegmentWriter(Segment segment, IWalFile file, byte[] gather, WalOptions options)
    {
        Segment = segment;
        _file = file;
        _gather = gather;
        _zeroAhead = options.ZeroAheadBytes;
        _segmentBytes = options.SegmentBytes;
        End = segment.End;
        _position = End;
        _zeroedEnd = End;
    }

    public Segment Segment { get; }

    /// <summary>Offset after the last committed group.</summary>
    public long End { get; private set; }

    /// <summary>Begins a group of batches.</summary>
    public void Begin(Frame frame)
    {
        _position = End;
        _gathered = 0;
        Span<byte> target = _gather.AsSpan(0, Frame.Bytes);
        frame.Write(target, Segment.Header.Salt, _position);
        _gathered = Frame.Bytes;
    }

    /// <summary>Adds a batch to the group; returns its offset.</summary>
    public long Append(ReadOnlySpan<byte> batch)
    {
        if (_gathered + batch.Length > GatherBytes)
            WriteGathered();
        long offset = _position + _gathered;
        if (batch.Length > DirectWriteBytes)
        {
            WriteGathered();
            _file.Write(batch, _position);
            _position += batch.Length;
        }
        else
        {
            batch.CopyTo(_gather.AsSpan(_gathered));
            _gathered += batch.Length;
        }

        return offset;
    }

    /// <summary>Writes what is gathered, and zeros ahead of it where they have been used up.</summary>
    public void Finish()
    {
        WriteGathered();
        if (_position <= _zeroedEnd)
            return;
        long groupBytes = _position - End;
        _zeroedEnd = _position;
        // A large group pays for its own growth; zeros in front of it would double what the disk writes.
        if (groupBytes <= _zeroAhead / 4)
            FillAhead(Math.Min(_position + _zeroAhead, _segmentBytes));
    }

    /// <summary>The group counts: the next one goes after it.</summary>
    public void Commit() => End = _position;

    /// <summary>fdatasync.</summary>
    public void SyncData() => _file.SyncData();

    /// <summary>Cuts the file to what is committed, durably. Drops what a failed write left, zeros ahead and a footer.</summary>
    public void CutToEnd()
    {
        _gathered = 0;
        _position = End;
        _file.SetLength(End);
        _zeroedEnd = End;
        _file.Sync();
    }

    /// <summary>Ends the segment: footer instead of zeros, synced.</summary>
    public void Seal()
    {
        byte[] footer = SegmentFooter.Encode(Segment);
        _file.Write(footer, End);
        _file.SetLength(End + footer.Length);
        _file.Sync();
    }

    public void Dispose() => _file.Dispose();

    private void WriteGathered()
    {
        if (_gathered == 0)
            return;
        _file.Write(_gather.AsSpan(0, _gathered), _position);
        _position += _gathered;
        _gathered = 0;
    }

    private void FillAhead(long end)
    {
        try
        {
            while (_zeroedEnd < end)
            {
                int count = (int)Math.Min(Zeros.Length, end - _zeroedEnd);
                _file.Write(Zeros.AsSpan(0, count), _zeroedEnd);
                _zeroedEnd += count;
            }
        }
        catch (PosixException e) when (e.IsDiskFull)
        {
            // Only speed is lost: the batches themselves are written. The next group finds out whether the disk is full for them too.
        }
    }
}
