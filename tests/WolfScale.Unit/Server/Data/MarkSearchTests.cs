using System.Text;
using WolfScale.Server.Http.Data.Committed;
using WolfScale.Unit.Wal;
using WolfScale.Wal;

namespace WolfScale.Unit.Server.Data;

/// <summary>A transaction found in the log by a text in its rows.</summary>
public class MarkSearchTests
{
    private static readonly byte[] Mark = Encoding.ASCII.GetBytes("0123456789abcdef");

    [Fact]
    public async Task It_is_found_in_one_entry_or_over_the_cut_between_two()
    {
        await using var log = WriteAheadLog.Open(WalKit.On(new SimulatedDisk()));
        Append(log, 1, Group(1, "nothing"), Group(2, "..0123456789abcdef.."));
        Append(log, 3, First(3, "a long beginning 01234567"), Last(3, "89abcdef and an end"));

        Assert.Equal((WalKit.Gtid(2), 2L), Search(log, 1, 4));
        Assert.Equal((WalKit.Gtid(3), 4L), Search(log, 3, 4));
        Assert.Null(Search(log, 1, 0));
    }

    [Fact]
    public async Task A_text_of_a_void_group_is_not_found()
    {
        await using var log = WriteAheadLog.Open(WalKit.On(new SimulatedDisk()));
        Append(log, 1, First(1, "0123456789abcdef"), Group(2, "another"), First(3, "01234567"), Group(4, "89abcdef and more text"));

        Assert.Null(Search(log, 1, 4));
    }

    private static (EntryKey, long)? Search(WriteAheadLog log, long from, long through) => new MarkSearch(log.OpenCursor(from), Mark, 1 << 20).Go(through);

    private static (EntryFlags, EntryKey, string) Group(ulong sequence, string text) => (EntryFlags.First | EntryFlags.Last, WalKit.Gtid(sequence), text);

    private static (EntryFlags, EntryKey, string) First(ulong sequence, string text) => (EntryFlags.First, WalKit.Gtid(sequence), text);

    private static (EntryFlags, EntryKey, string) Last(ulong sequence, string text) => (EntryFlags.Last, WalKit.Gtid(sequence), text);

    private static void Append(WriteAheadLog log, long lsn, params (EntryFlags Flags, EntryKey Key, string Text)[] entries)
    {
        using var builder = new WalBatchBuilder();
        foreach (var (flags, key, text) in entries)
            Assert.True(builder.TryAdd(EntryKind.Group, flags, key, Encoding.ASCII.GetBytes(text)));
        log.Append(builder.Seal().Assign(lsn, 1));
    }
}
