using WolfScale.Protocol;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Net;

namespace WolfScale.Proxy.Responses;

/// <summary>Who a <see cref="ResponseRelay"/> works for.</summary>
internal interface IRelayOwner
{
    ClientDialect Dialect { get; }

    TrackedVariables Tracked { get; }

    /// <summary>As the backend's last OK said.</summary>
    ServerStatus Status { get; }

    /// <summary>Results of the command under way may be those of OUT parameters: one row, and flags that tell what it is.</summary>
    bool MayHaveOutParameters { get; }

    /// <summary>Bytes for the client.</summary>
    void ToClient(ReadOnlySpan<byte> bytes);

    /// <summary>Before an OK goes to the client: false holds it, and everything after it, back.</summary>
    bool MayPass(in OkInfo ok);

    /// <summary>Nothing of the answer has reached the client, and this is its error: true keeps it from the client, and the answer is over.</summary>
    bool Intercepts(ReadOnlySpan<byte> error);

    /// <summary>Before an error goes to the client: false holds it back, at <see cref="RelayProgress.ErrorHeld"/>.</summary>
    bool MayPassError(ReadOnlySpan<byte> error);

    /// <summary>The statement is prepared on the backend; the id in the packet may be changed.</summary>
    void Prepared(Span<byte> payload);

    /// <summary>A packet that says something about the session has passed.</summary>
    void Passed(PacketRole role, ReadOnlySpan<byte> payload);
}

/// <summary>How far a <see cref="ResponseRelay"/> has come.</summary>
internal enum RelayProgress
{
    /// <summary>The answer goes on: what was not taken must come again, with more.</summary>
    NeedsMore,
    Done,
    AwaitsFile,

    /// <summary>An OK waits for the quorum.</summary>
    Held,

    /// <summary>The next packet is an error, which ends the answer; it is here, and waits for the owner.</summary>
    ErrorHeld,

    /// <summary>The answer was an error that the client does not get.</summary>
    Intercepted,
}

/// <summary>
/// Passes an answer on from a backend to the client. Rows are not looked into: only the four bytes before each packet and, where it matters, the
/// first one in it. For a client with classic EOF the EOF packets that the backend leaves out are put in, and the sequence numbers move on by one.
/// <code>
///   backend:  columns  def def      row row   OK(0xFE)            prepare:  OK  param param       col col
///   client:   columns  def def EOF  row row   EOF                           OK  param param EOF   col col EOF
/// </code>
/// </summary>
internal sealed class ResponseRelay(IRelayOwner owner, EventLoop loop)
{
    private readonly PacketWriter _writer = loop.Writer;
    private ResponseTracker _tracker;
    private ResponseShape _shape;
    private int _bodyLeft;
    private byte _shift;
    private byte _lastSequence;
    private bool _eofOwed;
    private int _gathered;

    /// <summary>Something of the answer has reached the client.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>The statement's command was sent; its answer follows.</summary>
    public void Begin(ResponseShape shape)
    {
        _tracker.Begin(shape);
        (_shape, _bodyLeft, _shift, _lastSequence, _eofOwed, _gathered, HasBegun) = (shape, 0, 0, 0, false, 0, false);
    }

    /// <summary>By how much the client's sequence numbers are ahead of the backend's.</summary>
    public byte Shift => _shift;

    /// <summary>The number of the client's next packet.</summary>
    public byte NextSequence => (byte)(_lastSequence + 1);

    /// <summary>The client has a part of a packet, and takes whatever comes next for the rest of it.</summary>
    public bool IsInPacket => _bodyLeft > 0 || _tracker.IsContinued;

    /// <summary>The client's file is there; the server's verdict comes next.</summary>
    /// <param name="next">The verdict's number, for the client.</param>
    public void FileSent(byte next)
    {
        _lastSequence = (byte)(next - 1);
        _tracker.FileSent();
    }

