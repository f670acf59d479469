using WolfScale.MariaDb.Dump;

namespace WolfScale.Unit.MariaDb;

public class CommitPointsTests
{
    /// <summary>The transaction that finds the table empty is a bulk load, which is dear while it is open.</summary>
    [Fact]
    public void A_tables_first_statement_is_a_transaction_of_its_own_and_then_16_MiB_are()
    {
        var points = new CommitPoints();
        Assert.True(points.After(100));

        var sizes = new List<long>();
        var bytes = 0L;
        for (var i = 0; i < (120 << 20) / DumpSink.PieceBytes; i++)
        {
            bytes += DumpSink.PieceBytes;
            if (!points.After(DumpSink.PieceBytes))
                continue;
            sizes.Add(bytes);
            bytes = 0;
        }

        Assert.Equal(7, sizes.Count);
        Assert.All(sizes, s => Assert.Equal(CommitPoints.TransactionBytes, s));
    }
}
