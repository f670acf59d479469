using System.Text;
using WolfScale.MariaDb;
using WolfScale.Unit.Wal;
using WolfScale.Wal;

namespace WolfScale.Unit.MariaDb;

/// <summary>Rule C5: what a log gives up is saved from the log itself, whole groups and nothing else.</summary>
public sealed class DiscardedTailTests : IDisposable
{
    private const EntryFlags Whole = EntryFlags.First | EntryFlags.Last;

    private readonly TempFolder _folder = new("discarded");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Whole_groups_after_the_cut_are_saved_and_void_or_unfinished_ones_are_not()
    {
        await using var log = WriteAheadLog.Open(WalKit.On(new SimulatedDisk()));
        log.AddSynced(WalKit.Groups(1, 1, 1, count: 2));
        log.AddSynced(WalKit.Batch(3, 1, (EntryKind.Group, Whole, WalKit.Gtid(3)), (EntryKind.Group, EntryFlags.First, WalKit.Gtid(4))));
        log.AddSynced(WalKit.Configuration(5, 1, "members"));
        log.AddSynced(WalKit.Batch(6, 1, (EntryKind.Group, EntryFlags.Last, WalKit.Gtid(4)), (EntryKind.Group, EntryFlags.First, WalKit.Gtid(5))));
        log.AddSynced(WalKit.NoOp(8, 2)); // makes 0-1-5 void
        log.AddSynced(WalKit.Batch(9, 2, (EntryKind.Group, Whole, WalKit.Gtid(5, server: 2)), (EntryKind.Group, EntryFlags.First, WalKit.Gtid(6, server: 2))));

        var saved = DiscardedTail.Save(log, 3, 10, (first, last) => Path.Combine(_folder.Path, $"{first}-{last}"));

        Assert.Equal(new DiscardedTail(Path.Combine(_folder.Path, "0-1-3-0-2-5"), 3, "0-1-3", "0-2-5"), saved);
        var bytes = File.ReadAllBytes(saved!.File);
        Assert.Equal([0xFE, (byte)'b', (byte)'i', (byte)'n'], bytes[..4]);
        string[] entries = [$"Group {WalKit.Gtid(3)}", $"Group {WalKit.Gtid(4)}", $"Group {WalKit.Gtid(4)}", $"Group {WalKit.Gtid(5, server: 2)}"];
        Assert.EndsWith(string.Concat(entries), Encoding.Latin1.GetString(bytes), StringComparison.Ordinal);
        Assert.DoesNotContain(WalKit.Gtid(5).ToString(), Encoding.Latin1.GetString(bytes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_there_is_no_transaction_there_is_no_file()
    {
        await using var log = WriteAheadLog.Open(WalKit.On(new SimulatedDisk()));
        log.AddSynced(WalKit.Groups(1, 1, 1));
        log.AddSynced(WalKit.NoOp(2, 2));

        Assert.Null(DiscardedTail.Save(log, 2, 2, (_, _) => throw new InvalidOperationException("a file for nothing")));
    }
}
