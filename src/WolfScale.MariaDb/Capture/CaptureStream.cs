using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb;

/// <summary>
/// What the events of one connection mean, from the dump command until it breaks:
/// <code>
/// 1 event ─▶ 2 group ─▶ 3 known already: ACK · new: log entries ─▶ 4 propose
/// </code>
/// Step 4 comes when the server has nothing more for now, or the batch is full: what arrives during one write of the log shares the next.
/// </summary>
/// <exception cref="CaptureException">From any call: the server's history does not go on where the log ends, or it lost events.</exception>
/// <exception cref="ProtocolException">From any call: what came is not a stream of events.</exception>
/// <exception cref="TermEndedException">From any call: this node no longer leads.</exception>
internal sealed class CaptureStream(ResumePoint resume, GroupWriter writer, AckQueue acks, CaptureCounters counters, TimeProvider time) : IBinlogEvents
{
    private BinlogPosition _position = new();
    private GroupTracker _groups;
    private GroupStep _longStep;
    private bool _isNew;
    private long _knownLsn;
    private bool _needsAck;

    public void OnEvent(in EventHeader header, bool needsAck, ReadOnlySpan<byte> @event)
    {
        var step = Observe(header, @event[EventHeader.Size..^EventChecksum.Size]); // 1, 2
        if (step is not (GroupStep.Begin or GroupStep.Inside or GroupStep.End))
            return;
        if (_isNew)
            writer.Append(@event, acks); // 3
        AfterEvent(header, step, needsAck);
    }

    /// <summary>Of an event this long, the type says all that the group's end depends on (<see cref="GroupTracker.MaxCommitEventBytes"/>).</summary>
    public void OnLongEvent(in EventHeader header) => _longStep = Observe(header, []);

    public void OnPiece(ReadOnlySpan<byte> piece)
    {
        if (_isNew && _longStep is GroupStep.Inside or GroupStep.End)
            writer.Append(piece, acks);
    }

    public void OnLongEventEnd(in EventHeader header, bool needsAck)
    {
        if (_longStep is GroupStep.Inside or GroupStep.End)
            AfterEvent(header, _longStep, needsAck);
    }

    public void BeforeWait() => writer.Flush(acks); // 4

    public void AfterReceive() => acks.Retry();

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
                Begin();
                break;
            case GroupStep.Abandoned:
                writer.Abandon();
                break;
            case GroupStep.Stray:
                throw new ProtocolException($"An event of type {header.Type} came outside of any group, at {_position.Offset}.");
        }

        return step;
    }

    private void Begin()
    {
        _needsAck = false;
        var known = resume.Recognise(_groups.Gtid);
        _isNew = known is null;
        _knownLsn = known ?? 0;
        if (_isNew)
            writer.Begin(_groups.Gtid);
        else
            writer.Abandon();
    }

    private void AfterEvent(in EventHeader header, GroupStep step, bool needsAck)
    {
        _position.Advance(header);
        _needsAck |= needsAck;
        if (step != GroupStep.End)
            return;
        CommitPlace? place = _needsAck ? new CommitPlace(_position.Offset, _position.FileName, time.GetTimestamp()) : null;
        if (_isNew)
        {
            writer.End(place, acks);
            return;
        }

        counters.Skipped();
        if (place is { } commit)
            acks.Add(_knownLsn, _groups.Gtid.Sequence, commit.Offset, commit.FileName, commit.ReceivedTimestamp);
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

    internal static CaptureException ChecksumOff() => new(
        CaptureFaultKind.Settings, "The server writes its binary log without checksums. SET GLOBAL binlog_checksum=CRC32, and put it into the configuration file.");
}