    /// <summary>Passes on what is there.</summary>
    /// <param name="bytes">From the backend; sequence numbers in it may be changed.</param>
    /// <param name="taken">How much of it is done with.</param>
    /// <exception cref="ProtocolException">The server does not keep to the protocol.</exception>
    public RelayProgress Process(Span<byte> bytes, out int taken)
    {
        var position = 0;
        var run = 0; // start of what passes unchanged and was not passed on yet
        var progress = RelayProgress.NeedsMore;
        while (position < bytes.Length)
        {
            if (_bodyLeft > 0)
            {
                var part = Math.Min(_bodyLeft, bytes.Length - position);
                _bodyLeft -= part;
                position += part;
                continue;
            }

            if (_tracker.IsAtRow && !_eofOwed)
                position += ResponseTracker.PassRows(bytes[position..], _shift, ref _lastSequence);
            if (_tracker.IsDone || bytes.Length - position < PacketHeader.Size)
                break;
            var header = PacketHeader.Read(bytes[position..]);
            var payload = bytes[(position + PacketHeader.Size)..];
            if (payload.IsEmpty && header.PayloadLength > 0)
                break;
            var whole = header.PayloadLength > 0 && _tracker.NeedsWhole(header, payload[0]);
            if (whole && payload.Length < header.PayloadLength)
            {
                if (PacketHeader.Size + header.PayloadLength > loop.Scratch.Length)
                    ProtocolException.Throw($"The server's packet of {header.PayloadLength} bytes is too long for what it is.");
                break;
            }

            payload = payload[..Math.Min(payload.Length, header.PayloadLength)];
            var next = _tracker;
            var role = next.Next(header, payload);
            if (role is PacketRole.Ok or PacketRole.EndOfRows && payload.Length >= 7 && !owner.MayPass(OkInfo.Read(payload)))
            {
                progress = RelayProgress.Held;
                break;
            }

            if (role == PacketRole.Error && !HasBegun && _gathered == 0 && run == position && owner.Intercepts(payload))
            {
                taken = position + PacketHeader.Size + header.PayloadLength;
                return RelayProgress.Intercepted;
            }

            if (role == PacketRole.Error && !owner.MayPassError(payload))
            {
                progress = RelayProgress.ErrorHeld;
                break;
            }

            if (_eofOwed && owner.MayHaveOutParameters && role == PacketRole.Body && bytes.Length < loop.Scratch.Length && StatusAhead(bytes[position..], _tracker) is null)
                break; // what ends the rows says whether they are OUT parameters, and the client is to know it before them

            if (role == PacketRole.PrepareOk)
                owner.Prepared(payload);
            var before = _tracker;
            _tracker = next;
            PayEof(bytes, ref run, position, header, role, payload, before);
            bytes[position + 3] = _lastSequence = (byte)(header.Sequence + _shift);
            var end = position + PacketHeader.Size + header.PayloadLength;
            if (role is PacketRole.Ok or PacketRole.EndOfRows && payload.Length >= 7 && OkInfo.Read(payload) is var ok && owner.Dialect.Changes(ok, role == PacketRole.EndOfRows))
            {
                Gather(bytes[run..position]);
                _writer.Clear();
                _writer.Sequence = (byte)(header.Sequence + _shift);
                owner.Dialect.WriteOk(_writer, ok, role == PacketRole.EndOfRows, owner.Tracked);
                Gather(_writer.Written.Span);
                run = end;
            }

            if (role == PacketRole.ColumnCount && owner.Dialect.WantsFlag(payload))
            {
                Gather(bytes[run..position]);
                _writer.Clear();
                _writer.Sequence = (byte)(header.Sequence + _shift);
                _writer.Begin().Bytes(payload).Byte(1).End();
                Gather(_writer.Written.Span);
                run = end;
            }

            if (whole && role != PacketRole.Body)
                owner.Passed(role, payload);
            if (whole)
            {
                position = end;
            }
            else
            {
                position += PacketHeader.Size;
                _bodyLeft = header.PayloadLength;
            }

            if (role is PacketRole.LastDefinition or PacketRole.KnownColumns)
                OweEof(ref run, bytes, position, header);
            if (_tracker.AwaitsFile)
                break;
        }

        PassOn(bytes[run..position]);
        taken = position;
        return _bodyLeft == 0 && _tracker.IsDone ? RelayProgress.Done : _tracker.AwaitsFile ? RelayProgress.AwaitsFile : progress;
    }

