using CsCheck;
using WolfScale.Protocol;

namespace WolfScale.Unit.Protocol;

public sealed class GtidTests
{
    private static readonly Gen<Gtid> AnyGtid =
        Gen.Select(Gen.UInt, Gen.UInt, Gen.ULong).Select(t => new Gtid(t.Item1, t.Item2, t.Item3));

    [Fact]
    public void Every_gtid_reads_back_from_its_text() => AnyGtid.Sample(g => Gtid.Parse(g.ToString()) == g);

    [Fact]
    public void The_longest_gtid_fits_the_stated_length()
    {
        var longest = new Gtid(uint.MaxValue, uint.MaxValue, ulong.MaxValue);
        Assert.Equal(Gtid.MaxTextLength, longest.ToString().Length);
        Assert.True(longest.TryFormat(new char[Gtid.MaxTextLength], out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0-1")]
    [InlineData("0-1-")]
    [InlineData("0-1-5-6")]
    [InlineData("0--5")]
    [InlineData(" 0-1-5")]
    [InlineData("0-1-+5")]
    [InlineData("4294967296-1-5")]
    [InlineData("0-1-18446744073709551616")]
    [InlineData("a-b-c")]
    public void What_is_not_a_gtid_is_refused(string text) => Assert.False(Gtid.TryParse(text, out _));

    [Fact]
    public void Any_text_is_either_read_or_refused() => Gen.String.Sample(text => Gtid.TryParse(text, out var gtid) ? gtid.ToString().Length > 0 : gtid == default);

    [Fact]
    public void A_position_is_ordered_by_domain_and_equal_by_value()
    {
        var position = GtidPosition.Parse("7-1-9, 0-2-5");
        Assert.Equal("0-2-5,7-1-9", position.ToString());
        Assert.Equal(GtidPosition.Parse("0-2-5,7-1-9"), position);
        Assert.NotEqual(GtidPosition.Parse("0-2-5"), position);
        Assert.Equal(new Gtid(7, 1, 9), position.Find(7));
        Assert.Null(position.Find(1));
    }

    [Fact]
    public void A_group_moves_its_domain_and_leaves_the_others()
    {
        var position = GtidPosition.Empty.With(new Gtid(1, 1, 1)).With(new Gtid(0, 1, 1)).With(new Gtid(1, 2, 2)).With(new Gtid(2, 1, 1));
        Assert.Equal("0-1-1,1-2-2,2-1-1", position.ToString());
        Assert.Equal("0-1-1,2-1-1", position.Without(1).ToString());
    }

    [Theory]
    [InlineData("0-1-1,0-2-2")]
    [InlineData("0-1-1,")]
    [InlineData(",")]
    [InlineData("0-1-1;1-1-1")]
    public void What_is_not_a_position_is_refused(string text) => Assert.False(GtidPosition.TryParse(text, out _));

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void Nothing_is_the_empty_position(string text) => Assert.True(GtidPosition.Parse(text).IsEmpty);
}
