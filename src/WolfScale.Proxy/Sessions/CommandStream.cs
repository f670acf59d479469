using WolfScale.Protocol;
using WolfScale.Protocol.Commands;

namespace WolfScale.Proxy.Sessions;

/// <summary>Follows one command of the client, which may be longer than any buffer: it knows where it ends.</summary>
internal sealed class CommandStream
{
    private int _bodyLeft;
    private bool _begun;
    private bool _continues;

    /// <summary>Its first byte.</summary>
    public CommandCode Code { get; private set; }

    /// <summary>All of it was taken.</summary>
    public bool IsWhole => _begun && _bodyLeft == 0 && !_continues;

    public void Reset() => (_begun, _continues) = (false, false);

    /// <summary>Takes what belongs to this command.</summary>
    /// <param name="bytes">From the client.</param>
    /// <param name="begins">These are its first ones.</param>
    /// <returns>Bytes that belong to it; 0 when there is too little to know.</returns>
    public int Take(ReadOnlySpan<byte> bytes, out bool begins)
    {
        begins = false;
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
            if (!_begun)
            {
                if (header.PayloadLength == 0)
                    ProtocolException.Throw("The client's command is an empty packet.");
                if (rest.Length == PacketHeader.Size)
                    break;
                (Code, _begun, begins) = ((CommandCode)rest[PacketHeader.Size], true, true);
            }

            (_bodyLeft, _continues) = (header.PayloadLength, header.IsContinued);
            position += PacketHeader.Size;
        }

        return position;
    }
}