    /// <summary>
    /// After the last definition. Where rows follow it is paid before the next packet; after the definitions of a prepared statement nothing may
    /// follow, so it is paid at once (their last packet is taken whole).
    /// </summary>
    private void OweEof(ref int run, Span<byte> bytes, int position, PacketHeader header)
    {
        if (!owner.Dialect.ClassicEof)
            return;
        _eofOwed = true;
        if (_shape != ResponseShape.Prepare)
            return;
        Gather(bytes[run..position]);
        run = position;
        WriteEof((byte)(header.Sequence + 1), owner.Status);
    }

    /// <summary>Before the next packet: a cursor's result set ends with the definitions, and then one EOF stands for both.</summary>
    private void PayEof(Span<byte> bytes, ref int run, int position, PacketHeader header, PacketRole role, ReadOnlySpan<byte> payload, ResponseTracker before)
    {
        if (!_eofOwed)
            return;
        if (role == PacketRole.EndOfRows && (OkInfo.Read(payload).Status & ServerStatus.CursorExists) != 0)
        {
            _eofOwed = false;
            return;
        }

        Gather(bytes[run..position]);
        run = position;
        WriteEof(header.Sequence, StatusAhead(bytes[position..], before) ?? owner.Status);
    }

    /// <summary>
    /// The status that ends these rows, as far as it is here already: MariaDB says the same before them (MORE_RESULTS and OUT parameters, that is),
    /// except for what shows only at their end.
    /// </summary>
    private ServerStatus? StatusAhead(Span<byte> bytes, ResponseTracker tracker)
    {
        while (bytes.Length > PacketHeader.Size)
        {
            if (tracker.IsAtRow)
            {
                byte unchanged = 0;
                bytes = bytes[ResponseTracker.PassRows(bytes, 0, ref unchanged)..];
                if (bytes.Length <= PacketHeader.Size)
                    return null;
            }

            var header = PacketHeader.Read(bytes);
            var payload = bytes[PacketHeader.Size..];
            payload = payload[..Math.Min(payload.Length, header.PayloadLength)];
            if (payload.Length < header.PayloadLength)
                return null;
            switch (tracker.Next(header, payload))
            {
                case PacketRole.EndOfRows:
                    return OkInfo.Read(payload).Status & ~(ServerStatus.LastRowSent | ServerStatus.QueryWasSlow | ServerStatus.SessionStateChanged);
                case PacketRole.Error:
                    return owner.Status; // that is their end, and has no status
            }

            bytes = bytes[(PacketHeader.Size + header.PayloadLength)..];
        }

        return null;
    }

    private void WriteEof(byte sequence, ServerStatus status)
    {
        _writer.Clear();
        _writer.Sequence = _lastSequence = (byte)(sequence + _shift);
        new EofPacket(0, status & ~(ServerStatus.CursorExists | ServerStatus.SessionStateChanged)).Write(_writer);
        Gather(_writer.Written.Span);
        _shift++;
        _eofOwed = false;
    }

    /// <summary>Puts pieces together, so that they leave in one call.</summary>
    private void Gather(ReadOnlySpan<byte> piece)
    {
        if (piece.Length > loop.Rewritten.Length - _gathered)
            Flush();
        if (piece.Length > loop.Rewritten.Length)
        {
            Pass(piece);
            return;
        }

        piece.CopyTo(loop.Rewritten.AsSpan(_gathered));
        _gathered += piece.Length;
    }

    private void PassOn(ReadOnlySpan<byte> rest)
    {
        if (_gathered == 0)
        {
            Pass(rest);
            return;
        }

        Gather(rest);
        Flush();
    }

    private void Flush()
    {
        var gathered = loop.Rewritten.AsSpan(0, _gathered);
        _gathered = 0;
        Pass(gathered);
    }

    private void Pass(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        HasBegun = true;
        owner.ToClient(bytes);
    }
}
