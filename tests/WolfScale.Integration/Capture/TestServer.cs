using System.Globalization;
using Microsoft.Extensions.Logging;
using MySqlConnector;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Local;
using WolfScale.Protocol;

namespace WolfScale.Integration.Capture;

/// <summary>A private MariaDB server in a temporary folder, with the few statements the tests need.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly TempFolder _folder;

    private TestServer(TempFolder folder, uint serverId) => (_folder, Private) = (folder, new PrivateServer(folder.File("s"), Ports.FreeRange(10), serverId));

    public PrivateServer Private { get; }

    public ServerEndpoint Endpoint => new() { Socket = Private.Socket, User = "root" };

    /// <summary>A server on which nothing has happened yet, started and writable.</summary>
    public static async Task<TestServer> StartAsync(uint serverId = 1, IReadOnlyDictionary<string, string>? settings = null)
    {
        var server = new TestServer(new TempFolder("db"), serverId);
        var all = new Dictionary<string, string>(settings ?? new Dictionary<string, string>());
        _ = all.TryAdd("read-only", "0");
        _ = all.TryAdd("innodb-buffer-pool-size", "64M");
        await server.Private.CreateAsync(all);
        await server.Private.StartAsync();
        return server;
    }

    public Task<MySqlConnection> ConnectAsync() => Private.ConnectAsync();

    public async Task ExecuteAsync(params string[] statements)
    {
        await using var connection = await ConnectAsync();
        foreach (var sql in statements)
            await ExecuteAsync(connection, sql);
    }

    public static async Task ExecuteAsync(MySqlConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 120;
        _ = await command.ExecuteNonQueryAsync();
    }

    public async Task<string> TextAsync(string sql) =>
        Convert.ToString(await Private.ScalarAsync(sql), CultureInfo.InvariantCulture) ?? "";

    public async Task<GtidPosition> PositionAsync() => GtidPosition.Parse(await TextAsync("SELECT @@gtid_binlog_pos"));

    /// <summary>Runs a statement while semi-sync does not wait: for preparations before a capture is there.</summary>
    public async Task PrepareAsync(params string[] statements)
    {
        await ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled=OFF");
        await ExecuteAsync(statements);
        await ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled=ON");
    }

    public MariaDb.Capture Capture(TestLog.Leadership log, Func<CaptureOptions, CaptureOptions>? change = null)
    {
        var options = new CaptureOptions { Server = Endpoint };
        return new MariaDb.Capture(change?.Invoke(options) ?? options, log, TestOutput.Loggers);
    }

    /// <summary>Makes this server a replica of the feed, and starts it.</summary>
    public async Task FollowAsync(FeedServer feed, bool semiSync = true)
    {
        await ExecuteAsync(
            "SET GLOBAL rpl_semi_sync_master_enabled=OFF",
            $"SET GLOBAL rpl_semi_sync_slave_enabled={(semiSync ? "ON" : "OFF")}",
            $"CHANGE MASTER 'wolfscale' TO MASTER_HOST='127.0.0.1', MASTER_PORT={feed.Port}, MASTER_USER='{feed.User}', MASTER_PASSWORD='{feed.Password}', "
            + "MASTER_USE_GTID=slave_pos, MASTER_SSL=0, MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1",
            "START SLAVE 'wolfscale'");
    }

    /// <summary>Waits until this server has applied a position.</summary>
    public async Task AwaitPositionAsync(GtidPosition position, int seconds = 60)
    {
        var reached = await TextAsync($"SELECT MASTER_GTID_WAIT('{position}', {seconds})");
        if (reached != "0")
            Assert.Fail($"{position} was not reached in {seconds} s; the server stands at {await PositionAsync()}. {await SlaveErrorAsync()}");
    }

    /// <summary>Errors of the feed's connection, of both its threads.</summary>
    public async Task<string> SlaveErrorAsync() => $"{await SlaveStatusAsync("Last_IO_Error")} | {await SlaveStatusAsync("Last_SQL_Error")}";

    /// <summary>One column of the status of the feed's connection, the only one.</summary>
    public async Task<string> SlaveStatusAsync(string column)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "SHOW ALL SLAVES STATUS"; // more columns than SHOW SLAVE STATUS
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync() ? Convert.ToString(reader[column], CultureInfo.InvariantCulture) ?? "" : "(no replica)";
    }

    /// <summary>Waits until one column of the status of the feed's connection is as wanted.</summary>
    public async Task AwaitSlaveStatusAsync(string column, Func<string, bool> wanted)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!wanted(await SlaveStatusAsync(column)))
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }

    /// <summary>Waits, as long as a test may take, until a query gives this text.</summary>
    public async Task AwaitTextAsync(string sql, string expected)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await TextAsync(sql) != expected)
        {
            try
            {
                _ = await poll.WaitForNextTickAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"'{sql}' did not become '{expected}' but is '{await TextAsync(sql)}'");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Private.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>Log lines of the product go to the test's output.</summary>
internal static class TestOutput
{
    public static ILoggerFactory Loggers { get; } = LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Debug).AddProvider(new Provider()));

    private sealed class Provider : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            TestContext.Current.SendDiagnosticMessage($"{logLevel} {eventId.Id}: {formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
