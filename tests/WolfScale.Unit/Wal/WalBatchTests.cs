using System.Buffers;
using WolfScale.Wal;

namespace WolfScale.Unit.Wal;

public sealed class WalBatchTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_goes_in_comes_out_with_consecutive_LSNs(bool compressible)
    {
        byte[][] payloads = [.. Enumerable.Range(0, 20).Select(i => compressible ? new byte[300 + i] : WalKit.Payload(300 + i, i))];
        using var builder = new WalBatchBuilder();
        for (int i = 0; i < payloads.Length; i++)
            Assert.True(builder.TryAdd(EntryKind.Group, EntryFlags.First | EntryFlags.Last, WalKit.Gtid(100 + (ulong)i), payloads[i]));
        int raw = builder.Bytes;

        WalBatch sent = builder.Seal().Assign(firstLsn: 7, term: 3);
        WalBatch received = WalBatch.Parse(sent.Bytes.Span);

        Assert.Equal(compressible, sent.Bytes.Length < raw);
        Assert.Equal(sent.Bytes.ToArray(), received.Bytes.ToArray());
        Assert.Equal((7, 26, 3, 20, EntryKind.Group), (received.FirstLsn, received.LastLsn, received.Term, received.Count, received.FirstKind));
        using EntryReader entries = received.Entries();
        for (int i = 0; i < payloads.Length; i++)
        {
            Assert.True(entries.MoveNext());
            Assert.Equal((7 + i, EntryKind.Group, WalKit.Gtid(100 + (ulong)i)), (entries.Current.Lsn, entries.Current.Kind, entries.Current.Key));
            Assert.Equal(payloads[i], entries.Current.Payload.ToArray());
        }

        Assert.False(entries.MoveNext());
        Assert.True(builder.IsEmpty);
    }

    [Fact]
    public void Every_flipped_bit_is_found()
    {
        byte[] good = WalKit.Groups(1, 1, 1, count: 3, payloadBytes: 40).Bytes.ToArray();
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<WalFormatException>(() => WalBatch.Parse(bad));
        }
    }

    [Fact]
    public void A_batch_that_is_cut_short_or_followed_by_something_is_not_a_batch()
    {
        byte[] good = WalKit.Groups(1, 1, 1).Bytes.ToArray();
        for (int length = 0; length < good.Length; length++)
            Assert.Throws<WalFormatException>(() => WalBatch.Parse(good.AsSpan(0, length)));
        Assert.Throws<WalFormatException>(() => WalBatch.Parse([.. good, 0]));
    }

    [Fact]
    public void A_stream_reader_learns_the_length_from_the_header_and_refuses_a_longer_one_before_it_allocates()
    {
        byte[] batch = WalKit.Groups(1, 1, 1, payloadBytes: 5000).Bytes.ToArray();
        Assert.Equal(batch.Length, WalBatch.TotalLength(batch.AsSpan(0, WalBatch.HeaderBytes)));
        Assert.Throws<WalFormatException>(() => WalBatch.TotalLength(batch, maxBytes: 4096));
        Assert.Throws<WalFormatException>(() => WalBatch.TotalLength(new byte[WalBatch.HeaderBytes]));
    }

    [Fact]
    public void A_full_builder_says_so_and_a_configuration_is_always_alone()
    {
        using var builder = new WalBatchBuilder(maxBytes: 1000, maxEntries: 3);
        Assert.True(builder.TryAdd(EntryKind.Group, EntryFlags.First, WalKit.Gtid(1), new byte[2000])); // one entry may be larger
        Assert.False(builder.TryAdd(EntryKind.Group, EntryFlags.Last, WalKit.Gtid(1), new byte[1]));
        builder.Clear();
        for (int i = 0; i < 3; i++)
            Assert.True(builder.TryAdd(EntryKind.NoOp, EntryFlags.None, default, []));
        Assert.False(builder.TryAdd(EntryKind.NoOp, EntryFlags.None, default, []));
        Assert.False(builder.TryAdd(EntryKind.Configuration, EntryFlags.None, default, []));
        builder.Clear();
        Assert.True(builder.TryAdd(EntryKind.Configuration, EntryFlags.None, default, [1]));
        Assert.False(builder.TryAdd(EntryKind.NoOp, EntryFlags.None, default, []));
        builder.Clear();
        Assert.Throws<InvalidOperationException>(() => builder.Seal());
        Assert.Throws<ArgumentException>(() => builder.TryAdd(EntryKind.Group, EntryFlags.First, default, new byte[WalBatch.MaxPayloadBytes + 1]));
        Assert.Throws<ArgumentException>(() => builder.TryAdd(EntryKind.NoOp, EntryFlags.Last, default, []));
    }

    [Fact]
    public void A_released_batch_cannot_be_read_retained_or_released_again()
    {
        WalBatch batch = WalKit.Groups(1, 1, 1);
        batch.Retain();
        batch.Release();
        Assert.NotEqual(0, batch.Bytes.Length);
        batch.Release();
        Assert.Throws<ObjectDisposedException>(() => batch.Bytes);
        Assert.Throws<ObjectDisposedException>(() => batch.Retain());
        Assert.Throws<InvalidOperationException>(() => batch.Release());
    }

    [Theory]
    [InlineData(100, false)]
    [InlineData(3000, true)]
    public void A_small_batch_keeps_no_large_buffer(int payload, bool compressible)
    {
        using var builder = new WalBatchBuilder();
        for (int i = 0; i < 10; i++)
        {
            builder.TryAdd(EntryKind.Group, EntryFlags.First | EntryFlags.Last, WalKit.Gtid(1), compressible ? new byte[payload] : WalKit.Payload(payload, 1));
            WalBatch batch = builder.Seal().Assign(1, 1);
            Assert.InRange(batch.Capacity, batch.Bytes.Length, 2 * batch.Bytes.Length);
            using (EntryReader entries = batch.Entries())
                Assert.True(entries.MoveNext() && entries.Current.Payload.Length == payload);
            batch.Release();
        }
    }

    [Fact]
    public void A_sealed_batch_gets_its_place_once()
    {
        using var builder = new WalBatchBuilder();
        builder.TryAdd(EntryKind.NoOp, EntryFlags.None, default, []);
        using SealedBatch sealedBatch = builder.Seal();
        sealedBatch.Assign(1, 1).Release();
        Assert.Throws<InvalidOperationException>(() => sealedBatch.Assign(2, 1));
    }

    [Fact]
    public void A_buffer_taken_over_is_given_back_with_the_last_reference_and_when_it_holds_no_batch()
    {
        byte[] bytes = WalKit.Groups(1, 1, 1).Bytes.ToArray();
        var owner = new CountingOwner(bytes);
        WalBatch batch = WalBatch.Parse(owner, bytes.Length);
        Assert.Equal(0, owner.Disposed);
        batch.Release();
        Assert.Equal(1, owner.Disposed);

        bytes[20] ^= 1;
        var bad = new CountingOwner(bytes);
        Assert.Throws<WalFormatException>(() => WalBatch.Parse(bad, bytes.Length));
        Assert.Equal(1, bad.Disposed);
    }

    private sealed class CountingOwner(byte[] bytes) : IMemoryOwner<byte>
    {
        public int Disposed { get; private set; }

        public Memory<byte> Memory => bytes;

        public void Dispose() => Disposed++;
    }
}
