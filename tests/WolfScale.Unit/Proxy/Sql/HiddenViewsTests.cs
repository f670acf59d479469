using System.Text;
using WolfScale.Proxy.Sql;

namespace WolfScale.Unit.Proxy.Sql;

/// <summary>Views whose names do not show what they do; definitions as MariaDB 10.11 writes them.</summary>
public sealed class HiddenViewsTests
{
    private static readonly HiddenViews Views = HiddenViews.Among(
    [
        ("Above", "select `Lock_It`.`g` AS `g` from `d`.`Lock_It`"), // before the one that it stands on
        ("Lock_It", "select get_lock('lk',0) AS `g`"),
        ("writes", "select `d`.`fw`() AS `x`"),
        ("last", "select last_insert_id() AS `l`"),
        ("who", "select connection_id() AS `c`"),
        ("unseen", ""),
        ("plain", "select count(`d`.`base`.`a`) AS `n`,concat('f(x)') AS `t` from `d`.`base` where `d`.`base`.`a` > 1"),
        ("on_plain", "select `d`.`plain`.`n` AS `n` from `d`.`plain`"),
    ]);

    [Theory]
    [InlineData("SELECT * FROM lock_it", StatementTraits.TakesUserLock)]
    [InlineData("SELECT * FROM `d`.`LOCK_IT`", StatementTraits.TakesUserLock)]
    [InlineData("SELECT a FROM t WHERE a IN (SELECT g FROM d.above)", StatementTraits.TakesUserLock)]
    [InlineData("WITH c AS (SELECT * FROM writes) SELECT * FROM c", StatementTraits.None)]
    [InlineData("SELECT * FROM t JOIN writes USING (x)", StatementTraits.None)]
    [InlineData("TABLE writes", StatementTraits.None)]
    [InlineData("SELECT * FROM last", StatementTraits.RefersToInsertId)]
    [InlineData("SELECT * FROM who", StatementTraits.None)]
    [InlineData("SELECT * FROM unseen", StatementTraits.None)]
    public void What_a_view_hides_is_the_leaders(string sql, StatementTraits traits)
    {
        var statement = Classify(sql, Views);
        Assert.Equal((StatementRoute.Leader, true), (statement.Route, statement.NamesHiddenView));
        var expected = traits | StatementTraits.Doubtful | StatementTraits.CommitCapable;
        Assert.Equal(expected, statement.Traits & expected);
        Assert.Equal(StatementRoute.Local, Classify(sql, HiddenViews.None).Route);
    }

    [Theory]
    [InlineData("SELECT * FROM plain")]
    [InlineData("SELECT * FROM on_plain JOIN t USING (n)")]
    [InlineData("SELECT 'writes' FROM t")]
    [InlineData("SELECT a FROM schön")]
    public void Other_views_and_tables_are_read_anywhere(string sql) => Assert.Equal(StatementRoute.Local, Classify(sql, Views).Route);

    /// <summary>In another character set it is written with other bytes.</summary>
    [Fact]
    public void Where_a_view_has_a_name_that_is_no_ascii_any_such_name_may_be_its()
    {
        var views = HiddenViews.Among([("größe", "select `f`() AS `x`")]);
        Assert.Equal(StatementRoute.Leader, Classify("SELECT a FROM schön", views).Route);
        Assert.Equal(StatementRoute.Local, Classify("SELECT a FROM t", views).Route);
    }

    /// <summary>A proxy elsewhere compares as the node does, by what the node tells.</summary>
    [Theory]
    [InlineData("SELECT * FROM lock_it", true)]
    [InlineData("SELECT * FROM `d`.`LOCK_IT`", true)]
    [InlineData("SELECT * FROM last", true)]
    [InlineData("TABLE unseen", true)]
    [InlineData("CALL Does()", false)] // a CALL is the leader's anyway
    [InlineData("SELECT * FROM plain", false)]
    [InlineData("SELECT a FROM schön", false)]
    public void What_is_told_elsewhere_is_the_same(string sql, bool hides)
    {
        var told = HiddenViews.Told(Views.Hashes, Views.HasOddNames);
        Assert.Equal(Views.Version, told.Version);
        var (here, there) = (Classify(sql, Views), Classify(sql, told));
        Assert.Equal((here.Route, here.Traits, hides), (there.Route, there.Traits, there.NamesHiddenView));
    }

    [Fact]
    public void The_version_is_another_with_other_names_and_with_other_doings()
    {
        string[] versions =
        [
            HiddenViews.None.Version,
            HiddenViews.Among([("v", "select get_lock('lk',0) AS `g`")]).Version,
            HiddenViews.Among([("w", "select get_lock('lk',0) AS `g`")]).Version,
            HiddenViews.Among([("v", "select last_insert_id() AS `l`")]).Version,
            HiddenViews.Among([("größe", "select last_insert_id() AS `l`")]).Version,
        ];
        Assert.Distinct(versions);
        Assert.Equal(versions[1], HiddenViews.Among([("plain", "select 1 AS `a`"), ("V", "select get_lock('lk',0) AS `g`")]).AsOld().Version);
    }

    private static StatementClass Classify(string sql, HiddenViews views) =>
        StatementClassifier.Classify(Encoding.UTF8.GetBytes(sql), new ClassifierOptions { Views = views });
}
