using System.Buffers.Binary;
using CsCheck;
using WolfScale.Cluster.Transport;
using WolfScale.Cluster.Wire;

namespace WolfScale.Unit.Cluster;

public class FrameReaderTests
{
    [Fact]
    public void Frames_come_out_as_they_went_in_however_the_stream_is_cut()
    {
        var frames = Gen.Select(Gen.Byte[16, 200], Gen.Byte.Array[0, 3000]).Array[1, 12];
        Gen.Select(frames, Gen.Int[1, 700]).Sample((sent, chunk) =>
        {
            var bytes = sent.SelectMany(f => Frame(f.Item1, f.Item2)).ToArray();
            using var reader = new FrameReader(new Trickle(bytes, chunk), 256) { MaxBytes = 4096, MaxAppendBytes = 4096 };
            foreach (var (kind, payload) in sent)
            {
                Assert.True(reader.Read(out var readKind, out var readPayload));
                Assert.Equal(kind, (byte)readKind);
                Assert.Equal(payload, readPayload.ToArray());
            }
            Assert.False(reader.Read(out _, out _));
        }, iter: 300);
    }

    [Fact]
    public void A_frame_beyond_the_limit_is_refused_before_anything_is_allocated_for_it()
    {
        var header = new byte[5];
        BinaryPrimitives.WriteUInt32LittleEndian(header, uint.MaxValue);
        using var reader = new FrameReader(new MemoryStream(header));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refused = Assert.Throws<WireFormatException>(() => reader.Read(out _, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Contains("4294967295", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1024, true)]
    [InlineData(1025, false)]
    public void A_stranger_may_send_one_kibibyte_at_a_time(int length, bool accepted)
    {
        using var reader = new FrameReader(new MemoryStream(Frame((byte)FrameKind.Hello, new byte[length - 1])));
        if (accepted)
            Assert.True(reader.Read(out _, out _));
        else
            Assert.Throws<WireFormatException>(() => reader.Read(out _, out _));
    }

    [Fact]
    public void A_frame_that_is_cut_off_is_not_taken_for_a_whole_one()
    {
        var frame = Frame((byte)FrameKind.Status, new byte[500]);
        for (var length = 1; length < frame.Length; length++)
        {
            using var reader = new FrameReader(new MemoryStream(frame, 0, length));
            Assert.Throws<WireFormatException>(() => reader.Read(out _, out _));
        }
    }

    [Fact]
    public void An_empty_frame_is_refused()
    {
        using var reader = new FrameReader(new MemoryStream(new byte[8]));
        Assert.Throws<WireFormatException>(() => reader.Read(out _, out _));
    }

    private static byte[] Frame(byte kind, byte[] payload)
    {
        var frame = new byte[5 + payload.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)(payload.Length + 1));
        frame[4] = kind;
        payload.CopyTo(frame, 5);
        return frame;
    }

    /// <summary>A stream that gives a few bytes at a time.</summary>
    private sealed class Trickle(byte[] bytes, int chunk) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, chunk)]);
    }
}
