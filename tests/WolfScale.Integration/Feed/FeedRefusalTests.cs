using System.Net;
using System.Net.Sockets;
using MySqlConnector;
using WolfScale.Integration.Capture;
using WolfScale.MariaDb;
using WolfScale.Protocol;
using WolfScale.Wal;

namespace WolfScale.Integration.Feed;

/// <summary>Who is not fed, and what nobody may do to the feed.</summary>
public sealed class FeedRefusalTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Rule C2, and the reason why a position must be exactly one of the log.</summary>
    [Theory]
    [InlineData("0-7-3", ReplicaRefusalReason.UnknownPosition)] // another server's third group, not the cluster's
    [InlineData("0-1-9", ReplicaRefusalReason.UnknownPosition)] // ahead of the log
    [InlineData("0-1-2,5-1-1", ReplicaRefusalReason.UnknownPosition)] // a second domain
    [InlineData("", ReplicaRefusalReason.UnknownPosition)] // before the base
    public async Task C2_a_server_that_does_not_stand_exactly_in_the_log_is_refused(string position, ReplicaRefusalReason reason)
    {
        await using var log = new TestLog(autoCommit: true, basePosition: "0-1-1", baseWasEmpty: false);
        for (ulong i = 2; i <= 4; i++)
            log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 1, i), [1]));
        await using var feed = new FeedServer(new FeedOptions(), log, TestOutput.Loggers);
        var refused = RefusalOf(feed);
        await using var server = await TestServer.StartAsync();
        await server.ExecuteAsync($"SET GLOBAL gtid_slave_pos='{position}'");
        await server.FollowAsync(feed);

        var refusal = await refused.WaitAsync(Deadline);
        Assert.Equal(reason, refusal.Reason);
        Assert.Equal(position, refusal.Position);
        await server.AwaitSlaveStatusAsync("Last_IO_Errno", number => number == "1236");
        Assert.Contains(refusal.Message, await server.SlaveErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task C2_a_server_without_a_position_is_refused_where_the_cluster_began_with_data()
    {
        await using var log = new TestLog(autoCommit: true, basePosition: "", baseWasEmpty: false);
        await using var feed = new FeedServer(new FeedOptions(), log, TestOutput.Loggers);
        var refused = RefusalOf(feed);
        await using var server = await TestServer.StartAsync();
        await server.FollowAsync(feed);
        Assert.Equal(ReplicaRefusalReason.NotTheBase, (await refused.WaitAsync(Deadline)).Reason);
    }

    [Fact]
    public async Task A_replica_without_semi_sync_is_refused_because_it_would_skip_its_own_events()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var feed = new FeedServer(new FeedOptions(), log, TestOutput.Loggers);
        var refused = RefusalOf(feed);
        await using var server = await TestServer.StartAsync();
        await server.FollowAsync(feed, semiSync: false);
        var refusal = await refused.WaitAsync(Deadline);
        Assert.Equal(ReplicaRefusalReason.Unsafe, refusal.Reason);
        Assert.Contains("rpl_semi_sync_slave_enabled", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>A node that has just started does not know yet what is committed: it waits instead of refusing.</summary>
    [Fact]
    public async Task A_server_that_stands_at_a_group_not_known_to_be_committed_waits_and_is_fed_when_it_is()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Leader.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB");
        await pair.CatchUpAsync();
        await pair.Follower.ExecuteAsync("STOP SLAVE 'wolfscale'");
        await pair.Leader.ExecuteAsync("INSERT INTO d.t VALUES (1)");

        var restarted = new ForgetfulLog(pair.Log);
        await using var feed = new FeedServer(new FeedOptions(), restarted, TestOutput.Loggers);
        ReplicaRefusal? refusal = null;
        feed.ReplicaRefused += r => refusal = r;
        await pair.Follower.FollowAsync(feed);
        await pair.Follower.AwaitSlaveStatusAsync("Slave_received_heartbeats", beats => beats is not ("0" or "1"));
        Assert.Equal("0", await pair.Follower.TextAsync("SELECT COUNT(*) FROM d.t"));

        restarted.Remember();
        await pair.CatchUpAsync();
        Assert.Equal("1", await pair.Follower.TextAsync("SELECT COUNT(*) FROM d.t"));
        Assert.Null(refusal);
    }

    /// <summary>The group it stands at was in the log of a leader that had no quorum, and another leader's took its place.</summary>
    [Fact]
    public async Task A_server_that_stands_at_a_group_which_the_cluster_drops_is_not_fed()
    {
        await using var log = new TestLog();
        log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 1, 1), [1]));
        log.CommitAll();
        log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 1, 2), [1]));
        await using var feed = new FeedServer(new FeedOptions(), log, TestOutput.Loggers);
        var refused = RefusalOf(feed);
        await using var server = await TestServer.StartAsync();
        await server.ExecuteAsync("SET GLOBAL gtid_slave_pos='0-1-2'");
        await server.FollowAsync(feed);
        await server.AwaitSlaveStatusAsync("Slave_received_heartbeats", beats => beats is not "0");

        log.Wal.TruncateAfter(1);
        log.Append((EntryKind.Group, EntryFlags.First | EntryFlags.Last, new EntryKey(0, 9, 2), [1]));
        log.CommitAll();
        Assert.Equal(ReplicaRefusalReason.UnknownPosition, (await refused.WaitAsync(Deadline)).Reason);
    }

    [Fact]
    public async Task A_new_replica_takes_the_place_of_the_old_one()
    {
        await using var pair = await Pair.StartAsync();
        await pair.Leader.ExecuteAsync("CREATE DATABASE d");
        await pair.CatchUpAsync();
        await using var second = await TestServer.StartAsync(3);
        await second.FollowAsync(pair.Feed);
        await second.AwaitPositionAsync(await pair.Leader.PositionAsync());
        await pair.Follower.ExecuteAsync("STOP SLAVE 'wolfscale'");
        await second.AwaitTextAsync("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'd'", "1");
        using var deadline = new CancellationTokenSource(Deadline);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (pair.Feed.Status.Replica?.ServerId != 3)
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }

    /// <summary>127.0.0.2 stands for any other address of this machine: a listener on all addresses would answer there, too.</summary>
    [Fact]
    public async Task The_feed_listens_on_loopback_alone()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var feed = new FeedServer(new FeedOptions(), log, TestOutput.Loggers);
        using var near = await DialAsync(feed, []);
        Assert.True(near.Connected);
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var refused = await Assert.ThrowsAsync<SocketException>(() => far.ConnectAsync(IPAddress.Parse("127.0.0.2"), feed.Port));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
    }

    [Fact]
    public async Task A_wrong_password_is_denied_and_an_unknown_statement_is_answered_with_an_error()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var feed = new FeedServer(new FeedOptions(), log, TestOutput.Loggers);
        var wrong = await Assert.ThrowsAnyAsync<MySqlException>(() => ConnectAsync(feed, "wrong"));
        Assert.Equal(1045, wrong.Number);

        var garbled = await Assert.ThrowsAnyAsync<MySqlException>(() => ConnectAsync(feed, feed.Password)); // MySqlConnector asks things of its own
        Assert.Equal(1064, garbled.Number);
    }

    [Fact]
    public async Task Garbage_a_slow_client_and_too_many_connections_harm_nothing()
    {
        await using var pair = await Pair.StartAsync();
        var silent = new List<Socket>();
        for (var i = 0; i < 6; i++)
            silent.Add(await DialAsync(pair.Feed, []));
        using var garbage = await DialAsync(pair.Feed, [255, 255, 255, 1, .. new byte[100]]);
        await AwaitClosedAsync(garbage);
        using var early = await DialAsync(pair.Feed, [1, 0, 0, 1, 0x12]); // a dump before the login
        await AwaitClosedAsync(early);
        var over = new List<Socket>();
        for (var i = 0; i < 20; i++)
            over.Add(await DialAsync(pair.Feed, []));
        await AwaitClosedAsync(over[^1], drain: true);

        await pair.Leader.ExecuteAsync("CREATE DATABASE d");
        await pair.CatchUpAsync();
        silent.ForEach(s => s.Dispose());
        over.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task What_the_log_has_pruned_cannot_be_fed()
    {
        await using var pair = await Pair.StartAsync(follow: false);
        await pair.Leader.ExecuteAsync("CREATE DATABASE d");
        var pruned = new ForgetfulLog(pair.Log) { First = 3 };
        pruned.Remember();
        await using var feed = new FeedServer(new FeedOptions(), pruned, TestOutput.Loggers);
        var refused = RefusalOf(feed);
        await pair.Follower.FollowAsync(feed);
        Assert.Equal(ReplicaRefusalReason.Pruned, (await refused.WaitAsync(Deadline)).Reason);
    }

    private static Task<ReplicaRefusal> RefusalOf(FeedServer feed)
    {
        var refused = new TaskCompletionSource<ReplicaRefusal>(TaskCreationOptions.RunContinuationsAsynchronously);
        feed.ReplicaRefused += r => refused.TrySetResult(r);
        return refused.Task;
    }

    private static async Task ConnectAsync(FeedServer feed, string password)
    {
        await using var connection = new MySqlConnection(new MySqlConnectionStringBuilder
        {
            Server = feed.Host,
            Port = (uint)feed.Port,
            UserID = feed.User,
            Password = password,
            SslMode = MySqlSslMode.None,
            Pooling = false,
        }.ConnectionString);
        await connection.OpenAsync();
        await TestServer.ExecuteAsync(connection, "DROP DATABASE d");
    }

    private static async Task<Socket> DialAsync(FeedServer feed, byte[] send)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, feed.Port);
        if (send.Length > 0)
            _ = await socket.SendAsync(send);
        return socket;
    }

    private static async Task AwaitClosedAsync(Socket socket, bool drain = true)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var buffer = new byte[1000];
        try
        {
            while (await socket.ReceiveAsync(buffer, deadline.Token) > 0 && drain)
            {
                // The greeting, an error: then the end.
            }
        }
        catch (SocketException)
        {
            // Reset is as good.
        }
    }

    /// <summary>The same log, as a node sees it that has just started: it does not know the commit LSN until it remembers.</summary>
    private sealed class ForgetfulLog(TestLog log) : MariaDb.Log.IReplicatedLog
    {
        private readonly TaskCompletionSource _remembered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long First { get; init; } = 1;

        public long FirstLsn => First;

        public long LastLsn => log.LastLsn;

        public long CommitLsn => _remembered.Task.IsCompleted ? log.CommitLsn : 0;

        public string BaseGtidPosition => log.BaseGtidPosition;

        public bool BaseServerWasEmpty => log.BaseServerWasEmpty;

        public event Action<long>? CommitAdvanced;

        public void Remember()
        {
            _remembered.SetResult();
            log.CommitAdvanced += lsn => CommitAdvanced?.Invoke(lsn);
            CommitAdvanced?.Invoke(log.CommitLsn);
        }

        public async ValueTask WaitForCommitAsync(long lsn, CancellationToken cancellationToken)
        {
            await _remembered.Task.WaitAsync(cancellationToken);
            await log.WaitForCommitAsync(lsn, cancellationToken);
        }

        public long? FindGroup(EntryKey gtid) => log.FindGroup(gtid) is { } lsn && lsn >= First ? lsn : null;

        public (EntryKey Gtid, long LastLsn)? LastGroupAtOrBefore(long lsn) => log.LastGroupAtOrBefore(lsn);

        public WalCursor OpenCursor(long firstLsn) => log.OpenCursor(firstLsn);
    }
}
