using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>An application speaks to any node, as if it were one MariaDB.</summary>
public sealed class ProxyTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Whatever_node_is_asked_writes_reach_the_leader_and_the_session_sees_them()
    {
        var (cluster, leader) = await PrepareAsync();
        var leaderId = await leader.Server.ScalarAsync("SELECT @@server_id");
        foreach (var node in cluster.Facts.Nodes)
        {
            await using var client = await ConnectAsync(cluster, node);
            for (var i = 0; i < 20; i++)
            {
                var id = await InsertAsync(client, node.Id);
                Assert.Equal(node.Id, await client.ScalarAsync($"SELECT who FROM p WHERE id={id}"));
            }

            Assert.Equal(leaderId, await client.ScalarAsync("/* wolfscale: leader */ SELECT @@server_id"));
        }

        await cluster.AwaitHealthyAsync();
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.p", 60)]);
    }

    /// <summary>Reads stay on the node that was asked as soon as it has what the session must see.</summary>
    [Fact]
    public async Task A_plain_read_is_answered_by_the_followers_own_server()
    {
        var (cluster, leader) = await PrepareAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        var followerId = await follower.Server.ScalarAsync("SELECT @@server_id");
        await using var client = await ConnectAsync(cluster, follower);
        await client.RunAsync("SET SESSION sql_mode='ANSI_QUOTES', time_zone='+03:00'");
        _ = await InsertAsync(client, "me");

        await Poll.UntilAsync("a read of the local server", Patience, async () =>
            await client.ScalarAsync("SELECT @@server_id FROM p LIMIT 1") is var id && id == followerId ? null : $"server {id} answers");

        // It is the same session there: schema, variables and rows.
        Assert.Equal($"{followerId} demo ANSI_QUOTES +03:00 1", await client.ScalarAsync(
            "SELECT /* wolfscale: local */ CONCAT_WS(' ', @@server_id, DATABASE(), @@sql_mode, @@time_zone, (SELECT COUNT(*) FROM p))"));
        Assert.Equal(await leader.Server.ScalarAsync("SELECT @@server_id"), await client.ScalarAsync("SELECT /* wolfscale: leader */ @@server_id"));
        var status = await StatusAsync(client);
        Assert.Equal((follower.Id, leader.Id, "FOLLOWER", "session"), (status["Node"], status["Leader"], status["Node_role"], status["Session_consistency"]));
        Assert.True(int.Parse(status["Session_statements_local"]!, CultureInfo.InvariantCulture) >= 2, "local statements are counted");
        Assert.Equal("1", status["Session_route_hint"]);

        // A read that runs here is killed here, through whichever node.
        foreach (var node in cluster.Facts.Nodes)
        {
            await using var killer = await ConnectAsync(cluster, node);
            var sleep = client.ScalarAsync("SELECT SLEEP(60) FROM p");
            await SleepsAsync([follower.Server]);
            await killer.KillQueryAsync(client, sleep);
        }

        await client.RunAsync("START TRANSACTION");
        Assert.NotEqual(followerId, await client.ScalarAsync("SELECT @@server_id")); // a transaction is the leader's
        await client.RunAsync("COMMIT");
    }

    /// <summary>The server would take the word of whoever connects through its socket for who that is; the proxy must not lend its own name.</summary>
    [Fact]
    public async Task An_account_of_unix_socket_is_refused_by_every_node()
    {
        var (cluster, leader) = await PrepareAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE USER socketed@'%' IDENTIFIED VIA unix_socket");
        await cluster.AwaitHealthyAsync();
        foreach (var node in cluster.Facts.Nodes)
        {
            var refused = await Assert.ThrowsAsync<MySqlException>(() => new SqlServer(node.Id, node.Proxy.Host, node.Proxy.Port, "").ClientAsync("socketed", ""));
            Assert.Equal(1698, refused.Number);
            Assert.Contains("Access denied", refused.Message, StringComparison.Ordinal);
            await using var client = await ConnectAsync(cluster, node);
            foreach (var hint in (string[])["leader", "local"])
                Assert.Matches("^127\\.0\\.0\\.1:[0-9]+$", await client.ScalarAsync($"SELECT /* wolfscale: {hint} */ host FROM information_schema.processlist WHERE id=CONNECTION_ID()"));
        }
    }

    /// <summary>The hint alone makes it strong: what others wrote a moment ago, on the leader itself, is there.</summary>
    [Fact]
    public async Task A_strong_read_sees_all_writes_and_is_answered_by_the_followers_own_server_where_that_has_them()
    {
        var (cluster, leader) = await PrepareAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        var followerId = await follower.Server.ScalarAsync("SELECT @@server_id");
        await using var client = await ConnectAsync(cluster, follower);
        await client.RunAsync("SET @wolfscale_consistency = 'eventual'");
        await Poll.UntilAsync("a read of the local server", Patience, async () => await client.ScalarAsync("SELECT @@server_id FROM DUAL") == followerId ? null : "not yet");
        await using var other = await leader.Server.ClientAsync(cluster.Facts.User, cluster.Facts.Password, "demo");
        for (var i = 0; i < 50; i++)
        {
            var id = await InsertAsync(other, "other");
            Assert.Equal("1", await client.ScalarAsync($"/* wolfscale: strong */ SELECT COUNT(*) FROM p WHERE id={id}"));
        }

        await Poll.UntilAsync("a strong read of the local server", Patience, async () => await client.ScalarAsync("/* wolfscale: strong */ SELECT @@server_id FROM p LIMIT 1") == followerId ? null : "the leader answers");
    }

    /// <summary>It is prepared there when it is needed, as the leader has read it.</summary>
    [Fact]
    public async Task A_prepared_read_is_answered_by_the_followers_own_server()
    {
        var (cluster, leader) = await PrepareAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        var followerId = await follower.Server.ScalarAsync("SELECT @@server_id");
        await using var client = await ConnectAsync(cluster, follower);
        var id = await InsertAsync(client, "me");
        await using var read = client.CreateCommand();
        read.CommandText = "SELECT CONCAT_WS(' ', @@server_id, who, @x) FROM p WHERE id=@id";
        _ = read.Parameters.AddWithValue("@x", 1);
        _ = read.Parameters.AddWithValue("@id", id);
        await read.PrepareAsync();
        await using var all = client.CreateCommand();
        all.CommandText = "SELECT * FROM p WHERE id=@id";
        _ = all.Parameters.AddWithValue("@id", id);
        await all.PrepareAsync();

        await Poll.UntilAsync("a prepared read of the local server", Patience, async () =>
            await read.ExecuteScalarAsync() as string == $"{followerId} me 1" ? null : await read.ExecuteScalarAsync() as string);

        // Other types of parameters, another schema at the time of the execution, another table than at the time of the preparation.
        read.Parameters[0].Value = "text";
        Assert.Equal($"{followerId} me text", await read.ExecuteScalarAsync());
        await client.RunAsync("USE information_schema");
        Assert.Equal($"{followerId} me text", await read.ExecuteScalarAsync());
        await client.RunAsync("USE demo");
        await client.RunAsync("ALTER TABLE p ADD COLUMN more INT DEFAULT 42 FIRST");
        await using (var row = await all.ExecuteReaderAsync())
        {
            Assert.True(await row.ReadAsync());
            Assert.Equal((3, 42, "me"), (row.FieldCount, row.GetInt32(0), row.GetString(2)));
        }

        Assert.Equal("local", (await StatusAsync(client))["Session_last_route"]);
        await client.RunAsync("START TRANSACTION");
        Assert.NotEqual($"{followerId} me text", await read.ExecuteScalarAsync()); // a transaction is the leader's
        await client.RunAsync("COMMIT");
    }

    [Fact]
    public async Task A_session_goes_on_with_its_state_when_its_leader_dies()
    {
        var (cluster, leader) = await PrepareAsync();
        var other = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        await using var client = await ConnectAsync(cluster, other);
        await client.RunAsync("SET SESSION sql_mode='ANSI_QUOTES', wait_timeout=1234");
        await client.RunAsync("SET @n=41, @t=_latin1 x'e4', @d=1.50, @b=x'00ff', @null=NULL");
        await client.RunAsync("CREATE PROCEDURE sets() BEGIN SET @inside=7; SELECT 8 INTO @into; END");
        await client.RunAsync("CREATE PROCEDURE makes() CREATE TEMPORARY TABLE made (a INT)");
        await client.RunAsync("CALL sets()");
        await using var tied = await ConnectAsync(cluster, other);
        await tied.RunAsync("CALL makes()");
        Assert.Equal("0", await tied.ScalarAsync("SELECT COUNT(*) FROM made"));
        await using var insert = client.CreateCommand();
        insert.CommandText = "INSERT INTO p (who) VALUES (@who)";
        _ = insert.Parameters.Add("@who", MySqlDbType.VarChar);
        await insert.PrepareAsync();
        insert.Parameters[0].Value = "before";
        _ = await insert.ExecuteNonQueryAsync();
        await using var inTransaction = await ConnectAsync(cluster, other);
        await inTransaction.RunAsync("START TRANSACTION");
        _ = await InsertAsync(inTransaction, "lost");
        await using var unread = await ConnectAsync(cluster, other);
        await unread.RunAsync("START TRANSACTION");
        Assert.Equal("100000", await unread.ScalarAsync($"SELECT LENGTH('{new string('x', 100_000)}')")); // too long to be kept

        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        // By then the proxy has certainly noticed: what is sent into a connection in the moment it dies has an unknown outcome.
        _ = await cluster.LeaderAsync(except: leader.Id);
        insert.Parameters[0].Value = "after";
        _ = await insert.ExecuteNonQueryAsync(); // the client notices nothing

        Assert.Equal("ANSI_QUOTES 1234 demo", await client.ScalarAsync("SELECT /* wolfscale: leader */ CONCAT_WS(' ', @@sql_mode, @@wait_timeout, DATABASE())"));
        Assert.Equal("42 latin1 C3A4 1.50 00FF 1", await client.ScalarAsync(
            "SELECT CONCAT_WS(' ', @n+1, CHARSET(@t), HEX(CONVERT(@t USING utf8mb4)), @d, HEX(@b), @null IS NULL)"));
        Assert.Equal("7 8", await client.ScalarAsync("SELECT CONCAT_WS(' ', @inside, @into)"));
        var tie = await Assert.ThrowsAsync<MySqlException>(() => tied.ScalarAsync("SELECT COUNT(*) FROM p"));
        Assert.Contains("a routine or dynamic SQL has made temporary tables", tie.Message, StringComparison.Ordinal);
        var lost = await Assert.ThrowsAsync<MySqlException>(() => InsertAsync(inTransaction, "lost too"));
        Assert.Equal((1213, "40001"), (lost.Number, lost.SqlState));
        var unreadLost = await Assert.ThrowsAsync<MySqlException>(() => unread.RunAsync("COMMIT"));
        Assert.Equal(1213, unreadLost.Number); // and not OK for a transaction that is gone
        await inTransaction.RunAsync("START TRANSACTION");
        _ = await InsertAsync(inTransaction, "again");
        await inTransaction.RunAsync("COMMIT");
        // The id the client was greeted with still means its connection, which has another one on the new leader; through its own node and through another.
        foreach (var node in cluster.Facts.Nodes.Where(n => n.Id != leader.Id))
        {
            await using var killer = await ConnectAsync(cluster, node);
            var sleep = client.RunAsync("DO SLEEP(60)");
            await SleepsAsync(cluster.Servers);
            await killer.KillQueryAsync(client, sleep);
        }

        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
        Assert.Equal("after,again,before", await client.ScalarAsync("SELECT GROUP_CONCAT(who ORDER BY who) FROM p"));

        await cluster.StartNodeAsync(leader.Id);
        await cluster.AwaitHealthyAsync();
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.p", 3)]);
    }

    /// <summary>Clients see no error at all, on any node, in transactions or not.</summary>
    [Fact]
    public async Task A_planned_switchover_under_load_costs_no_client_an_error()
    {
        var (cluster, leader) = await PrepareAsync();
        using var stop = new CancellationTokenSource();
        var writers = cluster.Facts.Nodes.SelectMany(n => new[] { false, true }.Select(inTransactions => WriteUntilAsync(cluster, n, inTransactions, stop.Token))).ToList();
        await Task.Delay(TimeSpan.FromMilliseconds(500)); // load; no state is awaited

        var answer = await cluster.SwitchoverAsync(leader);
        var next = await cluster.LeaderAsync(except: leader.Id);
        var moved = await next.Server.ScalarAsync("SELECT COUNT(*) FROM demo.p");
        await Poll.UntilAsync("rows that the new leader wrote", Patience, async () =>
            writers.Any(w => w.IsFaulted) || await next.Server.ScalarAsync("SELECT COUNT(*) FROM demo.p") != moved ? null : "none");
        await stop.CancelAsync();

        var written = (await Task.WhenAll(writers)).Sum();
        Print($"{answer}; {written} rows of {writers.Count} clients");
        await cluster.AwaitHealthyAsync();
        Assert.Equal(written.ToString(CultureInfo.InvariantCulture), await next.Server.ScalarAsync("SELECT COUNT(*) FROM demo.p"));
    }

    /// <summary>It may have happened, so the client must not be invited to repeat it, nor be told that it did.</summary>
    [Fact]
    public async Task A_statement_that_may_have_committed_when_the_leader_died_is_answered_with_an_unknown_outcome()
    {
        var (cluster, leader) = await PrepareAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        await using var client = await ConnectAsync(cluster, leader);
        foreach (var follower in followers)
            await cluster.SignalAsync(follower.Id, Part.Node, Signal.Stop);
        var insert = InsertAsync(client, "maybe");
        await Poll.UntilAsync("a commit that waits", Patience, async () =>
            await leader.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for semi-sync ACK%'") == "1" ? null : "none");

        await cluster.SignalAsync(leader.Id, Part.MariaDb, Signal.Kill);

        var unknown = await Assert.ThrowsAsync<MySqlException>(() => insert.WaitAsync(Patience));
        Assert.Equal((1180, "08007"), (unknown.Number, unknown.SqlState));
        foreach (var follower in followers)
            await cluster.SignalAsync(follower.Id, Part.Node, Signal.Continue);
        await cluster.StartNodeAsync(leader.Id, Part.MariaDb);
        await cluster.AwaitHealthyAsync();
        Assert.Equal("1", await client.ScalarAsync("SELECT 1")); // the session goes on
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.p", 0)]);
    }

    [Fact]
    public async Task What_would_make_the_servers_differ_is_refused_and_errors_of_the_server_come_back_unchanged()
    {
        var (cluster, leader) = await PrepareAsync();
        await using var client = await ConnectAsync(cluster, cluster.Facts.Nodes.First(n => n.Id != leader.Id));

        var forbidden = await Assert.ThrowsAsync<MySqlException>(() => client.RunAsync("SET sql_log_bin=0"));
        var missing = await Assert.ThrowsAsync<MySqlException>(() => client.RunAsync("SELECT * FROM nowhere"));

        Assert.Equal((1227, "42000"), (forbidden.Number, forbidden.SqlState));
        Assert.Equal((1146, "42S02", "Table 'demo.nowhere' doesn't exist"), (missing.Number, missing.SqlState, missing.Message));
        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
    }

    [Fact]
    public async Task A_token_carries_what_one_session_wrote_to_another()
    {
        var (cluster, leader) = await PrepareAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        await using var writer = await ConnectAsync(cluster, followers[0]);
        await using var reader = await ConnectAsync(cluster, followers[1]);
        for (var i = 0; i < 50; i++)
        {
            var id = await InsertAsync(writer, "x");
            var token = await writer.ScalarAsync("SELECT @wolfscale_gtid");
            await reader.RunAsync($"SET @wolfscale_gtid = '{token}'");
            Assert.Equal("1", await reader.ScalarAsync($"SELECT COUNT(*) FROM p WHERE id={id}"));
        }
    }

    private static Task<TimeSpan> SleepsAsync(IReadOnlyList<SqlServer> servers) => Poll.UntilAsync("a statement that sleeps", Patience, async () =>
    {
        foreach (var server in servers)
        {
            try
            {
                if (await server.ScalarAsync("SELECT COUNT(*) FROM information_schema.processlist WHERE state='User sleep'") != "0")
                    return null;
            }
            catch (MySqlException)
            {
                // This one is down.
            }
        }

        return "none";
    });

    private static async Task<Dictionary<string, string?>> StatusAsync(MySqlConnection client)
    {
        await using var command = client.CreateCommand();
        command.CommandText = "SHOW WOLFSCALE STATUS";
        await using var reader = await command.ExecuteReaderAsync();
        var status = new Dictionary<string, string?>();
        while (await reader.ReadAsync())
            status[reader.GetString(0)] = await reader.IsDBNullAsync(1) ? null : reader.GetString(1);
        return status;
    }

    /// <returns>Rows that were acknowledged.</returns>
    private static async Task<int> WriteUntilAsync(DemoCluster cluster, DemoNode node, bool inTransactions, CancellationToken stop)
    {
        await using var client = await ConnectAsync(cluster, node);
        var rows = 0;
        while (!stop.IsCancellationRequested)
        {
            if (inTransactions)
                await client.RunAsync("START TRANSACTION");
            _ = await InsertAsync(client, node.Id);
            if (inTransactions)
                await client.RunAsync("COMMIT");
            rows++;
        }

        return rows;
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.p (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(20))");
        return (cluster, leader);
    }

    private static Task<MySqlConnection> ConnectAsync(DemoCluster cluster, DemoNode node) =>
        new SqlServer(node.Id, node.Proxy.Host, node.Proxy.Port, "").ClientAsync(cluster.Facts.User, cluster.Facts.Password, cluster.Facts.Database);

    /// <returns>The new row's id.</returns>
    private static async Task<long> InsertAsync(MySqlConnection client, string who)
    {
        await using var command = client.CreateCommand();
        command.CommandText = "INSERT INTO p (who) VALUES (@who)";
        _ = command.Parameters.AddWithValue("@who", who);
        _ = await command.ExecuteNonQueryAsync();
        return command.LastInsertedId;
    }
}
