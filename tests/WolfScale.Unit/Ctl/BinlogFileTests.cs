using System.Buffers.Binary;
using WolfScale.Ctl.Wal;
using WolfScale.Protocol;
using WolfScale.Protocol.Binlog;
using WolfScale.Wal;

namespace WolfScale.Unit.Ctl;

/// <summary>The log as a binlog file: whole groups and nothing else, every event at its place and with its checksum.</summary>
public sealed class BinlogFileTests : IDisposable
{
    private readonly TempFolder _folder = new("export");
    private long _lsn;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Groups_come_out_event_by_event_with_places_of_this_file()
    {
        var (path, file) = Export([Whole(1, 30), NoOp(), Whole(2, 5000), Configuration(), Whole(3, 1)]);

        Assert.Equal((3, 0), (file.Groups, file.Void));
        Assert.Equal((Key(1), Key(3)), (file.First, file.Last));
        Assert.Equal([EventType.FormatDescription, EventType.Gtid, EventType.Xid, EventType.Gtid, EventType.Xid, EventType.Gtid, EventType.Xid], Events(path).Select(e => e.Type));
    }

    /// <summary>A group in pieces of any size, a configuration between two of them: rule C7 says that interrupts nothing.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public void A_group_in_pieces_is_the_same_group(int pieceBytes)
    {
        var whole = Payload(1, 300);
        var (expected, _) = Export([Whole(1, 300)]);

        var pieces = Pieces(Key(1), whole, pieceBytes);
        pieces.Insert(pieces.Count / 2, Configuration());
        var (path, file) = Export(pieces);

        Assert.Equal((1, 0), (file.Groups, file.Void));
        Assert.Equal(File.ReadAllBytes(expected), File.ReadAllBytes(path));
    }

    /// <summary>C7: what is followed by anything but its continuation was never a transaction, and half of it must not be applied by anybody.</summary>
    [Fact]
    public void C7_void_and_unfinished_groups_and_stray_pieces_are_left_out()
    {
        var pieces = Pieces(Key(2), Payload(2, 200), 50);
        var (path, file) = Export(
        [
            pieces[^1], // its beginning was deleted by retention
            Whole(1, 10),
            .. pieces.Take(3), NoOp(), // the capture died in the middle
            .. pieces.Take(2), Whole(3, 10), // another group instead
            .. pieces, // again, from its beginning
            .. Pieces(Key(4), Payload(4, 200), 50).Take(3), // the log ends
        ]);

        Assert.Equal((3, 2), (file.Groups, file.Void));
        Assert.Equal([1UL, 3UL, 2UL], Events(path).Where(e => e.Type == EventType.Gtid).Select(e => e.Sequence));
    }

    [Fact]
    public void An_existing_file_is_not_touched_and_a_failed_export_leaves_none()
    {
        var path = Path.Combine(_folder.Path, "there");
        File.WriteAllText(path, "mine");
        Assert.Throws<IOException>(() => BinlogFile.Create(path));
        Assert.Equal("mine", File.ReadAllText(path));

        using (var file = BinlogFile.Create(Path.Combine(_folder.Path, "new")))
            Assert.Throws<ProtocolException>(() => file.Take(new WalEntry(1, EntryKind.Group, EntryFlags.First | EntryFlags.Last, Key(1), new byte[40])));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(18)]
    [InlineData(19)]
    [InlineData(1000)]
    public void The_walker_finds_every_event_however_the_pieces_are_cut(int pieceBytes)
    {
        var walker = new EventWalker();
        var seen = new List<(EventType, uint)>();
        foreach (var piece in Payload(1, 300).Chunk(pieceBytes))
            walker.Take(piece, (in SeenEvent e) => seen.Add((e.Header.Type, e.Header.EventLength)));

        Assert.Equal([EventType.Gtid, EventType.Xid], seen.Select(s => s.Item1));
        Assert.True(walker.IsBetweenEvents);
    }

    private static EntryKey Key(ulong sequence) => new(0, 1, sequence);

    /// <summary>A GTID event and an XID event with a body of that many bytes, at places of another file.</summary>
    private static byte[] Payload(ulong sequence, int bytes)
    {
        var body = new byte[13];
        BinaryPrimitives.WriteUInt64LittleEndian(body, sequence);
        return
        [
            .. EventBuilder.Build(new EventHeader(7, EventType.Gtid, 1, 0, 4711, EventHeaderFlags.None), body),
            .. EventBuilder.Build(new EventHeader(7, EventType.Xid, 1, 0, 4712, EventHeaderFlags.None), Wal.WalKit.Payload(bytes, (long)sequence)),
        ];
    }

    private WalEntry Whole(ulong sequence, int bytes) => new(++_lsn, EntryKind.Group, EntryFlags.First | EntryFlags.Last, Key(sequence), Payload(sequence, bytes));

    private WalEntry NoOp() => new(++_lsn, EntryKind.NoOp, EntryFlags.None, default, default);

    private WalEntry Configuration() => new(++_lsn, EntryKind.Configuration, EntryFlags.None, default, new byte[9]);

    private List<WalEntry> Pieces(EntryKey key, byte[] payload, int bytes)
    {
        var chunks = payload.Chunk(bytes).ToList();
        return [.. chunks.Select((chunk, i) => new WalEntry(
            ++_lsn, EntryKind.Group, (i == 0 ? EntryFlags.First : EntryFlags.None) | (i == chunks.Count - 1 ? EntryFlags.Last : EntryFlags.None), key, chunk))];
    }

    private (string Path, BinlogFile File) Export(IEnumerable<WalEntry> entries)
    {
        var path = Path.Combine(_folder.Path, Guid.NewGuid().ToString("n"));
        using var file = BinlogFile.Create(path);
        foreach (var entry in entries)
            file.Take(entry);
        file.Finish();
        Assert.Equal(new FileInfo(path).Length, file.Bytes);
        return (path, file);
    }

    /// <summary>All events of a file; each ends where it says and has the checksum of what it holds.</summary>
    private static List<(EventType Type, ulong Sequence)> Events(string path)
    {
        var bytes = File.ReadAllBytes(path);
        Assert.Equal([0xFE, (byte)'b', (byte)'i', (byte)'n'], bytes[..4]);
        var events = new List<(EventType, ulong)>();
        for (var at = 4; at < bytes.Length;)
        {
            var header = EventHeader.Read(bytes.AsSpan(at));
            var one = bytes.AsSpan(at, (int)header.EventLength);
            at += one.Length;
            Assert.Equal((uint)at, header.LogPosition);
            Assert.True(EventChecksum.IsValid(one), $"{header.Type} ending at {at}");
            events.Add((header.Type, header.Type == EventType.Gtid ? BinaryPrimitives.ReadUInt64LittleEndian(one[EventHeader.Size..]) : 0));
        }

        return events;
    }
}
