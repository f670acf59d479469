using System.Buffers;
using System.Buffers.Binary;
using CsCheck;
using WolfScale.MariaDb;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;

namespace WolfScale.Unit.Protocol;

/// <summary>Groups in, packets out: the same events, at running positions, with right checksums, however the bytes were cut.</summary>
public sealed class FeedEncoderTests
{
    private static readonly byte[] Recorded = [.. RecordedBinlog.Events().SelectMany(e => e)];

    [Fact]
    public void Events_cut_anywhere_come_out_whole_with_running_positions() =>
        Gen.Select(Gen.Int[1, 400].Array[1, 60], Gen.Int[64, 5000], Gen.Bool).Sample((cuts, bufferBytes, semiSync) =>
        {
            var sink = new Sink();
            var encoder = new FeedEncoder(sink, bufferBytes, semiSync);
            encoder.SetPosition(256);
            var rest = Recorded.AsSpan();
            for (var i = 0; !rest.IsEmpty; i++)
            {
                var piece = Math.Min(cuts[i % cuts.Length], rest.Length);
                encoder.Write(rest[..piece]);
                rest = rest[piece..];
            }

            Assert.True(encoder.IsBetweenEvents);
            encoder.Flush();
            AssertSame(RecordedBinlog.Events(), sink.Events(semiSync), 256);
            Assert.Equal(256 + Recorded.Length, encoder.Position);
        });

    [Theory]
    [InlineData(PacketHeader.MaxPayload - 4)] // with the three bytes before it: one byte less than a full packet
    [InlineData(PacketHeader.MaxPayload - 3)] // exactly a full packet: an empty one follows
    [InlineData(PacketHeader.MaxPayload - 2)]
    [InlineData((2 * PacketHeader.MaxPayload) - 3)]
    [InlineData(40_000_000)]
    public void An_event_over_16_mib_goes_over_several_packets(int length)
    {
        var large = EventBuilder.Build(
            new EventHeader(1, EventType.WriteRowsV1, 1, 0, 9, EventHeaderFlags.None), new byte[length - EventHeader.Size - EventChecksum.Size]);
        var sink = new Sink();
        var encoder = new FeedEncoder(sink, 64 << 10, semiSync: true);
        encoder.SetPosition(4);
        foreach (var piece in large.Chunk(1 << 20))
            encoder.Write(piece);
        encoder.Write(RecordedBinlog.Events().First());
        encoder.Flush();
        AssertSame([large, RecordedBinlog.Events().First()], sink.Events(true), 4);
    }

    [Fact]
    public void A_position_beyond_4_gib_is_written_modulo_32_bits()
    {
        var sink = new Sink();
        var encoder = new FeedEncoder(sink, 1000, semiSync: false);
        encoder.SetPosition(uint.MaxValue - 10);
        var first = RecordedBinlog.Events().First();
        encoder.Write(first);
        encoder.Flush();
        Assert.Equal(uint.MaxValue - 10L + first.Length, encoder.Position);
        Assert.Equal((uint)encoder.Position, EventHeader.Read(sink.Events(false).Single()).LogPosition);
    }

    [Fact]
    public void Bytes_that_are_no_events_are_refused() =>
        Assert.Throws<ProtocolException>(() => new FeedEncoder(new Sink(), 1000, semiSync: true).Write(new byte[100]));

    private static void AssertSame(IEnumerable<byte[]> expected, IEnumerable<byte[]> actual, long position)
    {
        var sent = actual.ToList();
        var index = 0;
        foreach (var before in expected)
        {
            var after = sent[index++];
            position += before.Length;
            Assert.True(EventChecksum.IsValid(after));
            Assert.Equal((uint)position, EventHeader.Read(after).LogPosition);
            var rewritten = before.ToArray();
            BinaryPrimitives.WriteUInt32LittleEndian(rewritten.AsSpan(EventHeader.LogPositionOffset), (uint)position);
            EventChecksum.Set(rewritten);
            Assert.True(after.AsSpan().SequenceEqual(rewritten));
        }

        Assert.Equal(sent.Count, index);
    }

    private sealed class Sink : IFeedSink
    {
        private readonly ArrayBufferWriter<byte> _sent = new();

        public void Send(ReadOnlySpan<byte> bytes) => _sent.Write(bytes);

        /// <summary>Joins the packets, checks their sequence, and takes off what stands before the event.</summary>
        public List<byte[]> Events(bool semiSync)
        {
            var events = new List<byte[]>();
            var joined = new List<byte>();
            byte sequence = 1;
            for (var rest = _sent.WrittenSpan; !rest.IsEmpty;)
            {
                var header = PacketHeader.Read(rest);
                Assert.Equal(sequence++, header.Sequence);
                joined.AddRange(rest.Slice(PacketHeader.Size, header.PayloadLength));
                rest = rest[(PacketHeader.Size + header.PayloadLength)..];
                if (header.IsContinued)
                    continue;
                Assert.Equal(semiSync ? [0, 0xEF, 0] : new byte[] { 0 }, joined[..(semiSync ? 3 : 1)]);
                events.Add([.. joined[(semiSync ? 3 : 1)..]]);
                joined.Clear();
            }

            Assert.Empty(joined);
            return events;
        }
    }
}
