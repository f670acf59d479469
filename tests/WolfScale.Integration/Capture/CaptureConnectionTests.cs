using System.Globalization;
using System.Text;
using WolfScale.MariaDb;
using WolfScale.Wal;

namespace WolfScale.Integration.Capture;

/// <summary>What holds on one connection of a capture, and what must not be carried over to the next one.</summary>
public sealed class CaptureConnectionTests
{
    private const string Dumps = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump'";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Two dumps under one id stall the server; the older one may be there still, because nobody told the server that its peer is gone.</summary>
    [Fact]
    public async Task Every_connection_has_a_server_id_of_its_own_also_while_the_dead_one_before_it_is_counted()
    {
        await using var captured = await Captured.StartAsync(o => o with { SilenceTimeout = TimeSpan.FromSeconds(2) });
        var first = Assert.Single(await ServerIdsAsync(captured.Server));

        captured.Relay.Freeze();
        await AwaitAsync(() => captured.Capture.Statistics.Connections == 2);
        Assert.Equal("2", await captured.Server.TextAsync(Dumps));
        var ids = await ServerIdsAsync(captured.Server);
        Assert.Equal(2, ids.Distinct().Count());
        Assert.Contains(first, ids);

        captured.Log.AutoCommit = true;
        await captured.Server.ExecuteAsync("INSERT INTO d.t VALUES (1, 'the server goes on')").WaitAsync(Deadline);
    }

    [Fact]
    public async Task A_server_that_writes_nothing_is_heard_of_every_second_and_not_taken_for_dead()
    {
        await using var captured = await Captured.StartAsync(o => o with { SilenceTimeout = TimeSpan.FromSeconds(2) });
        for (var beat = 0; beat < 4; beat++)
        {
            var before = captured.Relay.BytesFromServer;
            await AwaitAsync(() => captured.Relay.BytesFromServer > before);
        }

        Assert.Null(captured.Capture.LastFault);
        Assert.Equal(1, captured.Capture.Statistics.Connections);
    }

    [Fact]
    public async Task An_event_that_was_damaged_on_its_way_does_not_enter_the_log_and_comes_again()
    {
        await using var captured = await Captured.StartAsync();
        captured.Log.AutoCommit = true;
        captured.Relay.Garble("needle"u8.ToArray());
        await captured.Server.ExecuteAsync("INSERT INTO d.t VALUES (1, 'needle')").WaitAsync(Deadline);

        Assert.Equal(CaptureFaultKind.Protocol, captured.Capture.LastFault?.Kind);
        Assert.Contains("checksum", captured.Capture.LastFault!.Message, StringComparison.OrdinalIgnoreCase);
        var group = Assert.Single(captured.Log.Entries(), e => e.Kind == EntryKind.Group);
        Assert.Contains("needle", Encoding.Latin1.GetString(group.Payload), StringComparison.Ordinal);
    }

    /// <summary>
    /// A commit far behind in the binlog waits; the quorum decides while no connection is there to say so on. When one is there again, the binlog has
    /// begun anew, and the remembered position would release whatever stands before it in the new file.
    /// </summary>
    [Fact]
    public async Task A_position_of_an_earlier_connection_releases_nothing_after_RESET_MASTER()
    {
        await using var captured = await Captured.StartAsync();
        var (server, log) = (captured.Server, captured.Log);
        var far = server.ExecuteAsync("INSERT INTO d.t VALUES (1, REPEAT('x', 500000))");
        await log.WaitForLastAsync(2);
        captured.Relay.Cut();
        await AwaitAsync(() => captured.Capture.LastFault is not null);
        log.CommitAll();

        await server.ExecuteAsync("SET GLOBAL rpl_semi_sync_master_enabled=OFF");
        await far.WaitAsync(Deadline);
        await server.AwaitTextAsync(Dumps, "0");
        var position = await server.PositionAsync();
        await server.ExecuteAsync("RESET MASTER", $"SET GLOBAL gtid_binlog_state='{position}'", "SET GLOBAL rpl_semi_sync_master_enabled=ON");
        captured.Relay.Mend();
        await AwaitAsync(() => captured.Capture.Statistics.Connections == 2);

        var near = server.ExecuteAsync("INSERT INTO d.t VALUES (2, 'y')");
        await log.WaitForLastAsync(3);
        await server.AwaitTextAsync("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Rpl_semi_sync_master_wait_sessions'", "1");
        Assert.Equal("1", await server.TextAsync("SELECT COUNT(*) FROM d.t"));
        Assert.False(near.IsCompleted);

        log.CommitAll();
        await near.WaitAsync(Deadline);
    }

    private static async Task<List<uint>> ServerIdsAsync(TestServer server)
    {
        await using var connection = await server.ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "SHOW SLAVE HOSTS";
        await using var reader = await command.ExecuteReaderAsync();
        var ids = new List<uint>();
        while (await reader.ReadAsync())
            ids.Add(Convert.ToUInt32(reader["Server_id"], CultureInfo.InvariantCulture));
        return ids;
    }

    private static async Task AwaitAsync(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!condition())
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }

    /// <summary>A server with a table, captured through a relay; nothing is committed but the term's no-op, at LSN 1.</summary>
    private sealed class Captured : IAsyncDisposable
    {
        private Captured(TestServer server, TestLog log, Func<CaptureOptions, CaptureOptions> change)
        {
            (Server, Log) = (server, log);
            Relay = new Relay(server.Private.Port);
            Capture = server.Capture(log.Lead(), o => change(o) with { Server = new ServerEndpoint { Host = "127.0.0.1", Port = Relay.Port, User = "root" } });
            log.CommitAll();
        }

        public TestServer Server { get; }

        public TestLog Log { get; }

        public Relay Relay { get; }

        public MariaDb.Capture Capture { get; }

        public static async Task<Captured> StartAsync(Func<CaptureOptions, CaptureOptions>? change = null)
        {
            var server = await TestServer.StartAsync();
            await server.PrepareAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v LONGBLOB) ENGINE=InnoDB");
            var captured = new Captured(server, new TestLog(basePosition: (await server.PositionAsync()).ToString()), change ?? (o => o));
            _ = captured.Capture.RunAsync(CancellationToken.None);
            await captured.Capture.Attached.WaitAsync(Deadline);
            return captured;
        }

        public async ValueTask DisposeAsync()
        {
            Capture.Dispose();
            await Relay.DisposeAsync();
            await Server.DisposeAsync();
            await Log.DisposeAsync();
        }
    }
}
