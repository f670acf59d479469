using WolfScale.Protocol;

namespace WolfScale.Proxy.Sessions;

/// <summary>Follows one command of the client that is longer than any buffer: it knows where it ends.</summary>
internal sealed class CommandStream
{
    private int _bodyLeft;
    private bool _begun;
    private bool _continues;

    /// <summary>All of it was taken.</summary>
    public bool IsWhole => _begun && _bodyLeft == 0 && !_continues;

    /// <summary>The number of the packet that answers what has been taken so far.</summary>
    public byte Next { get; private set; } = 1;

    /// <summary>Takes what belongs to this command.</summary>
    /// <param name="bytes">From the client.</param>
    /// <returns>Bytes that belong to it.</returns>
    public int Take(ReadOnlySpan<byte> bytes)
    {
        var position = 0;
        while (!IsWhole)
        {
            if (_bodyLeft > 0)
            {
                var part = Math.Min(_bodyLeft, bytes.Length - position);
                if (part == 0)
                    break;
                (_bodyLeft, position) = (_bodyLeft - part, position + part);
                continue;
            }

            var rest = bytes[position..];
            if (rest.Length < PacketHeader.Size)
                break;
            var header = PacketHeader.Read(rest);
            (_begun, _bodyLeft, _continues, Next) = (true, header.PayloadLength, header.IsContinued, (byte)(header.Sequence + 1));
            position += PacketHeader.Size;
        }

        return position;
    }
}
