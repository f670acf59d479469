using System.Text;
using WolfScale.MariaDb.Verifying;

namespace WolfScale.Unit.MariaDb;

/// <summary>The statements that compare a table piece by piece.</summary>
public class VerifiedTableTests
{
    private static readonly VerifiedColumn Number = new("id", ColumnKind.Number, "", "");
    private static readonly VerifiedColumn Text = new("a`b", ColumnKind.Text, "latin1", "latin1_german1_ci");
    private static readonly VerifiedColumn Time = new("t", ColumnKind.Time, "", "");
    private static readonly VerifiedColumn Real = new("r", ColumnKind.Real, "", "");

    [Fact]
    public void A_piece_of_a_table_with_a_number_for_a_key()
    {
        var table = new VerifiedTable("s", "t", [Number, Real], [Number]);

        Assert.EndsWith(
            "MD5(CONCAT_WS('#',ISNULL(`id`),IFNULL(`id`,''),ISNULL(`r`),IFNULL(`r`+0E0,''))) AS h FROM `s`.`t` WHERE `id`>7 AND `id`<=-12.5) AS r",
            table.SumSql([Hex("7")], [Hex("-12.5")]), StringComparison.Ordinal);
        Assert.EndsWith("FROM `s`.`t`) AS r", table.SumSql(null, null), StringComparison.Ordinal);
        Assert.EndsWith("FROM `s`.`t` WHERE `id`>7 ORDER BY `id` LIMIT 9,1", table.EdgeSql([Hex("7")], 10), StringComparison.Ordinal);
    }

    /// <summary>MariaDB finds no range in a comparison of row constructors; written out, the first column's part opens the index.</summary>
    [Fact]
    public void A_piece_of_a_table_whose_key_has_several_columns()
    {
        var table = new VerifiedTable("s", "t", [Text, Time], [Text, Time]);
        var (name, time) = ("_latin1 x'E4' COLLATE latin1_german1_ci", "'2026-01-02 03:04:05.678'");

        Assert.EndsWith(
            $"WHERE (`a``b`>={name} AND ((`a``b`>{name}) OR (`a``b`={name} AND `t`>{time}))) AND (`a``b`<={name} AND ((`a``b`<{name}) OR (`a``b`={name} AND `t`<={time})))) AS r",
            table.SumSql(["E4", Hex("2026-01-02 03:04:05.678")], ["E4", Hex("2026-01-02 03:04:05.678")]), StringComparison.Ordinal);
    }

    /// <summary>Bounds come over the network.</summary>
    [Theory]
    [InlineData("1 OR 1=1")]
    [InlineData("1;DROP TABLE t")]
    [InlineData("0x10")]
    [InlineData("")]
    public void What_is_no_value_of_the_key_is_not_made_a_statement(string value)
    {
        _ = Assert.Throws<ArgumentException>(() => new VerifiedTable("s", "t", [Number], [Number]).SumSql([Hex(value)], null));
        _ = Assert.Throws<ArgumentException>(() => new VerifiedTable("s", "t", [Time], [Time]).SumSql([Hex(value + "'")], null));
        _ = Assert.Throws<ArgumentException>(() => new VerifiedTable("s", "t", [Text], [Text]).SumSql([value + "'"], null));
        _ = Assert.Throws<ArgumentException>(() => new VerifiedTable("s", "t", [Number], [Number]).SumSql([Hex("1"), Hex("2")], null));
    }

    private static string Hex(string text) => Convert.ToHexString(Encoding.ASCII.GetBytes(text));
}
