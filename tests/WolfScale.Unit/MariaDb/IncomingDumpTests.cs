using System.Text;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Dump;

namespace WolfScale.Unit.MariaDb;

/// <summary>A dump is whole by its last line, or it is not taken.</summary>
public class IncomingDumpTests
{
    private static readonly byte[] Text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 40).Select(i => $"INSERT INTO t VALUES ({i}, '-- WolfScale dump ends: not yet');\n")));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(255)]
    [InlineData(100_000)]
    public async Task A_whole_dump_arrives_as_it_was_however_it_is_cut_up(int piece)
    {
        using var target = new MemoryStream();

        await ReadAsync(Dump(), piece, target);

        Assert.Equal(Text, target.ToArray());
    }

    [Fact]
    public async Task One_that_ends_anywhere_else_is_refused()
    {
        var whole = Dump();
        for (var length = 0; length < whole.Length; length++)
            _ = await Assert.ThrowsAsync<DumpException>(() => ReadAsync(whole[..length], 997, Stream.Null));
    }

    [Fact]
    public async Task One_with_a_byte_that_changed_was_lost_or_was_added_is_refused()
    {
        var whole = Dump();
        for (var at = 0; at < whole.Length; at += 3)
        {
            byte[] changed = [.. whole];
            changed[at] ^= 1;
            foreach (var wrong in (byte[][])[changed, [.. whole[..at], .. whole[(at + 1)..]], [.. whole[..at], 0x20, .. whole[at..]]])
                _ = await Assert.ThrowsAsync<DumpException>(() => ReadAsync(wrong, 997, Stream.Null));
        }
    }

    private static byte[] Dump()
    {
        using var target = new MemoryStream();
        using var sink = new DumpSink(target);
        sink.Write(Text.AsSpan(0, 100));
        sink.Write(Text.AsSpan(100));
        sink.End();
        return target.ToArray();
    }

    private static async Task ReadAsync(byte[] dump, int piece, Stream target)
    {
        using var incoming = new IncomingDump();
        await incoming.CopyAsync(new Pieces(dump, piece), target, _ => { }, CancellationToken.None);
    }

    /// <summary>Gives at most so many bytes at a time.</summary>
    private sealed class Pieces(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(size, buffer.Length)], cancellationToken);
    }
}
