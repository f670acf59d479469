using System.Text;
using WolfScale.MariaDb;
using WolfScale.Proxy.Sql;

namespace WolfScale.Integration.Database;

/// <summary>Views of which a proxy has to know, as a real server shows them to WolfScale's account.</summary>
public class ViewListTests
{
    [Fact]
    public async Task What_a_view_hides_is_found_in_the_servers_own_words()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync(
            "CREATE DATABASE d",
            "CREATE TABLE d.base (a INT)",
            "CREATE FUNCTION d.f() RETURNS INT DETERMINISTIC RETURN 1",
            "CREATE VIEW d.calls AS SELECT d.f() AS x",
            "CREATE VIEW d.locks AS SELECT GET_LOCK('lk', 0) AS g",
            "CREATE VIEW d.above AS SELECT g FROM d.locks",
            "CREATE VIEW d.asks AS SELECT LAST_INSERT_ID() AS l",
            "CREATE VIEW d.plain AS SELECT COUNT(*) AS n, MAX(a) AS m, CONCAT('f(', a, ')') AS t FROM d.base WHERE a > 1 GROUP BY a");
        using var changed = new SemaphoreSlim(0);
        var views = HiddenViews.None;
        await using var list = new ViewList(pair.One.Options, all => { views = HiddenViews.Among(all); changed.Release(); }, TimeProvider.System);
        Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        Assert.Equal("above asks calls locks", Hidden(views));

        await pair.One.ExecuteAsync("ALTER VIEW d.calls AS SELECT 1 AS x", "CREATE VIEW d.later AS SELECT CONNECTION_ID() AS c");
        for (var readings = 0; readings < 2 && Hidden(views) != "above asks later locks"; readings++)
            Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        Assert.Equal("above asks later locks", Hidden(views));
    }

    private static string Hidden(HiddenViews views) => string.Join(' ', new[] { "above", "asks", "calls", "later", "locks", "plain" }.Where(name =>
        StatementClassifier.Classify(Encoding.UTF8.GetBytes($"SELECT * FROM d.{name}"), new ClassifierOptions { Views = views }).NamesHiddenView));
}
