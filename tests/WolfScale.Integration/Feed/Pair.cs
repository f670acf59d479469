using System.Globalization;
using System.Text.RegularExpressions;
using MySqlConnector;
using WolfScale.Integration.Capture;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Feed;

/// <summary>Two servers and the log between them: a leader that is captured, and a follower that is fed.</summary>
internal sealed partial class Pair : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private Pair(TestServer leader, TestServer follower, TestLog log)
    {
        Leader = leader;
        Follower = follower;
        Log = log;
        Term = log.Lead();
        Capture = leader.Capture(Term);
        Feed = new FeedServer(new FeedOptions(), log, TestOutput.Loggers);
    }

    public TestServer Leader { get; }

    public TestServer Follower { get; }

    public TestLog Log { get; }

    public TestLog.Leadership Term { get; }

    public MariaDb.Capture Capture { get; }

    public FeedServer Feed { get; private set; }

    public static async Task<Pair> StartAsync(
        uint followerId = 2, IReadOnlyDictionary<string, string>? leaderSettings = null, FeedOptions? feed = null, bool follow = true)
    {
        var leader = TestServer.StartAsync(1, leaderSettings);
        var follower = TestServer.StartAsync(followerId);
        var pair = new Pair(await leader, await follower, new TestLog(autoCommit: true));
        if (feed is not null)
        {
            await pair.Feed.DisposeAsync();
            pair.Feed = new FeedServer(feed, pair.Log, TestOutput.Loggers);
        }

        _ = pair.Capture.RunAsync(CancellationToken.None);
        await pair.Capture.Attached.WaitAsync(Deadline);
        if (follow)
            await pair.Follower.FollowAsync(pair.Feed);
        return pair;
    }

    /// <summary>Waits until the follower has applied what the leader has written by now.</summary>
    public async Task CatchUpAsync(int seconds = 60) => await Follower.AwaitPositionAsync(await Leader.PositionAsync(), seconds);

    /// <summary>Every table, view, routine, trigger, sequence and account of both servers is the same; there is at least what was expected.</summary>
    public async Task AssertEqualAsync(params string[] expectedTables)
    {
        var tables = await ListAsync(Leader, TableQuery);
        Assert.Superset(expectedTables.ToHashSet(), tables.ToHashSet());
        Assert.Equal(tables, await ListAsync(Follower, TableQuery));
        foreach (var query in DefinitionQueries)
            Assert.Equal(await ListAsync(Leader, query), await ListAsync(Follower, query));
        foreach (var table in tables)
        {
            Assert.Equal(await DefinitionAsync(Leader, table), await DefinitionAsync(Follower, table));
            Assert.Equal(await ListAsync(Leader, $"CHECKSUM TABLE {table} EXTENDED"), await ListAsync(Follower, $"CHECKSUM TABLE {table} EXTENDED"));
        }

        Assert.Equal(await Leader.PositionAsync(), await Follower.PositionAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await Feed.DisposeAsync();
        Capture.Dispose();
        await Leader.DisposeAsync();
        await Follower.DisposeAsync();
        await Log.DisposeAsync();
    }

    private const string TableQuery =
        "SELECT CONCAT('`', TABLE_SCHEMA, '`.`', TABLE_NAME, '`') FROM information_schema.TABLES "
        + "WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1";

    private static readonly string[] DefinitionQueries =
    [
        "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA <> 'sys' ORDER BY 1, 2",
        "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA <> 'sys' ORDER BY 1, 2",
        "SELECT User, Host, authentication_string FROM mysql.user ORDER BY 1, 2",
        "SELECT * FROM information_schema.SCHEMA_PRIVILEGES ORDER BY 1, 2, 3, 4",
    ];

    /// <summary>Without the AUTO_INCREMENT counter: values that were reserved and not used leave no trace in the binary log.</summary>
    private static async Task<string> DefinitionAsync(TestServer server, string table) =>
        AutoIncrement().Replace(string.Join('\n', await ListAsync(server, $"SHOW CREATE TABLE {table}")), "");

    [GeneratedRegex(" AUTO_INCREMENT=\\d+")]
    private static partial Regex AutoIncrement();

    private static async Task<List<string>> ListAsync(TestServer server, string sql)
    {
        await using var connection = await server.ConnectAsync();
        await using var command = new MySqlCommand(sql, connection) { CommandTimeout = 120 };
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture))));
        return rows;
    }
}
