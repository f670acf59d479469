using System.Buffers.Binary;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Protocol.SemiSync;

namespace WolfScale.MariaDb;

/// <summary>Takes the encoder's output when its buffer is full.</summary>
internal interface IFeedSink
{
    /// <summary>Sends all of it; blocks as long as the receiver does not take it, which is the back-pressure.</summary>
    void Send(ReadOnlySpan<byte> bytes);
}

/// <summary>
/// Turns the bytes of groups into packets for a replica. The events stay as MariaDB wrote them but for <c>log_pos</c>, which becomes a running
/// offset of our own, and with it the checksum. Events may come in pieces of any size; none is held as a whole.
/// </summary>
/// <param name="sink">Where full buffers go.</param>
/// <param name="bufferBytes">Size of the buffer.</param>
/// <param name="semiSync">Whether every event gets the semi-sync prefix 0xEF 0x00.</param>
internal sealed class FeedEncoder(IFeedSink sink, int bufferBytes, bool semiSync)
{
    private readonly byte[] _buffer = new byte[bufferBytes];
    private readonly byte[] _header = new byte[EventHeader.Size];
    private readonly byte[] _tail = new byte[EventChecksum.Size];
    private readonly StreamingChecksum _checksum = new();
    private readonly int _prefixBytes = semiSync ? 1 + SemiSyncHeader.Size : 1;
    private int _length;
    private byte _sequence = 1;

    // The event that is passing through, when it did not come as a whole.
    private int _headerLength;
    private long _eventRemaining;
    private int _packetRemaining;
    private long _payloadRemaining;
    private bool _packetIsFull;

    /// <summary>End of the last event in the stream's current file.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes that wait in the buffer.</summary>
    public int Buffered => _length;

    /// <summary>Bytes of events written since the beginning.</summary>
    public long EventBytes { get; private set; }

    /// <summary>Whether everything that was written ended at the end of an event.</summary>
    public bool IsBetweenEvents => _eventRemaining == 0 && _headerLength == 0;

    /// <summary>The sequence number of the next packet.</summary>
    public byte Sequence
    {
        get => _sequence;
        set => _sequence = value;
    }

    /// <summary>Starts a file: what follows is at this offset.</summary>
    public void SetPosition(long position) => Position = position;

    /// <summary>Sends an event of our own as it is.</summary>
    public void WriteArtificial(ReadOnlySpan<byte> @event)
    {
        BeginEvent(@event.Length);
        WritePayload(@event);
        EndEvent();
    }

    /// <summary>Takes the next bytes of a group's events.</summary>
    /// <exception cref="ProtocolException">They are not events: the log holds something else than the capture wrote.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (IsBetweenEvents && TryWriteWhole(ref bytes))
                continue;
            if (_headerLength < EventHeader.Size && _eventRemaining == 0)
                bytes = WriteHeader(bytes);
            else
                bytes = WriteBody(bytes);
        }
    }

    /// <summary>Sends what waits in the buffer.</summary>
    public void Flush()
    {
        if (_length == 0)
            return;
        sink.Send(_buffer.AsSpan(0, _length));
        _length = 0;
    }

    /// <summary>An event that lies there whole and fits one packet and the buffer: one copy, one checksum.</summary>
    private bool TryWriteWhole(ref ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < EventHeader.Size)
            return false;
        var length = Check(EventHeader.Read(bytes)).EventLength;
        var payload = _prefixBytes + length;
        if (length > bytes.Length || payload >= PacketHeader.MaxPayload || PacketHeader.Size + payload > _buffer.Length)
            return false;
        if (_buffer.Length - _length < PacketHeader.Size + payload)
            Flush();
        new PacketHeader((int)payload, _sequence++).Write(_buffer.AsSpan(_length));
        WritePrefix(_buffer.AsSpan(_length + PacketHeader.Size));
        var copy = _buffer.AsSpan(_length + PacketHeader.Size + _prefixBytes, (int)length);
        bytes[..(int)length].CopyTo(copy);
        Position += length;
        BinaryPrimitives.WriteUInt32LittleEndian(copy[EventHeader.LogPositionOffset..], (uint)Position);
        EventChecksum.Set(copy);
        _length += PacketHeader.Size + (int)payload;
        EventBytes += length;
        bytes = bytes[(int)length..];
        return true;
    }

    private ReadOnlySpan<byte> WriteHeader(ReadOnlySpan<byte> bytes)
    {
        var taken = Math.Min(bytes.Length, EventHeader.Size - _headerLength);
        bytes[..taken].CopyTo(_header.AsSpan(_headerLength));
        _headerLength += taken;
        if (_headerLength == EventHeader.Size)
        {
            var length = Check(EventHeader.Read(_header)).EventLength;
            Position += length;
            BinaryPrimitives.WriteUInt32LittleEndian(_header.AsSpan(EventHeader.LogPositionOffset), (uint)Position);
            _checksum.Start(length);
            _ = _checksum.Append(_header);
            _eventRemaining = length - EventHeader.Size;
            EventBytes += length;
            BeginEvent(length);
            WritePayload(_header);
        }

        return bytes[taken..];
    }

    private ReadOnlySpan<byte> WriteBody(ReadOnlySpan<byte> bytes)
    {
        var taken = (int)Math.Min(bytes.Length, _eventRemaining);
        var content = _checksum.Append(bytes[..taken]);
        WritePayload(bytes[..content]);
        _eventRemaining -= taken;
        if (_eventRemaining == 0)
        {
            // The old checksum was left out; this is the one of the event as it is now.
            BinaryPrimitives.WriteUInt32LittleEndian(_tail, _checksum.Value);
            WritePayload(_tail);
            EndEvent();
            _headerLength = 0;
        }

        return bytes[taken..];
    }

    private void BeginEvent(long length)
    {
        _payloadRemaining = _prefixBytes + length;
        BeginPacket();
        Span<byte> prefix = stackalloc byte[_prefixBytes];
        WritePrefix(prefix);
        WritePayload(prefix);
    }

    private void BeginPacket()
    {
        Span<byte> header = stackalloc byte[PacketHeader.Size];
        _packetRemaining = (int)Math.Min(_payloadRemaining, PacketHeader.MaxPayload);
        _packetIsFull = _packetRemaining == PacketHeader.MaxPayload;
        new PacketHeader(_packetRemaining, _sequence++).Write(header);
        Put(header);
    }

    /// <summary>A payload that fills its last packet exactly is ended by an empty one.</summary>
    private void EndEvent()
    {
        if (_packetIsFull)
            BeginPacket();
    }

    private void WritePayload(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var taken = Math.Min(bytes.Length, _packetRemaining);
            Put(bytes[..taken]);
            bytes = bytes[taken..];
            _packetRemaining -= taken;
            _payloadRemaining -= taken;
            if (_packetRemaining == 0 && _payloadRemaining > 0)
                BeginPacket();
        }
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_length == _buffer.Length)
                Flush();
            var taken = Math.Min(bytes.Length, _buffer.Length - _length);
            bytes[..taken].CopyTo(_buffer.AsSpan(_length));
            _length += taken;
            bytes = bytes[taken..];
        }
    }

    private void WritePrefix(Span<byte> destination)
    {
        destination[0] = 0;
        if (semiSync)
            new SemiSyncHeader(false).Write(destination[1..]);
    }

    private static EventHeader Check(in EventHeader header) => header.EventLength >= EventHeader.Size + EventChecksum.Size
        ? header
        : throw new ProtocolException($"The log holds an event of type {header.Type} of {header.EventLength} bytes, which is shorter than an event can be.");
}
