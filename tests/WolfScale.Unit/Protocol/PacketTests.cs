using CsCheck;
using WolfScale.Protocol;

namespace WolfScale.Unit.Protocol;

public sealed class PacketTests
{
    [Fact]
    public void Every_field_reads_back_as_it_was_written() =>
        Gen.Select(Gen.Byte, Gen.UShort, Gen.UInt, Gen.ULong, Gen.Byte.Array[0, 300], Gen.String[Gen.Char.AlphaNumeric, 0, 50]).Sample(t =>
        {
            var writer = new PacketWriter();
            writer.Begin().Byte(t.Item1).UInt16(t.Item2).UInt32(t.Item3).UInt64(t.Item4).LengthEncodedInteger(t.Item4)
                .LengthEncodedBytes(t.Item5).NullTerminated(t.Item6).LengthEncodedText(t.Item6).End();
            var reader = new PayloadReader(writer.Written.Span[PacketHeader.Size..]);
            Assert.Equal(t.Item1, reader.ReadByte());
            Assert.Equal(t.Item2, reader.ReadUInt16());
            Assert.Equal(t.Item3, reader.ReadUInt32());
            Assert.Equal(t.Item4, reader.ReadUInt64());
            Assert.Equal(t.Item4, reader.ReadLengthEncodedInteger());
            Assert.Equal(t.Item5, reader.ReadLengthEncodedBytes());
            Assert.Equal(t.Item6, System.Text.Encoding.UTF8.GetString(reader.ReadNullTerminated()));
            Assert.Equal(t.Item6, System.Text.Encoding.UTF8.GetString(reader.ReadLengthEncodedBytes()));
            Assert.True(reader.IsAtEnd);
        });

    [Theory]
    [InlineData(0UL, 1)]
    [InlineData(250UL, 1)]
    [InlineData(251UL, 3)]
    [InlineData(65535UL, 3)]
    [InlineData(65536UL, 4)]
    [InlineData(16777215UL, 4)]
    [InlineData(16777216UL, 9)]
    [InlineData(ulong.MaxValue, 9)]
    public void A_length_encoded_integer_takes_as_many_bytes_as_the_protocol_says(ulong value, int bytes)
    {
        var writer = new PacketWriter();
        writer.Begin().LengthEncodedInteger(value).End();
        Assert.Equal(PacketHeader.Size + bytes, writer.Written.Length);
        Assert.Equal(value, new PayloadReader(writer.Written.Span[PacketHeader.Size..]).ReadLengthEncodedInteger());
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(PacketHeader.MaxPayload - 1, 1)]
    [InlineData(PacketHeader.MaxPayload, 2)]
    [InlineData(PacketHeader.MaxPayload + 1, 2)]
    [InlineData((2 * PacketHeader.MaxPayload) + 5, 3)]
    public void A_long_payload_is_split_and_an_exact_multiple_ends_in_an_empty_packet(int length, int packets)
    {
        var payload = new byte[length];
        new Random(1).NextBytes(payload);
        var writer = new PacketWriter { Sequence = 254 };
        writer.Begin().Bytes(payload).End();
        writer.Begin().Byte(42).End();

        var rest = writer.Written.Span;
        Assert.Equal(PacketHeader.WireLength(length) + 5, rest.Length);
        using var joined = new MemoryStream();
        for (var i = 0; i < packets; i++)
        {
            var header = PacketHeader.Read(rest);
            Assert.Equal((byte)(254 + i), header.Sequence);
            Assert.Equal(i < packets - 1, header.IsContinued);
            joined.Write(rest.Slice(PacketHeader.Size, header.PayloadLength));
            rest = rest[(PacketHeader.Size + header.PayloadLength)..];
        }

        Assert.True(joined.ToArray().AsSpan().SequenceEqual(payload));
        Assert.Equal((byte)(254 + packets), PacketHeader.Read(rest).Sequence);
    }

    [Fact]
    public void No_sequence_of_reads_leaves_the_payload() =>
        Gen.Select(Gen.Byte.Array[0, 40], Gen.Int[0, 11].Array[1, 30], Gen.Int[-5, 60]).Sample((payload, reads, count) =>
        {
            var reader = new PayloadReader(payload);
            foreach (var read in reads)
            {
                var before = reader.Position;
                try
                {
                    ReadOne(ref reader, read, count);
                }
                catch (ProtocolException)
                {
                    Assert.Equal(before, reader.Position);
                }

                Assert.InRange(reader.Position, before, payload.Length);
            }
        });

    [Theory]
    [InlineData(new byte[] { 0xFB })] // NULL is not a length
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xFC, 1 })]
    [InlineData(new byte[] { 5, 1, 2 })]
    [InlineData(new byte[] { 0xFE, 255, 255, 255, 255, 255, 255, 255, 255 })]
    public void A_length_that_cannot_be_is_refused(byte[] payload) =>
        Assert.Throws<ProtocolException>(() => new PayloadReader(payload).ReadLengthEncodedBytes().Length);

    private static void ReadOne(ref PayloadReader reader, int read, int count)
    {
        switch (read)
        {
            case 0: _ = reader.ReadByte(); break;
            case 1: _ = reader.ReadUInt16(); break;
            case 2: _ = reader.ReadUInt24(); break;
            case 3: _ = reader.ReadUInt32(); break;
            case 4: _ = reader.ReadUInt48(); break;
            case 5: _ = reader.ReadUInt64(); break;
            case 6: _ = reader.ReadLengthEncodedInteger(); break;
            case 7: _ = reader.ReadLengthEncodedBytes(); break;
            case 8: _ = reader.ReadNullTerminated(); break;
            case 9: _ = reader.ReadBytes(count); break;
            case 10: _ = reader.PeekByte(); break;
            default: _ = reader.TryReadLengthEncodedBytes(out _); break;
        }
    }
}
