using WolfScale.MariaDb.Dump;

namespace WolfScale.Unit.MariaDb;

/// <summary>What a copy takes from commits it takes in even steps, however its writer writes.</summary>
public class DumpSinkTests
{
    [Fact]
    public void Nothing_is_written_but_in_pieces_with_the_pace_between_them()
    {
        using var target = new MemoryStream();
        var steps = new List<(long Paced, long Written)>();
        using var sink = new DumpSink(target, bytes => steps.Add((bytes, target.Length)));

        sink.Write(new byte[(2 * DumpSink.PieceBytes) + 10]);
        Assert.Equal([(DumpSink.PieceBytes, DumpSink.PieceBytes), (DumpSink.PieceBytes, 2 * DumpSink.PieceBytes)], steps);

        sink.Write(new byte[DumpSink.PieceBytes - 20]);
        Assert.Equal(2, steps.Count);
        sink.Write(new byte[20]);
        Assert.Equal((DumpSink.PieceBytes + 10, target.Length), steps[^1]);
    }
}
