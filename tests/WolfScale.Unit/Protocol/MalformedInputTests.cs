using CsCheck;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Protocol.SemiSync;

namespace WolfScale.Unit.Protocol;

/// <summary>Whatever arrives, a reader gives a value or a <see cref="ProtocolException"/>: nothing else gets out, nothing beyond the bytes is read.</summary>
public sealed class MalformedInputTests
{
    private static readonly (string Name, Action<byte[]> Read)[] Readers =
    [
        ("greeting", b => ServerGreeting.Read(b)),
        ("login", b => LoginRequest.Read(b)),
        ("auth switch", b => _ = AuthSwitchRequest.Read(b).Plugin),
        ("ok", b => OkPacket.Read(b)),
        ("err", b => ErrPacket.Read(b)),
        ("eof", b => EofPacket.Read(b)),
        ("column", b => ColumnDefinition.Read(b)),
        ("row", b => TextResultSet.ReadRow(b, 3)),
        ("register", b => RegisterSlaveCommand.Read(b)),
        ("dump", b => BinlogDumpCommand.Read(b)),
        ("semi-sync header", b => SemiSyncHeader.Read(b)),
        ("ack", b => SemiSyncAck.Read(b)),
        ("event header", b => EventHeader.Read(b)),
        ("gtid", b => _ = GtidEvent.Read(default, b).Gtid),
        ("query", b => _ = QueryEvent.Read(b).Sql.Length),
        ("xid", b => XidEvent.Read(b)),
        ("xa prepare", b => _ = XaPrepareEvent.Read(b).Global.Length),
        ("rotate", b => _ = RotateEvent.Read(b).FileName.Length),
        ("format description", b => FormatDescriptionEvent.Read(b)),
        ("gtid list", b => _ = GtidListEvent.Read(b).Count),
        ("heartbeat", b => _ = HeartbeatEvent.Read(default, b).Position),
        ("table map", b => _ = TableMapEvent.Read(b).Table.Length),
        ("rows", b => _ = RowsEventHeader.Read(b).IsFullImage),
        ("checkpoint", b => _ = BinlogCheckpointEvent.Read(b).Length),
        ("incident", b => IncidentEvent.Read(b)),
        ("checksum", b => EventChecksum.IsValid(b)),
    ];

    private static readonly byte[][] Recorded = [.. RecordedBinlog.Events().Select(RecordedBinlog.Body)];

    [Fact]
    public void Random_bytes_are_read_or_refused() => Gen.Byte.Array[0, 200].Sample(ReadWithAll);

    /// <summary>Random bytes rarely pass the first check; cut and damaged real events get further.</summary>
    [Fact]
    public void Damaged_events_are_read_or_refused() =>
        Gen.Select(Gen.Int[0, Recorded.Length - 1], Gen.Int[0, 300], Gen.Select(Gen.Int[0, 300], Gen.Byte).Array[0, 4]).Sample((which, length, changes) =>
        {
            var damaged = Recorded[which][..Math.Min(length, Recorded[which].Length)];
            foreach (var (at, value) in changes)
            {
                if (at < damaged.Length)
                    damaged[at] = value;
            }

            ReadWithAll(damaged);
        });

    [Fact]
    public void A_group_tracker_takes_any_sequence_of_events() =>
        Gen.Select(Gen.Byte, Gen.UInt, Gen.Byte.Array[0, 40]).Array[0, 30].Sample(events =>
        {
            var tracker = default(GroupTracker);
            foreach (var (type, length, body) in events)
            {
                try
                {
                    var step = tracker.Observe(new EventHeader(0, (EventType)type, 1, length, 0, EventHeaderFlags.None), body);
                    Assert.Equal(step is GroupStep.Begin or GroupStep.Inside, tracker.IsOpen && step is not GroupStep.Outside);
                }
                catch (ProtocolException)
                {
                    Assert.Equal((byte)EventType.Gtid, type);
                }
            }
        });

    private static void ReadWithAll(byte[] bytes)
    {
        foreach (var (name, read) in Readers)
        {
            try
            {
                read(bytes);
            }
            catch (ProtocolException)
            {
                // Refused, as it should be.
            }
            catch (Exception e)
            {
                Assert.Fail($"{name} on {Convert.ToHexStringLower(bytes)}: {e}");
            }
        }
    }
}
