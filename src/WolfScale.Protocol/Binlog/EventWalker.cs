namespace WolfScale.Protocol.Binlog;

/// <summary>One event of a group, as far as its beginning lay in one piece of the log.</summary>
/// <param name="Header">The event's header.</param>
/// <param name="Body">What follows it, without the checksum; its beginning where the event goes on in the next piece.</param>
public readonly ref struct SeenEvent(EventHeader header, ReadOnlySpan<byte> body)
{
    /// <summary>Whole, wherever the pieces were cut.</summary>
    public EventHeader Header { get; } = header;

    /// <summary>Its beginning.</summary>
    public ReadOnlySpan<byte> Body { get; } = body;
}

/// <summary>Finds the events in the pieces of a group, which are cut without regard to them.</summary>
public sealed class EventWalker
{
    private readonly byte[] _header = new byte[EventHeader.Size];
    private int _headerLength;
    private long _skip;

    /// <summary>Called for each event, once.</summary>
    public delegate void Visitor(in SeenEvent seen);

    /// <summary>Whether the last piece ended at the end of an event.</summary>
    public bool IsBetweenEvents => _skip == 0 && _headerLength == 0;

    /// <summary>Another group begins.</summary>
    public void Begin() => (_headerLength, _skip) = (0, 0);

    /// <summary>Takes the next piece.</summary>
    /// <exception cref="ProtocolException">It holds something else than events.</exception>
    public void Take(ReadOnlySpan<byte> piece, Visitor visit)
    {
        while (!piece.IsEmpty)
        {
            if (_skip > 0)
            {
                var passed = (int)Math.Min(_skip, piece.Length);
                piece = piece[passed..];
                _skip -= passed;
                continue;
            }

            var taken = Math.Min(piece.Length, EventHeader.Size - _headerLength);
            piece[..taken].CopyTo(_header.AsSpan(_headerLength));
            piece = piece[taken..];
            _headerLength += taken;
            if (_headerLength < EventHeader.Size)
                continue;
            var header = EventHeader.Read(_header);
            var body = Math.Max(0L, header.EventLength - EventHeader.Size - EventChecksum.Size);
            visit(new SeenEvent(header, piece[..(int)Math.Min(body, piece.Length)]));
            _headerLength = 0;
            _skip = header.EventLength - EventHeader.Size;
        }
    }
}
