using MySqlConnector;
using WolfScale.Integration.Capture;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.Integration.Database;

/// <summary>Preflight against real servers that lack something.</summary>
public class PreflightTests
{
    [Fact]
    public async Task A_server_with_the_recommended_settings_passes_and_the_least_privileges_are_enough()
    {
        await using var log = new TestLog();
        await using var node = await TestNode.StartAsync(log, 1);
        var report = await CheckAsync(node);
        Assert.Empty(report.Findings);
        Assert.Equal("", report.ConfigurationBlock);
    }

    [Fact]
    public async Task Every_missing_line_is_named_and_the_block_cures_them()
    {
        await using var log = new TestLog();
        await using var node = await TestNode.StartAsync(log, 1, new Dictionary<string, string>
        {
            ["log-bin"] = "OFF", ["skip-log-bin"] = "1", ["log-slave-updates"] = "0", ["sync-binlog"] = "0", ["innodb-flush-log-at-trx-commit"] = "2", ["read-only"] = "0",
            ["extra-port"] = "0", ["rpl-semi-sync-master-enabled"] = "OFF", ["rpl-semi-sync-master-wait-point"] = "AFTER_COMMIT", ["rpl-semi-sync-master-timeout"] = "10000",
            ["slave-exec-mode"] = "IDEMPOTENT", ["auto-increment-increment"] = "3", ["binlog-format"] = "STATEMENT", ["slave-skip-errors"] = "1062",
        });
        var report = await CheckAsync(node);
        Assert.False(report.CanFollow);
        Assert.Equivalent(
            new[]
            {
                "log_bin", "log_slave_updates", "sync_binlog", "innodb_flush_log_at_trx_commit", "read_only", "extra_port", "rpl_semi_sync_master_enabled",
                "rpl_semi_sync_master_wait_point", "rpl_semi_sync_master_timeout", "slave_exec_mode", "auto_increment_increment", "binlog_format", "slave_skip_errors",
            },
            report.Findings.Select(f => f.Code));

        // The block, appended to the configuration, is all it takes.
        await node.Server.StopAsync();
        var lines = (await File.ReadAllLinesAsync(node.Server.ConfigurationFile)).Where(l => !l.StartsWith("skip-log-bin", StringComparison.Ordinal));
        await File.WriteAllTextAsync(node.Server.ConfigurationFile, string.Join('\n', lines) + "\n" + report.ConfigurationBlock.Replace("= 3308", $"= {node.Server.Port + 4}", StringComparison.Ordinal));
        await node.Server.StartAsync();
        Assert.Empty((await CheckAsync(node)).Findings);
    }

