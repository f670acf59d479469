using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Protocol.Responses;
using WolfScale.Protocol.SemiSync;

namespace WolfScale.MariaDb;

/// <summary>Takes the events of a dump, in order, on the thread that reads.</summary>
internal interface IBinlogEvents
{
    /// <summary>An event that lies there whole; its checksum is right. Its bytes are valid during the call.</summary>
    void OnEvent(in EventHeader header, bool needsAck, ReadOnlySpan<byte> @event);

    /// <summary>An event longer than <see cref="ReplicationConnection.BufferBytes"/> begins; its bytes come in pieces.</summary>
    void OnLongEvent(in EventHeader header);

    /// <summary>The next bytes of the long event, from its header to its checksum.</summary>
    void OnPiece(ReadOnlySpan<byte> piece);

    /// <summary>The long event is complete; its checksum is right.</summary>
    void OnLongEventEnd(in EventHeader header, bool needsAck);

    /// <summary>Nothing more has arrived: the thread is about to wait for the server.</summary>
    void BeforeWait()
    {
    }

    /// <summary>Something has arrived.</summary>
    void AfterReceive()
    {
    }
}

/// <summary>
/// Reads the packets of a dump: framing (an event over 16 MiB comes in several packets), semi-sync header, checksum. Never holds more of
/// an event than the connection's buffer.
/// </summary>
/// <param name="connection">A connection on which the dump command was sent.</param>
/// <param name="semiSync">Whether every event has a semi-sync header.</param>
/// <param name="events">Takes the events.</param>
internal sealed class BinlogReader(ReplicationConnection connection, bool semiSync, IBinlogEvents events)
{
    private readonly StreamingChecksum _checksum = new();

    /// <summary>0x00 and the semi-sync header, which stand before an event in its first packet.</summary>
    private readonly int _prefixBytes = semiSync ? 1 + SemiSyncHeader.Size : 1;

    /// <summary>Reads the next event.</summary>
    /// <returns>False at the end of a dump that does not wait for more.</returns>
    /// <exception cref="ServerErrorException">The server ended the dump with an error.</exception>
    /// <exception cref="ProtocolException">What came is not a stream of events.</exception>
    /// <exception cref="IOException">The connection is gone.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">It is broken, or the server was silent for too long.</exception>
    public bool ReadEvent()
    {
        Fill(PacketHeader.Size + 1);
        var packet = PacketHeader.Read(connection.Buffered);
        if (packet.PayloadLength == 0)
            throw new ProtocolException("An empty packet where an event was expected.");
        if (connection.Buffered[PacketHeader.Size] != OkPacket.Marker)
            return ReadEnd(packet);
        Fill(PacketHeader.Size + _prefixBytes + EventHeader.Size);
        var needsAck = semiSync && SemiSyncHeader.Read(connection.Buffered[(PacketHeader.Size + 1)..]).NeedsAck;
        var header = EventHeader.Read(connection.Buffered[(PacketHeader.Size + _prefixBytes)..]);
        var inPacket = packet.PayloadLength - _prefixBytes;
        if (header.EventLength < EventHeader.Size + EventChecksum.Size
            || (packet.IsContinued ? header.EventLength < inPacket : header.EventLength != inPacket))
        {
            throw new ProtocolException($"A packet of {packet.PayloadLength} bytes holds an event of {header.EventLength} bytes.");
        }

        if (PacketHeader.Size + packet.PayloadLength <= ReplicationConnection.BufferBytes)
            ReadWhole(header, packet.PayloadLength, needsAck);
        else
            ReadInPieces(header, packet, needsAck);
        return true;
    }

    private void ReadWhole(in EventHeader header, int payloadLength, bool needsAck)
    {
        Fill(PacketHeader.Size + payloadLength);
        var @event = connection.Buffered.Slice(PacketHeader.Size + _prefixBytes, (int)header.EventLength);
        if (!EventChecksum.IsValid(@event))
            ThrowChecksum(header);
        events.OnEvent(header, needsAck, @event);
        connection.Consume(PacketHeader.Size + payloadLength);
    }

    private void ReadInPieces(in EventHeader header, PacketHeader packet, bool needsAck)
    {
        _checksum.Start(header.EventLength);
        events.OnLongEvent(header);
        connection.Consume(PacketHeader.Size + _prefixBytes);
        var inPacket = packet.PayloadLength - _prefixBytes;
        for (long remaining = header.EventLength; remaining > 0;)
        {
            if (inPacket == 0)
            {
                packet = NextPacket(packet);
                inPacket = packet.PayloadLength;
                continue;
            }

            Fill(1);
            var piece = connection.Buffered[..(int)Math.Min(Math.Min(connection.Buffered.Length, inPacket), remaining)];
            _ = _checksum.Append(piece);
            events.OnPiece(piece);
            connection.Consume(piece.Length);
            inPacket -= piece.Length;
            remaining -= piece.Length;
        }

        // A payload that fills its last packet exactly is ended by an empty one.
        if (inPacket == 0 && packet.IsContinued)
            inPacket = NextPacket(packet).PayloadLength;
        if (inPacket != 0)
            throw new ProtocolException($"The packets of an event of {header.EventLength} bytes hold {inPacket} bytes more.");
        if (!_checksum.IsValid)
            ThrowChecksum(header);
        events.OnLongEventEnd(header, needsAck);
    }

    private PacketHeader NextPacket(PacketHeader before)
    {
        if (!before.IsContinued)
            throw new ProtocolException("The packets end before the event does.");
        Fill(PacketHeader.Size);
        var header = PacketHeader.Read(connection.Buffered);
        connection.Consume(PacketHeader.Size);
        return header;
    }

    /// <summary>Receives until this many bytes are there.</summary>
    private void Fill(int count)
    {
        while (connection.Buffered.Length < count)
        {
            if (connection.Socket.Available == 0)
                events.BeforeWait();
            connection.ReceiveMore();
            events.AfterReceive();
        }
    }

    private bool ReadEnd(PacketHeader packet)
    {
        if (packet.PayloadLength > 4096)
            throw new ProtocolException($"A packet of {packet.PayloadLength} bytes that is neither an event nor an error.");
        Fill(PacketHeader.Size + packet.PayloadLength);
        var payload = connection.Buffered.Slice(PacketHeader.Size, packet.PayloadLength);
        if (payload[0] == ErrPacket.Marker)
            throw new ServerErrorException("COM_BINLOG_DUMP", ErrPacket.Read(payload));
        return EofPacket.IsEof(payload)
            ? false
            : throw new ProtocolException($"A packet that begins with 0x{payload[0]:X2}, where an event was expected.");
    }

    private static void ThrowChecksum(in EventHeader header) =>
        throw new ProtocolException($"The checksum of an event of type {header.Type} at {header.LogPosition} is wrong.");
}
