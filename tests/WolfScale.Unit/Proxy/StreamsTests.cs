using WolfScale.Protocol;
using WolfScale.Proxy.Net;
using WolfScale.Proxy.Sessions;

namespace WolfScale.Unit.Proxy;

/// <summary>What follows bytes that nobody keeps: where a long command ends, where a file ends; and what keeps a few.</summary>
public class StreamsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300)]
    [InlineData(PacketHeader.MaxPayload - 1)]
    [InlineData(PacketHeader.MaxPayload)] // ends with an empty packet
    [InlineData(PacketHeader.MaxPayload + 1)]
    [InlineData(2 * PacketHeader.MaxPayload)]
    public void A_command_ends_where_its_last_packet_ends(int length)
    {
        var command = Command(length);
        byte[] bytes = [.. command, .. "the next one"u8];

        var whole = new CommandStream();
        Assert.Equal(command.Length, whole.Take(bytes));
        Assert.True(whole.IsWhole);
        Assert.Equal(0, whole.Take(bytes.AsSpan(command.Length)));
    }

    [Fact]
    public void It_makes_no_difference_where_a_command_is_cut()
    {
        var command = Command(40);
        foreach (var cut in Enumerable.Range(0, command.Length + 1))
        {
            var stream = new CommandStream();
            var taken = stream.Take(command.AsSpan(0, cut));
            Assert.Equal(cut == command.Length, stream.IsWhole);
            taken += stream.Take(command.AsSpan(taken));
            Assert.Equal(command.Length, taken);
            Assert.True(stream.IsWhole);
        }

        var long1 = Command(PacketHeader.MaxPayload + 2);
        foreach (var cut in Enumerable.Range(PacketHeader.MaxPayload - 2, 12))
        {
            var stream = new CommandStream();
            var taken = stream.Take(long1.AsSpan(0, cut));
            Assert.InRange(taken, cut - PacketHeader.Size + 1, cut);
            Assert.Equal(cut == long1.Length, stream.IsWhole);
            Assert.Equal(long1.Length, taken + stream.Take(long1.AsSpan(taken)));
            Assert.True(stream.IsWhole);
        }
    }

    [Fact]
    public void A_file_ends_with_an_empty_packet_and_is_counted_as_the_server_counts()
    {
        byte[] file = [3, 0, 0, 2, 1, 2, 3, 1, 0, 0, 3, 9, 0, 0, 0, 4];
        byte[] expected = [3, 0, 0, 0, 1, 2, 3, 1, 0, 0, 1, 9, 0, 0, 0, 2];
        for (var cut = 0; cut <= file.Length; cut++)
        {
            byte[] bytes = [.. file, 1, 0, 0, 0, 14]; // a ping follows
            var stream = new WolfScale.Proxy.Sessions.FileStream();
            stream.Begin(2);
            var taken = stream.Take(bytes.AsSpan(0, cut));
            Assert.Equal(cut == file.Length, stream.IsOver);
            taken += stream.Take(bytes.AsSpan(taken));
            Assert.True(stream.IsOver);
            Assert.Equal(file.Length, taken);
            Assert.Equal([.. expected, 1, 0, 0, 0, 14], bytes);
        }
    }

    /// <summary>Of data whose length is a multiple of the longest packet's an empty packet is the end, and another one is the file's.</summary>
    [Fact]
    public void An_empty_packet_behind_one_as_long_as_can_be_ends_that_and_not_the_file()
    {
        byte[] file = [.. Command(PacketHeader.MaxPayload), .. Command(0)];
        var stream = new WolfScale.Proxy.Sessions.FileStream();
        stream.Begin(0);
        Assert.Equal(file.Length - PacketHeader.Size, stream.Take(file.AsSpan(0, file.Length - PacketHeader.Size)));
        Assert.False(stream.IsOver);
        Assert.Equal(PacketHeader.Size, stream.Take(file.AsSpan(file.Length - PacketHeader.Size)));
        Assert.True(stream.IsOver);
    }

    [Fact]
    public void A_second_file_begins_anew()
    {
        var stream = new WolfScale.Proxy.Sessions.FileStream();
        stream.Begin(0);
        Assert.Equal(4, stream.Take(new byte[] { 0, 0, 0, 2 }));
        stream.Begin(1);
        Assert.False(stream.IsOver);
        byte[] bytes = [0, 0, 0, 0];
        Assert.Equal(4, stream.Take(bytes));
        Assert.Equal(0xFF, bytes[3]); // modulo 256
    }

    [Fact]
    public void Held_bytes_come_back_once()
    {
        var held = default(HeldBytes);
        var buffer = new byte[100];
        Assert.Equal(0, held.TakeInto(buffer));

        held.Hold(default);
        Assert.Equal(0, held.Length);

        byte[] bytes = [1, 2, 3];
        held.Hold(bytes);
        bytes[0] = 9; // it keeps its own
        Assert.Equal(3, held.Length);
        Assert.Equal(3, held.TakeInto(buffer));
        Assert.Equal([1, 2, 3, 0], buffer[..4]);
        Assert.Equal(0, held.TakeInto(buffer));

        held.Hold(bytes);
        held.Release();
        held.Release();
        Assert.Equal(0, held.Length);
    }

    private static byte[] Command(int length)
    {
        var writer = new PacketWriter();
        writer.Begin().Zeros(length).End();
        return writer.Written.ToArray();
    }
}