    [Fact]
    public async Task A_server_without_log_bin_follows_and_says_that_it_cannot_lead()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var one = await TestNode.StartAsync(log, 1);
        await using var two = await TestNode.StartAsync(log, 2, new Dictionary<string, string> { ["skip-log-bin"] = "1", ["log-slave-updates"] = "0" });
        one.Controller.Start();
        two.Controller.Start();
        one.Controller.Lead(log.Lead());
        two.Log.IsSettled = true;
        await one.AwaitServingAsync();
        await one.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "INSERT INTO d.t VALUES (1)");
        var state = await two.AwaitInStepAsync();
        Assert.False(state.Fit);
        Assert.Contains("log_bin is off", state.Reason, StringComparison.Ordinal);
        Assert.Equal("1", await two.TextAsync("SELECT a FROM d.t"));
    }

    [Fact]
    public async Task Missing_privileges_are_named_with_the_statement_that_grants_them()
    {
        await using var log = new TestLog();
        await using var node = await TestNode.StartAsync(log, 1);
        await node.ExecuteUnloggedAsync("CREATE USER poor@localhost IDENTIFIED BY 'secret'", "GRANT SELECT, PROCESS ON *.* TO poor@localhost");
        var report = await CheckAsync(node, o => o with { User = "poor" });
        var finding = Assert.Single(report.Findings, f => f.Code == "privileges");
        Assert.Equal(FindingSeverity.Refusal, finding.Severity);
        var (version, look) = await ServerLook.LookAsync(node.Options with { User = "poor" }, CancellationToken.None);
        Assert.Contains("MariaDB", version, StringComparison.Ordinal);
        Assert.Equal(finding, Assert.Single(look.Findings, f => f.Code == "privileges"));
        Assert.Contains("GRANT SHOW VIEW, TRIGGER, LOCK TABLES", Assert.Single(look.Findings, f => f.Code == "migration_privileges").Cure, StringComparison.Ordinal);
        await Assert.ThrowsAsync<DatabaseException>(() => ServerLook.LookAsync(node.Options with { User = "nobody" }, CancellationToken.None));

        await node.ExecuteUnloggedAsync(finding.Statement!);
        Assert.DoesNotContain((await CheckAsync(node, o => o with { User = "poor" })).Findings, f => f.Code == "privileges");
    }

    [Fact]
    public async Task Filters_of_every_kind_are_found_on_a_server_that_has_them()
    {
        await using var log = new TestLog();
        await using var node = await TestNode.StartAsync(log, 1, new Dictionary<string, string>
        {
            ["binlog-ignore-db"] = "unlogged", ["replicate-wild-ignore-table"] = "passed.over%", ["replicate-events-marked-for-skip"] = "FILTER_ON_SLAVE",
        });
        await node.ExecuteAsync("CHANGE MASTER 'wolfscale' TO MASTER_HOST='127.0.0.1', MASTER_USE_GTID=slave_pos, IGNORE_DOMAIN_IDS=(3)");
        var refusals = (await CheckAsync(node)).Findings.Where(f => f.Severity == FindingSeverity.Refusal).ToList();
        Assert.Contains(refusals, f => f.Code == "binlog_filter" && f.What.Contains("unlogged", StringComparison.Ordinal));
        Assert.Contains(refusals, f => f.Code == "replication_filter" && f.What.Contains("passed.over%", StringComparison.Ordinal));
        Assert.Contains(refusals, f => f.Code == "replication_filter" && f.What.Contains("Replicate_Ignore_Domain_Ids=3", StringComparison.Ordinal));
        Assert.Contains(refusals, f => f.Code == "replicate_events_marked_for_skip");
    }

    [Fact]
    public async Task A_refused_server_is_left_alone()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var node = await TestNode.StartAsync(log, 1, new Dictionary<string, string> { ["slave-exec-mode"] = "IDEMPOTENT", ["read-only"] = "0" });
        await using var app = await node.ConnectAsync();
        node.Controller.Start();
        var state = await node.AwaitAsync(s => s.Phase == DatabasePhase.Refused, "refused");
        Assert.Contains("slave_exec_mode=IDEMPOTENT", state.Reason, StringComparison.Ordinal);
        Assert.Equal("OFFLINE", state.NodeStatus);
        Assert.Equal("0", await node.TextAsync("SELECT @@read_only"));
        await TestServer.ExecuteAsync(app, "SELECT 1");

        // Cured at run time, it is taken in without a restart of the node.
        _ = log.Lead();
        await node.ExecuteAsync("SET GLOBAL slave_exec_mode=STRICT");
        await node.AwaitAsync(s => s.Phase is DatabasePhase.Following or DatabasePhase.Waiting, "taken in");
    }

    /// <summary>A founder was never fed; that it led shows all the same, and refused it must not stay open: nobody looks after its gate.</summary>
    [Fact]
    public async Task A_refused_server_that_led_is_closed()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var node = await TestNode.StartAsync(log, 1);
        node.Controller.Start();
        node.Controller.Lead(log.Lead());
        await node.AwaitServingAsync();
        await node.StopControllerAsync();
        await node.ExecuteAsync("SET GLOBAL slave_exec_mode=IDEMPOTENT");
        Assert.Equal("0", await node.TextAsync("SELECT @@read_only"));

        await node.RestartControllerAsync();
        await node.AwaitAsync(s => s.Phase == DatabasePhase.Refused, "refused");
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await ReadOnlyAsync(node) != "1")
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }

    /// <summary>Null when the closing kills the connection that asks.</summary>
    private static async Task<string?> ReadOnlyAsync(TestNode node)
    {
        try
        {
            return await node.TextAsync("SELECT @@read_only");
        }
        catch (MySqlException)
        {
            return null;
        }
    }

    [Fact]
    public async Task Someone_elses_semi_sync_replica_and_replication_of_the_users_own_are_refused()
    {
        await using var log = new TestLog();
        await using var node = await TestNode.StartAsync(log, 1, new Dictionary<string, string> { ["read-only"] = "0" });
        await using var other = await TestNode.StartAsync(log, 7, new Dictionary<string, string> { ["rpl-semi-sync-slave-enabled"] = "ON", ["rpl-semi-sync-master-enabled"] = "OFF" });
        await node.ExecuteUnloggedAsync("CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'repl'", "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'");
        await other.ExecuteAsync(
            $"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={node.Server.Port}, MASTER_USER='repl', MASTER_PASSWORD='repl', MASTER_USE_GTID=slave_pos", "START SLAVE");
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!(await node.RowsAsync("SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'")).EndsWith('1'))
            _ = await poll.WaitForNextTickAsync();

        var report = await CheckAsync(node);
        Assert.Contains("semi-sync replica is attached", Assert.Single(report.Findings, f => f.Severity == FindingSeverity.Refusal).What, StringComparison.Ordinal);
        var theirs = await CheckAsync(other);
        Assert.Contains($"replicates from 127.0.0.1:{node.Server.Port}", Assert.Single(theirs.Findings, f => f.Severity == FindingSeverity.Refusal).What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_promotion_does_not_open_a_server_with_a_foreign_semi_sync_replica()
    {
        await using var log = new TestLog(autoCommit: true);
        await using var node = await TestNode.StartAsync(log, 1);
        await using var other = await TestNode.StartAsync(log, 7, new Dictionary<string, string> { ["rpl-semi-sync-slave-enabled"] = "ON", ["rpl-semi-sync-master-enabled"] = "OFF" });
        await node.ExecuteUnloggedAsync("CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'repl'", "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'");
        node.Change = o => o with { AttachPatience = TimeSpan.FromSeconds(2) };
        await node.RestartControllerAsync();
        node.Controller.Lead(log.Lead());
        await node.AwaitServingAsync();

        // It attaches while we serve: an alarm, at once. And the next promotion does not open the server.
        await other.ExecuteAsync(
            $"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={node.Server.Port}, MASTER_USER='repl', MASTER_PASSWORD='repl', MASTER_USE_GTID=slave_pos", "START SLAVE");
        await node.AwaitAsync(s => s.Alarms.Any(a => a.Contains("semi-sync replica", StringComparison.Ordinal)), "alarmed");
        node.Controller.Follow();
        await node.AwaitAsync(s => !s.Serving, "closed");
        node.Controller.Lead(log.Lead());
        var state = await node.AwaitAsync(s => s is { Fit: false, Phase: DatabasePhase.Promoting or DatabasePhase.Refused, Reason.Length: > 0 }, "unfit");
        Assert.Contains("semi-sync replica", state.Reason, StringComparison.Ordinal);
        Assert.Equal("1", await node.TextAsync("SELECT @@read_only"));
    }

    private static async Task<PreflightReport> CheckAsync(TestNode node, Func<DatabaseOptions, DatabaseOptions>? change = null)
    {
        await using var server = await new ServerConnector(change?.Invoke(node.Options) ?? node.Options).OpenAsync(CancellationToken.None);
        var facts = await ServerFacts.ReadAsync(server);
        return PreflightCheck.Run(facts, new PreflightContext
        {
            DumpHosts = await AttachedReplicas.ForeignHostsAsync(server, facts),
            OwnSemiSyncClients = await AttachedReplicas.CountOwnAsync(server, facts),
            ReachedByExtraPort = facts.ExtraPort == 0 || server.Route.StartsWith("extra_port", StringComparison.Ordinal) || change is not null,
        });
    }
}
