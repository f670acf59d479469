using System.Text;
using WolfScale.MariaDb;
using WolfScale.Protocol;
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
        await using var list = new ViewList(pair.One.Options, (all, _) => { views = HiddenViews.Among(all.Views, all.Bodies); changed.Release(); }, TimeProvider.System);
        Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        Assert.Equal("above asks calls locks", Hidden(views));

        await pair.One.ExecuteAsync("ALTER VIEW d.calls AS SELECT 1 AS x", "CREATE VIEW d.later AS SELECT CONNECTION_ID() AS c");
        for (var readings = 0; readings < 2 && Hidden(views) != "above asks later locks"; readings++)
            Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        Assert.Equal("above asks later locks", Hidden(views));
    }

    /// <summary>The feed announces what may change a view before the server has it; what is read until then is old, and what is read after it is true.</summary>
    [Fact]
    public async Task What_was_read_is_old_until_the_server_has_what_was_announced()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE VIEW d.later AS SELECT 1 AS c");
        var heard = System.Threading.Channels.Channel.CreateUnbounded<(StoredDefinitions Read, bool IsOld)>();
        await using var list = new ViewList(pair.One.Options, (read, isOld) => heard.Writer.TryWrite((read, isOld)), TimeProvider.System);
        Assert.False((await HearAsync()).IsOld);
        var position = await pair.One.TextAsync("SELECT @@gtid_binlog_pos");
        Assert.True(Gtid.TryParse(position, out var gtid));

        list.Expect(gtid with { Sequence = gtid.Sequence + 1 });
        Assert.True((await HearAsync()).IsOld);
        await pair.One.ExecuteAsync("ALTER VIEW d.later AS SELECT CONNECTION_ID() AS c");
        var (read, isOld) = await HearAsync();
        while (isOld)
            (read, isOld) = await HearAsync();
        Assert.Equal("later", Hidden(HiddenViews.Among(read.Views, read.Bodies)));

        async Task<(StoredDefinitions Read, bool IsOld)> HearAsync() =>
            await heard.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    /// <summary>The texts are shown to WolfScale's account, with the mode that they are read under.</summary>
    [Fact]
    public async Task What_routines_and_triggers_lock_is_found_in_their_texts()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync(
            "CREATE DATABASE d", "CREATE TABLE d.base (a INT)", "CREATE TABLE d.plain (a INT)",
            "CREATE FUNCTION d.locks() RETURNS INT DETERMINISTIC RETURN GET_LOCK('lk', 0)",
            "CREATE PROCEDURE d.calls() SELECT d.locks()",
            "CREATE PROCEDURE d.asks(t TEXT) BEGIN SET @s = t; PREPARE s FROM @s; EXECUTE s; END",
            "CREATE TRIGGER d.tr BEFORE INSERT ON d.base FOR EACH ROW SET @x = d.locks()",
            "SET sql_mode='ANSI_QUOTES'", "CREATE PROCEDURE d.later() SELECT \"get_lock('x')\" FROM (SELECT 1 AS \"get_lock('x')\") t");
        var (_, read) = await ViewList.ReadAsync(pair.One.Options, TestContext.Current.CancellationToken);
        var views = HiddenViews.Among(read.Views, read.Bodies);
        foreach (var (sql, traits) in new[]
        {
            ("CALL d.calls()", StatementTraits.TakesUserLock), ("DO d.locks()", StatementTraits.TakesUserLock), ("INSERT INTO d.base VALUES (1)", StatementTraits.TakesUserLock),
            ("CALL d.asks('')", StatementTraits.RunsUnseenText), ("CALL d.later()", StatementTraits.None), ("INSERT INTO d.plain VALUES (1)", StatementTraits.None),
        })
        {
            var statement = StatementClassifier.Classify(Encoding.UTF8.GetBytes(sql), new ClassifierOptions { Views = views });
            Assert.Equal((sql, traits), (sql, statement.Traits & (StatementTraits.TakesUserLock | StatementTraits.RunsUnseenText)));
        }
    }

    private static string Hidden(HiddenViews views) => string.Join(' ', new[] { "above", "asks", "calls", "later", "locks", "plain" }.Where(name =>
        StatementClassifier.Classify(Encoding.UTF8.GetBytes($"SELECT * FROM d.{name}"), new ClassifierOptions { Views = views }).NamesHiddenView));
}
