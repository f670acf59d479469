using System.Collections.Concurrent;
using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.Proxied;

/// <summary>What a check asks for.</summary>
internal enum Promise
{
    /// <summary>`session`: what the session wrote itself, and never less than it saw before.</summary>
    OwnWrites,

    /// <summary>`session`, with the writer's token set on a connection to another node.</summary>
    Token,

    /// <summary>`strong`: whatever anybody was told before the read was sent.</summary>
    Strong,

    /// <summary>The same asked of `eventual`, which does not promise it.</summary>
    Eventual,
}

/// <summary>
/// Counters that are written through the followers' proxies, each by one session, and read through them while the followers' appliers are held up again and again. A counter
/// only grows, so a read that shows less than it must is a violation.
/// </summary>
internal sealed class ConsistencyLoad(DemoCluster cluster, IReadOnlyList<DemoNode> followers, int checksOfEach)
{
    public const string Table = "counters";

    /// <summary>A write costs a round of fsyncs, a read next to nothing: several reads check each write.</summary>
    private const int ReadsPerWrite = 5;

    private readonly long[] _told = new long[2 * followers.Count]; // by counter: the newest value that its writer was told is committed
    private readonly int[] _checks = new int[Enum.GetValues<Promise>().Length];
    private readonly int[] _broken = new int[Enum.GetValues<Promise>().Length];
    private readonly long[] _local = new long[Enum.GetValues<Promise>().Length];
    private readonly ConcurrentQueue<string> _violations = new();
    private volatile bool _ended;

    /// <summary>Of promises that were made.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    public int Checks(Promise promise) => _checks[(int)promise];

    public int Broken(Promise promise) => _broken[(int)promise];

    /// <summary>Statements that the followers' own servers answered.</summary>
    public long Local(Promise promise) => _local[(int)promise];

    public static Task CreateTableAsync(SqlServer leader, string database, int followers) => leader.RunAsync(
        $"CREATE OR REPLACE TABLE {database}.{Table} (id INT PRIMARY KEY, n BIGINT NOT NULL)",
        $"INSERT INTO {database}.{Table} SELECT seq, 0 FROM {database}.seq_0_to_{(2 * followers) - 1}");

    /// <summary>Runs until every promise was checked often enough.</summary>
    public async Task RunAsync()
    {
        var work = followers.SelectMany((node, i) => new[]
        {
            ReadOwnWritesAsync(node, i), CarryTokenAsync(node, followers[(i + 1) % followers.Count], followers.Count + i),
            ReadOthersAsync(node, Promise.Strong), ReadOthersAsync(node, Promise.Eventual),
        }).ToList();
        var lag = followers.Select(HoldUpAsync).ToList();
        try
        {
            await Task.WhenAll(work);
        }
        finally
        {
            _ended = true;
            await Task.WhenAll(lag);
        }
    }

    public override string ToString() => string.Join("; ", Enum.GetValues<Promise>().Select(p => string.Create(CultureInfo.InvariantCulture,
        $"{p}: {Checks(p)} checks, {Local(p)} of its statements local, {Broken(p)} violations")));

    private bool Goes(Promise promise) => Volatile.Read(ref _checks[(int)promise]) < checksOfEach;

    private async Task ReadOwnWritesAsync(DemoNode node, int counter)
    {
        await using var session = await ConnectAsync(node);
        for (var n = 1L; Goes(Promise.OwnWrites); n++)
        {
            await WriteAsync(session, counter, n);
            for (var i = 0; i < ReadsPerWrite; i++)
                Check(Promise.OwnWrites, node, n, await ReadAsync(session, counter));
        }

        await NoteLocalAsync(Promise.OwnWrites, session);
    }

    private async Task CarryTokenAsync(DemoNode node, DemoNode other, int counter)
    {
        await using var writer = await ConnectAsync(node);
        await using var reader = await ConnectAsync(other);
        for (var n = 1L; Goes(Promise.Token); n++)
        {
            await WriteAsync(writer, counter, n);
            await reader.RunAsync($"SET @wolfscale_gtid = '{await writer.ScalarAsync("SELECT @wolfscale_gtid")}'");
            for (var i = 0; i < ReadsPerWrite; i++)
                Check(Promise.Token, other, n, await ReadAsync(reader, counter));
        }

        await NoteLocalAsync(Promise.Token, reader);
    }

    private async Task ReadOthersAsync(DemoNode node, Promise promise)
    {
        await using var session = await ConnectAsync(node);
        await session.RunAsync($"SET @wolfscale_consistency = '{promise}'");
        for (var i = 0; Goes(promise); i++)
        {
            var counter = i % _told.Length;
            var told = Volatile.Read(ref _told[counter]);
            Check(promise, node, told, await ReadAsync(session, counter));
        }

        await NoteLocalAsync(promise, session);
    }

    /// <summary>Nobody's reads are stopped by this lock, and the applier is.</summary>
    private async Task HoldUpAsync(DemoNode node)
    {
        await using var root = await node.Server.RootAsync(cluster.Facts.Database);
        var random = new Random(node.Id.GetHashCode(StringComparison.Ordinal));
        while (!_ended)
        {
            await root.RunAsync($"LOCK TABLES {Table} READ");
            await Task.Delay(random.Next(10, 150)); // also for longer than a read waits
            await root.RunAsync("UNLOCK TABLES");
            await Task.Delay(random.Next(50, 250));
        }
    }

    private void Check(Promise promise, DemoNode node, long atLeast, long seen)
    {
        _ = Interlocked.Increment(ref _checks[(int)promise]);
        if (seen >= atLeast)
            return;
        _ = Interlocked.Increment(ref _broken[(int)promise]);
        if (promise != Promise.Eventual)
            _violations.Enqueue($"{promise} through {node.Id}: {seen}, and {atLeast} was known to be there");
    }

    private async Task WriteAsync(MySqlConnection session, int counter, long n)
    {
        _ = await session.RunAsync($"UPDATE {Table} SET n={n} WHERE id={counter}");
        Volatile.Write(ref _told[counter], n);
    }

    private static Task<long> ReadAsync(MySqlConnection session, int counter) => session.LongAsync($"SELECT n FROM {Table} WHERE id={counter}");

    private async Task NoteLocalAsync(Promise promise, MySqlConnection session)
    {
        var status = await session.RowsAsync("SHOW WOLFSCALE STATUS");
        _ = Interlocked.Add(ref _local[(int)promise], long.Parse(status.Single(r => r[0] == "Session_statements_local")[1]!, CultureInfo.InvariantCulture));
    }

    private Task<MySqlConnection> ConnectAsync(DemoNode node) =>
        new SqlServer(node.Id, node.Proxy.Host, node.Proxy.Port, "").ClientAsync(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database);
}
