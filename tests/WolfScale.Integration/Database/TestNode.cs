using System.Globalization;
using MySqlConnector;
using WolfScale.Integration.Capture;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Local;
using WolfScale.MariaDb.Plans;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.Integration.Database;

/// <summary>A real MariaDB server with everything of a node that concerns it: feed, capture, controller. WolfScale logs in with the least privileges.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly TestLog _log;
    private readonly TempFolder _folder;
    private CancellationTokenSource _gone = new();

    private TestNode(TestLog log, TempFolder folder, PrivateServer server, string name)
    {
        _log = log;
        _folder = folder;
        Server = server;
        Name = name;
        Log = new NodeLog(log);
        Feed = new FeedServer(new FeedOptions(), Log, TestOutput.Loggers);
        Controller = NewController();
    }

    public string Name { get; }

    public PrivateServer Server { get; }

    public NodeLog Log { get; }

    public FeedServer Feed { get; }

    public MemoryPlanStore Plans { get; } = new();

    public DatabaseController Controller { get; private set; }

    public string DataDirectory => Path.Combine(Server.Directory, "wolfscale");

    public DatabaseOptions Options => new()
    {
        NodeId = Name,
        DataDirectory = DataDirectory,
        Socket = Server.Socket,
        User = "wolfscale",
        Password = "secret",
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PromotionPatience = TimeSpan.FromSeconds(5),
    };

    /// <summary>Cancelled when the present controller is gone.</summary>
    public CancellationToken Gone => _gone.Token;

    /// <summary>Called after every step of every plan; to crash there, wait for <see cref="Gone"/>.</summary>
    public Func<string, string, Task>? AfterStep { get; set; }

    /// <summary>Changes the options of controllers made from now on.</summary>
    public Func<DatabaseOptions, DatabaseOptions> Change { get; set; } = o => o;

    /// <summary>A node with a fresh server, which runs as after a restart: read-only, semi-sync on. The controller is not started.</summary>
    public static async Task<TestNode> StartAsync(TestLog log, uint serverId, IReadOnlyDictionary<string, string>? settings = null)
    {
        var folder = new TempFolder("node");
        var server = new PrivateServer(folder.File("s"), Ports.FreeRange(10), serverId);
        var all = new Dictionary<string, string>(settings ?? new Dictionary<string, string>());
        _ = all.TryAdd("innodb-buffer-pool-size", "64M");
        await DataTemplate.CopyToAsync(server.Directory);
        await server.CreateAsync(all);
        await server.StartAsync();
        var node = new TestNode(log, folder, server, $"node-{serverId}");
        await node.CreateAccountAsync();
        return node;
    }

    /// <summary>Replaces the controller, as a restart of the node does. Plans and server stay.</summary>
    public async Task RestartControllerAsync(bool start = true)
    {
        await StopControllerAsync();
        _gone = new CancellationTokenSource();
        Controller = NewController();
        if (start)
            Controller.Start();
    }

    /// <summary>The node dies.</summary>
    public async Task StopControllerAsync()
    {
        await _gone.CancelAsync();
        await Controller.DisposeAsync();
    }

    public Task<MySqlConnection> ConnectAsync() => Server.ConnectAsync();

    /// <summary>Runs statements as root, on one connection.</summary>
    public async Task ExecuteAsync(params string[] statements)
    {
        await using var connection = await ConnectAsync();
        foreach (var sql in statements)
            await TestServer.ExecuteAsync(connection, sql);
    }

    /// <summary>Runs statements that leave no trace in the binlog.</summary>
    public Task ExecuteUnloggedAsync(params string[] statements) => ExecuteAsync(["SET sql_log_bin=0", .. statements]);

    /// <summary>
    /// Runs statements that go into the binlog and wait for no ACK: what a deposed leader commits when it is killed, or what a privileged account does.
    /// </summary>
    public Task ExecuteUngatedAsync(params string[] statements) => ExecuteAsync(
        ["SET GLOBAL rpl_semi_sync_master_enabled=OFF", .. statements, "SET GLOBAL rpl_semi_sync_master_enabled=ON"]);

    public async Task<string> TextAsync(string sql) => Convert.ToString(await Server.ScalarAsync(sql), CultureInfo.InvariantCulture) ?? "";

    /// <summary>All rows of a query as text, for comparisons.</summary>
    public async Task<string> RowsAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "NULL" : Format(reader.GetValue(i)))));
        return string.Join('\n', rows);
    }

    /// <summary>Waits until the controller shows a state.</summary>
    public async Task<DatabaseState> AwaitAsync(Func<DatabaseState, bool> expected, string what, int seconds = 40)
    {
        var reached = new TaskCompletionSource<DatabaseState>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(DatabaseState state)
        {
            if (expected(state))
                _ = reached.TrySetResult(state);
        }

        Controller.Changed += Look;
        Look(Controller.State);
        try
        {
            return await reached.Task.WaitAsync(TimeSpan.FromSeconds(seconds));
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{Name} did not become {what}: {Controller.State}\n{Server.LogTail()}");
        }
        finally
        {
            Controller.Changed -= Look;
        }
    }

    public Task<DatabaseState> AwaitServingAsync() => AwaitAsync(s => s.Serving, "serving");

    /// <summary>Waits until the server has applied everything that is committed.</summary>
    public Task<DatabaseState> AwaitInStepAsync() =>
        AwaitAsync(s => s.Phase == DatabasePhase.Following && s.AppliedLsn >= _log.CommitLsn, "in step with the log");

    /// <summary>Waits until the server takes writes.</summary>
    public async Task AwaitOpenAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await TextAsync("SELECT @@read_only") != "0")
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }

    /// <summary>Waits until the plan store holds a record with that text.</summary>
    public async Task AwaitStoredAsync(string name, string text)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while ((await Plans.LoadAsync(name, CancellationToken.None))?.Data.Contains(text, StringComparison.Ordinal) != true)
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }

    /// <summary>Waits until a plan has come to a step.</summary>
    public async Task AwaitStoredStepAsync(string name, string step)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while ((await Plans.LoadAsync(name, CancellationToken.None))?.Step != step)
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await StopControllerAsync();
        await Feed.DisposeAsync();
        await Server.DisposeAsync();
        _folder.Dispose();
    }

    private DatabaseController NewController()
    {
        var options = Change(Options);
        var capture = new CaptureOptions { Server = new ServerEndpoint { Socket = Server.Socket, User = options.User, Password = options.Password } };
        return new DatabaseController(
            options, Log, Feed, new CaptureFactory(capture, TestOutput.Loggers, TimeProvider.System), Plans, TestOutput.Loggers, TimeProvider.System)
        {
            AfterStep = (plan, step) => AfterStep?.Invoke(plan, step) ?? Task.CompletedTask,
        };
    }

    private async Task CreateAccountAsync()
    {
        foreach (var host in new[] { "localhost", "127.0.0.1" })
        {
            var account = $"`wolfscale`@`{host}`";
            await ExecuteUnloggedAsync([$"CREATE USER {account} IDENTIFIED BY 'secret'", .. PrivilegeRules.GrantStatements(account)]);
        }
    }

    private static string Format(object value) =>
        value is byte[] bytes ? Convert.ToHexString(bytes) : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
}
