using WolfScale.Protocol;

namespace WolfScale.Proxy.Sessions;

/// <summary>Follows a file that the client sends for LOAD DATA LOCAL INFILE: packets, the last of them empty.</summary>
internal sealed class FileStream
{
    private int _bodyLeft;
    private byte _shift;
    private bool _continues; // a packet as long as one can be: an empty one behind it ends that, not the file

    public bool IsOver { get; private set; }

    /// <summary>The number of the packet that answers what has been taken so far.</summary>
    public byte Next { get; private set; }

    /// <param name="shift">By how much the client's sequence numbers are ahead of the backend's.</param>
    public void Begin(byte shift) => (_bodyLeft, _shift, _continues, IsOver) = (0, shift, false, false);

    /// <summary>Takes what belongs to the file; sequence numbers are changed in place.</summary>
    public int Take(Span<byte> bytes)
    {
        var position = 0;
        while (!IsOver)
        {
            if (_bodyLeft > 0)
            {
                var part = Math.Min(_bodyLeft, bytes.Length - position);
                if (part == 0)
                    break;
                (_bodyLeft, position) = (_bodyLeft - part, position + part);
                continue;
            }

            if (bytes.Length - position < PacketHeader.Size)
                break;
            var header = PacketHeader.Read(bytes[position..]);
            (_bodyLeft, Next) = (header.PayloadLength, (byte)(header.Sequence + 1));
            bytes[position + 3] -= _shift;
            position += PacketHeader.Size;
            (IsOver, _continues) = (_bodyLeft == 0 && !_continues, header.IsContinued);
        }

        return position;
    }
}
