using WolfScale.Protocol;
using WolfScale.Proxy.Net;

namespace WolfScale.Unit.Proxy.Fuzzing;

/// <summary>The far end of one of a session's connections, without a thread of its own.</summary>
internal sealed class FuzzPeer(int descriptor) : IDisposable
{
    private readonly byte[] _header = new byte[PacketHeader.Size];
    private byte[] _received = new byte[512];
    private int _start;
    private int _end;
    private int _headerLength;
    private int _bodyLeft;
    private bool _closed;

    /// <summary>It has not heard a login yet.</summary>
    public bool IsNew { get; set; }

    /// <summary>The session has hung up.</summary>
    public bool HasEnded { get; private set; }

    public byte LastSequence { get; private set; }

    /// <summary>Bytes so far.</summary>
    public long Received { get; private set; }

    /// <summary>All that was sent so far is whole packets: found out here, and not as the proxy does it.</summary>
    public bool IsAtBoundary => _bodyLeft == 0 && _headerLength == 0;

    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_closed)
            return;
        foreach (var b in bytes)
            Follow(b);
        var sent = Libc.Send(descriptor, bytes);
        if (sent < 0)
            HasEnded = true;
        else if (sent < bytes.Length)
            Dispose(); // nobody reads: the rest would come out of the blue
    }

    public void Pull()
    {
        while (!_closed && !HasEnded)
        {
            if (_end == _received.Length)
                Array.Resize(ref _received, 2 * _end);
            var room = _received.Length - _end;
            var count = Libc.Receive(descriptor, _received.AsSpan(_end));
            if (count == -1)
                return;
            HasEnded = count is 0 or -2;
            _end += Math.Max(count, 0);
            Received += Math.Max(count, 0);
            if (count < room)
                return;
        }
    }

    /// <summary>The next whole packet.</summary>
    public bool TryTake(out ReadOnlySpan<byte> payload)
    {
        payload = default;
        var bytes = _received.AsSpan(_start.._end);
        if (bytes.Length < PacketHeader.Size || PacketHeader.Read(bytes) is var header && bytes.Length < PacketHeader.Size + header.PayloadLength)
            return false;
        header = PacketHeader.Read(bytes);
        LastSequence = header.Sequence;
        payload = bytes.Slice(PacketHeader.Size, header.PayloadLength);
        _start += PacketHeader.Size + payload.Length;
        if (_start == _end)
            Discard();
        return true;
    }

    public void Discard() => (_start, _end) = (0, 0);

    public void Dispose()
    {
        if (_closed)
            return;
        (_closed, HasEnded) = (true, true);
        Libc.Close(descriptor);
    }

    private void Follow(byte next)
    {
        if (_bodyLeft > 0)
        {
            _bodyLeft--;
            return;
        }

        _header[_headerLength++] = next;
        if (_headerLength == PacketHeader.Size)
            (_bodyLeft, _headerLength) = (_header[0] | (_header[1] << 8) | (_header[2] << 16), 0);
    }
}
