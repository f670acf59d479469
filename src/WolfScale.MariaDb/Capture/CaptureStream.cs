using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Protocol.Responses;
using WolfScale.Protocol.SemiSync;

namespace WolfScale.MariaDb;

/// <summary>
/// The events of one connection, from the dump command until it breaks:
/// <code>
/// 1 packet ─▶ 2 semi-sync header ─▶ 3 event, whole or in pieces, checksum ─▶ 4 group ─▶ 5 known: ACK · new: log entry ─▶ 6 propose
/// </code>
/// Step 6 comes when the server has nothing more for now, or the batch is full: what arrives during one write of the log shares the next.
/// </summary>
internal sealed class CaptureStream(
    ReplicationConnection connection, ResumePoint resume, GroupWriter writer, AckQueue acks, CaptureCounters counters, TimeProvider time)
{
    /// <summary>0x00 and the semi-sync header, which stand before an event in its first packet.</summary>
    private const int PrefixBytes = 1 + SemiSyncHeader.Size;

    /// <summary>What must be known of an event to decide how to read it.</summary>
    private const int EventStartBytes = PacketHeader.Size + PrefixBytes + EventHeader.Size;

    private readonly StreamingChecksum _checksum = new();
    private BinlogPosition _position = new();
    private GroupTracker _groups;
    private bool _capturing;
    private long _knownLsn;
    private bool _needsAck;

    /// <summary>Whether the server has accepted the start position: events have come.</summary>
    public bool IsLive { get; private set; }

    /// <summary>Reads the next event and does everything it asks for.</summary>
    /// <exception cref="CaptureException">The server's history does not go on where the log ends, or it lost events.</exception>
    /// <exception cref="ServerErrorException">The server ended the dump with an error.</exception>
    /// <exception cref="ProtocolException">What came is not a stream of events.</exception>
    /// <exception cref="IOException">The connection is gone.</exception>
    /// <exception cref="TermEndedException">This node no longer leads.</exception>
    public void ReadEvent()
    {
        Fill(PacketHeader.Size + 1);
        var packet = PacketHeader.Read(connection.Buffered); // 1
        if (packet.PayloadLength == 0)
            throw new ProtocolException("An empty packet where an event was expected.");
        if (connection.Buffered[PacketHeader.Size] != OkPacket.Marker)
            ThrowEnded(packet);
        Fill(EventStartBytes);
        var needsAck = SemiSyncHeader.Read(connection.Buffered[(PacketHeader.Size + 1)..]).NeedsAck; // 2
        var header = EventHeader.Read(connection.Buffered[(PacketHeader.Size + PrefixBytes)..]);
        if (header.EventLength < EventHeader.Size + EventChecksum.Size
            || (packet.IsContinued
                ? header.EventLength < packet.PayloadLength - PrefixBytes
                : header.EventLength != packet.PayloadLength - PrefixBytes))
        {
            throw new ProtocolException($"A packet of {packet.PayloadLength} bytes holds an event of {header.EventLength} bytes.");
        }

        if (PacketHeader.Size + packet.PayloadLength <= ReplicationConnection.BufferBytes)
            ReadWhole(header, packet.PayloadLength, needsAck);
        else
            ReadInPieces(header, packet.PayloadLength, needsAck);
        IsLive = true;
    }

    private void ReadWhole(in EventHeader header, int payloadLength, bool needsAck)
    {
        Fill(PacketHeader.Size + payloadLength);
        var @event = connection.Buffered.Slice(PacketHeader.Size + PrefixBytes, (int)header.EventLength);
        if (!EventChecksum.IsValid(@event)) // 3
            ThrowChecksum(header);
        var step = Observe(header, @event[EventHeader.Size..^EventChecksum.Size]); // 4
        if (step is GroupStep.Begin or GroupStep.Inside or GroupStep.End)
        {
            if (_capturing)
                writer.Append(@event, acks); // 5
            AfterEvent(header, step, needsAck);
        }

        connection.Consume(PacketHeader.Size + payloadLength);
    }

    /// <summary>An event longer than the buffer, over one packet or several: its bytes go on to the log as they come.</summary>
    private void ReadInPieces(in EventHeader header, int payloadLength, bool needsAck)
    {
        _checksum.Start(header.EventLength);
        var step = Observe(header, []); // Of an event this long, the type says all that the group's end depends on.
        connection.Consume(PacketHeader.Size + PrefixBytes);
        var inPacket = payloadLength - PrefixBytes;
        var continued = payloadLength == PacketHeader.MaxPayload;
        for (long remaining = header.EventLength; remaining > 0;)
        {
            if (inPacket == 0)
                (inPacket, continued) = NextPacket(continued);
            Fill(1);
            var piece = connection.Buffered[..(int)Math.Min(Math.Min(connection.Buffered.Length, inPacket), remaining)];
            _ = _checksum.Append(piece);
            if (_capturing && step is GroupStep.Inside or GroupStep.End)
                writer.Append(piece, acks);
            connection.Consume(piece.Length);
            inPacket -= piece.Length;
            remaining -= piece.Length;
        }

        if (continued && inPacket == 0)
            (inPacket, _) = NextPacket(continued);
        if (inPacket != 0)
            throw new ProtocolException($"The packets of an event of {header.EventLength} bytes hold {inPacket} bytes more.");
        if (!_checksum.IsValid)
            ThrowChecksum(header);
        if (step is GroupStep.Inside or GroupStep.End)
            AfterEvent(header, step, needsAck);
    }

    /// <summary>What an event means before its bytes go anywhere.</summary>
    private GroupStep Observe(in EventHeader header, ReadOnlySpan<byte> body)
    {
        switch (header.Type)
        {
            case EventType.Rotate when (header.Flags & EventHeaderFlags.Artificial) != 0 || header.LogPosition == 0:
                _position.Rotate(RotateEvent.Read(body));
                break;
            case EventType.FormatDescription when FormatDescriptionEvent.Read(body).Checksum != ChecksumAlgorithm.Crc32:
                throw ChecksumOff();
            case EventType.Heartbeat:
                Correct(HeartbeatEvent.Read(header, body));
                break;
            case EventType.Incident:
                throw new CaptureException(
                    CaptureFaultKind.LostEvents,
                    $"The server reports an incident in its binary log ({IncidentEvent.Read(body)}): it changed data without logging it. Re-seed it from another node.");
        }

        var step = _groups.Observe(header, body);
        switch (step)
        {
            case GroupStep.Begin:
                _needsAck = false;
                if (resume.Recognise(_groups.Gtid) is { } known)
                {
                    _knownLsn = known;
                    _capturing = false;
                    writer.Abandon();
                }
                else
                {
                    _capturing = true;
                    writer.Begin(_groups.Gtid);
                }

                break;
            case GroupStep.Abandoned:
                writer.Abandon();
                break;
            case GroupStep.Stray:
                throw new ProtocolException($"An event of type {header.Type} came outside of any group, at {_position.Offset}.");
        }

        return step;
    }

    private void AfterEvent(in EventHeader header, GroupStep step, bool needsAck)
    {
        _position.Advance(header);
        _needsAck |= needsAck;
        if (step != GroupStep.End)
            return;
        CommitPlace? place = _needsAck ? new CommitPlace(_position.Offset, _position.FileName, time.GetTimestamp()) : null;
        if (_capturing)
        {
            writer.End(place, acks);
            return;
        }

        counters.Skipped();
        if (place is { } commit)
            acks.Add(_knownLsn, commit.Offset, commit.FileName, commit.ReceivedTimestamp);
    }

    private void Correct(in HeartbeatEvent heartbeat)
    {
        var missed = _position.Correct(heartbeat);
        if (missed < 0)
        {
            throw new ProtocolException(
                $"The server stands at {heartbeat.Position}, which is {-missed} bytes before the last event it sent: positions cannot be trusted.");
        }

        if (missed > 0)
            acks.Correct(_position.FileName, missed);
    }

    private (int Length, bool Continued) NextPacket(bool continued)
    {
        if (!continued)
            throw new ProtocolException("The packets end before the event does.");
        Fill(PacketHeader.Size);
        var header = PacketHeader.Read(connection.Buffered);
        connection.Consume(PacketHeader.Size);
        return (header.PayloadLength, header.IsContinued);
    }

    /// <summary>Receives until this many bytes are there. Before it waits, what was collected is proposed.</summary>
    private void Fill(int count)
    {
        while (connection.Buffered.Length < count)
        {
            if (writer.HasEntries && connection.Socket.Available == 0)
                writer.Flush(acks); // 6
            connection.ReceiveMore();
            acks.Retry();
        }
    }

    private void ThrowEnded(PacketHeader packet)
    {
        if (packet.PayloadLength > 4096)
            throw new ProtocolException($"A packet of {packet.PayloadLength} bytes that is neither an event nor an error.");
        Fill(PacketHeader.Size + packet.PayloadLength);
        var payload = connection.Buffered.Slice(PacketHeader.Size, packet.PayloadLength);
        if (payload[0] == ErrPacket.Marker)
            throw new ServerErrorException("COM_BINLOG_DUMP", ErrPacket.Read(payload));
        throw EofPacket.IsEof(payload)
            ? new EndOfStreamException("The server ended the dump.")
            : new ProtocolException($"A packet that begins with 0x{payload[0]:X2}, where an event was expected.");
    }

    private static void ThrowChecksum(in EventHeader header) =>
        throw new ProtocolException($"The checksum of an event of type {header.Type} at {header.LogPosition} is wrong.");

    internal static CaptureException ChecksumOff() => new(
        CaptureFaultKind.Settings, "The server writes its binary log without checksums. SET GLOBAL binlog_checksum=CRC32, and put it into the configuration file.");
}
