using System.Collections.Immutable;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.Unit.MariaDb;

public class PreflightRulesTests
{
    [Fact]
    public void A_good_server_passes()
    {
        var report = Check(Good());
        Assert.Empty(report.Findings);
        Assert.True(report.CanLead);
        Assert.Empty(RuntimeSettings.Statements(Good()));
    }

    [Theory]
    [InlineData("10.4.34-MariaDB", "MariaDB 10.4.34-MariaDB")]
    [InlineData("8.0.36", "not MariaDB")]
    [InlineData("5.6.24-log", "not MariaDB")]
    public void Servers_that_are_too_old_or_not_MariaDB_are_refused_by_name(string version, string says)
    {
        var report = Check(Good() with { Version = MariaDbVersion.Parse(version) });
        Assert.False(report.CanFollow);
        Assert.Contains(says, report.Findings[0].What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.5.29-MariaDB-1:10.5.29+maria~deb11-log")]
    [InlineData("5.5.5-10.11.19-MariaDB")]
    [InlineData("11.8.3-MariaDB-0+deb13u1")]
    [InlineData("12.3.1-MariaDB")]
    public void Later_versions_pass(string version) => Assert.True(Check(Good() with { Version = MariaDbVersion.Parse(version) }).CanLead);

    [Theory]
    [InlineData("binlog_storage_engine", "innodb", "InnoDB-based binlog")]
    [InlineData("wsrep_on", "ON", "Galera")]
    [InlineData("slave_skip_errors", "1062", "slave_skip_errors=1062")]
    [InlineData("slave_exec_mode", "IDEMPOTENT", "slave_exec_mode=IDEMPOTENT")]
    [InlineData("replicate_events_marked_for_skip", "FILTER_ON_MASTER", "skip_replication")]
    [InlineData("slave_run_triggers_for_rbr", "YES", "triggers would run twice")]
    [InlineData("auto_increment_increment", "2", "auto_increment_increment=2")]
    [InlineData("replicate_ignore_db", "logs", "Replicate_Ignore_DB=logs")]
    [InlineData("server_id", "0", "server_id is 0")]
    public void What_makes_servers_differ_is_refused(string name, string value, string says)
    {
        var report = Check(Good(name, value));
        var finding = Assert.Single(report.Findings);
        Assert.Equal(FindingSeverity.Refusal, finding.Severity);
        Assert.Contains(says, finding.What, StringComparison.Ordinal);
        Assert.NotEqual("", finding.Cure);
    }

    [Fact]
    public void STATEMENT_wants_an_explicit_consent()
    {
        Assert.False(Check(Good("binlog_format", "STATEMENT")).CanFollow);
        Assert.True(Check(Good("binlog_format", "STATEMENT"), new PreflightContext { AllowStatementFormat = true }).CanLead);
        Assert.True(Check(Good("binlog_format", "MIXED")).CanLead);
    }

    [Fact]
    public void The_configuration_block_is_ready_to_paste()
    {
        var facts = Good("log_bin", "OFF") with { SetAtRunTime = [] };
        facts = facts with { Variables = facts.Variables.SetItem("log_slave_updates", "OFF").SetItem("read_only", "OFF").SetItem("extra_port", "0") };
        var report = Check(facts);
        Assert.True(report.CanFollow);
        Assert.False(report.CanLead);
        Assert.Equal("[mariadbd]\nlog_bin = binlog\nlog_slave_updates = ON\nread_only = ON\nextra_port = 3308\nextra_max_connections = 10\n", report.ConfigurationBlock);
    }

    [Fact]
    public void A_value_set_at_run_time_says_nothing_about_the_configuration()
    {
        var facts = Good("read_only", "OFF");
        Assert.Equal("read_only", Assert.Single(Check(facts).Findings).Code);
        Assert.Empty(Check(facts with { SetAtRunTime = ["read_only"] }).Findings);
    }

    [Fact]
    public void Replication_that_the_server_started_by_itself_is_named_with_the_line_that_prevents_it()
    {
        var finding = Assert.Single(Check(Good(), new PreflightContext { FeedStartedItself = true }).Findings);
        Assert.Equal(("skip_slave_start", FindingSeverity.Warning, "skip_slave_start = ON"), (finding.Code, finding.Severity, finding.ConfigurationLine));
    }

    [Fact]
    public void A_missing_way_in_and_one_that_does_not_let_us_in_are_named()
    {
        var missing = Assert.Single(Check(Good("extra_port", "0")).Findings);
        Assert.Equal(("extra_port", FindingSeverity.Warning, "extra_port = 3308\nextra_max_connections = 10"), (missing.Code, missing.Severity, missing.ConfigurationLine));
        var closed = Assert.Single(Check(Good(), new PreflightContext { ReachedByExtraPort = false }).Findings);
        Assert.Contains("cannot log in through extra_port 3308", closed.What, StringComparison.Ordinal);
    }

    /// <summary>A restarted server must fail closed before anyone looks after it: each line is wanted for itself.</summary>
    [Theory]
    [InlineData("read_only", "OFF", "read_only = ON")]
    [InlineData("sync_binlog", "0", "sync_binlog = 1")]
    [InlineData("innodb_flush_log_at_trx_commit", "2", "innodb_flush_log_at_trx_commit = 1")]
    [InlineData("rpl_semi_sync_master_enabled", "OFF", "rpl_semi_sync_master_enabled = ON")]
    [InlineData("rpl_semi_sync_master_wait_point", "AFTER_COMMIT", "rpl_semi_sync_master_wait_point = AFTER_SYNC")]
    [InlineData("rpl_semi_sync_master_timeout", "10000", "rpl_semi_sync_master_timeout = 18446744073709551615")]
    [InlineData("log_slave_updates", "OFF", "log_slave_updates = ON")]
    [InlineData("log_bin", "OFF", "log_bin = binlog")]
    public void What_needs_a_restart_is_named_with_the_line_to_add(string name, string value, string line)
    {
        var finding = Assert.Single(Check(Good(name, value)).Findings);
        Assert.Equal((name, line), (finding.Code, finding.ConfigurationLine));
        Assert.Equal(name is "log_bin" or "log_slave_updates" ? FindingSeverity.CannotLead : FindingSeverity.Warning, finding.Severity);
    }

    [Fact]
    public void Servers_with_one_id_cannot_be_told_apart_and_one_gives_way()
    {
        PreflightContext Context(string node, bool leads, bool peerLeads) => new()
        {
            NodeId = node, Leads = leads, Peers = [new PeerServer("node-2", 1, "", null, peerLeads)],
        };

        Assert.False(Check(Good(), Context("node-3", leads: false, peerLeads: false)).CanFollow);
        Assert.True(Check(Good(), Context("node-1", leads: false, peerLeads: false)).CanFollow);
        Assert.False(Check(Good(), Context("node-1", leads: false, peerLeads: true)).CanFollow);
        Assert.True(Check(Good(), Context("node-3", leads: true, peerLeads: false)).CanFollow);
        Assert.Contains("node-2", Check(Good(), Context("node-3", false, false)).Findings[0].What, StringComparison.Ordinal);
        Assert.Equal("server_id = 2", Check(Good(), Context("node-3", false, false)).Findings[0].ConfigurationLine);
    }

    [Fact]
    public void What_must_be_equal_in_the_cluster_is_compared_with_the_others()
    {
        PreflightContext Peer(PeerServer peer) => new() { NodeId = "node-1", Peers = [peer] };
        Assert.False(Check(Good(), Peer(new PeerServer("node-2", 2, "", 1, false))).CanFollow);
        Assert.False(Check(Good(), Peer(new PeerServer("node-2", 2, "11.4.2-MariaDB", 0, Leads: true))).CanFollow);
        Assert.True(Check(Good(), Peer(new PeerServer("node-2", 2, "11.4.2-MariaDB", 0, Leads: false))).CanLead);
        Assert.Empty(Check(Good(), Peer(new PeerServer("node-2", 2, "10.11.99-MariaDB", 0, Leads: true))).Findings);
        var domain = Check(Good(), new PreflightContext { ClusterDomain = 7 });
        Assert.True(domain.CanFollow);
        Assert.False(domain.CanLead);
    }

    [Fact]
    public void Only_running_replication_of_the_users_own_is_refused_and_ours_is_not()
    {
        IncomingReplication Connection(string name, bool runs) => new(name, "db:3306", runs, []);
        Assert.True(Check(Good() with { Replications = [Connection("wolfscale", true), Connection("old", false)] }).CanLead);
        var refused = Check(Good() with { Replications = [Connection("", true)] });
        Assert.Equal("STOP SLAVE; RESET SLAVE ALL", Assert.Single(refused.Findings).Statement);
        Assert.False(Check(Good() with { Replications = [new("wolfscale", "x", true, ["Replicate_Do_DB=a"])] }).CanFollow);
        Assert.False(Check(Good() with { BinlogFilters = ["Binlog_Ignore_DB=a"] }).CanFollow);
    }

    [Fact]
    public void Our_own_capture_is_not_a_foreign_semi_sync_replica()
    {
        var facts = Good() with { SemiSync = Good().SemiSync.SetItem("rpl_semi_sync_master_clients", "1") };
        Assert.True(Check(facts, new PreflightContext { OwnSemiSyncClients = 1 }).CanFollow);
        var refused = Check(facts, new PreflightContext { DumpHosts = ["replica-7 (server_id 7)"] });
        Assert.Contains("replica-7", Assert.Single(refused.Findings).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_privileges_come_with_the_statement_for_exactly_this_account()
    {
        var facts = Good() with { Account = "wolf@10.%", Privileges = ["SELECT", "SUPER"] };
        var finding = Assert.Single(Check(facts).Findings);
        Assert.StartsWith("GRANT RELOAD, PROCESS, SHOW DATABASES, EVENT", finding.Statement, StringComparison.Ordinal);
        Assert.EndsWith(" ON *.* TO `wolf`@`10.%`", finding.Statement, StringComparison.Ordinal);
    }

    [Fact]
    public void Privileges_are_read_from_global_grants_only()
    {
        Assert.Equal(["RELOAD", "SLAVE MONITOR"], ServerFacts.GlobalPrivileges("GRANT RELOAD, SLAVE MONITOR ON *.* TO `w`@`localhost` IDENTIFIED BY PASSWORD 'x'"));
        Assert.Empty(ServerFacts.GlobalPrivileges("GRANT ALL PRIVILEGES ON `wolfscale`.* TO `w`@`localhost`"));
        Assert.Equal(["ALL PRIVILEGES"], ServerFacts.GlobalPrivileges("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"));
    }

    [Fact]
    public void What_can_be_set_at_run_time_is_set()
    {
        var facts = Good();
        facts = facts with
        {
            Variables = facts.Variables.SetItem("gtid_strict_mode", "OFF").SetItem("sync_binlog", "0").SetItem("innodb_flush_log_at_trx_commit", "2").SetItem("binlog_checksum", "NONE")
                .SetItem("rpl_semi_sync_master_wait_point", "AFTER_COMMIT").SetItem("rpl_semi_sync_master_timeout", "10000").SetItem("rpl_semi_sync_master_wait_no_slave", "OFF")
                .SetItem("slave_parallel_threads", "0").SetItem("slave_parallel_mode", "none").SetItem("session_track_system_variables", "autocommit").SetItem("rpl_semi_sync_slave_enabled", "OFF"),
        };
        Assert.Equal(
            [
                "SET GLOBAL gtid_strict_mode = ON", "SET GLOBAL sync_binlog = 1", "SET GLOBAL innodb_flush_log_at_trx_commit = 1", "SET GLOBAL binlog_checksum = CRC32",
                "SET GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC", "SET GLOBAL rpl_semi_sync_master_timeout = 18446744073709551615", "SET GLOBAL rpl_semi_sync_master_wait_no_slave = ON",
                "SET GLOBAL rpl_semi_sync_slave_enabled = ON", "SET GLOBAL session_track_system_variables = 'autocommit,last_gtid'", "SET GLOBAL slave_parallel_threads = 16",
            ],
            RuntimeSettings.Statements(facts));
    }

    private static PreflightReport Check(ServerFacts facts, PreflightContext? context = null) => PreflightCheck.Run(facts, context ?? new PreflightContext());

    private static ServerFacts Good(string? name = null, string value = "")
    {
        var variables = new Dictionary<string, string>
        {
            ["server_id"] = "1", ["gtid_domain_id"] = "0", ["lower_case_table_names"] = "0", ["log_bin"] = "ON", ["log_slave_updates"] = "ON", ["read_only"] = "ON",
            ["sync_binlog"] = "1", ["innodb_flush_log_at_trx_commit"] = "1", ["binlog_format"] = "ROW", ["binlog_row_image"] = "FULL", ["binlog_checksum"] = "CRC32",
            ["extra_port"] = "3308", ["rpl_semi_sync_master_enabled"] = "ON", ["rpl_semi_sync_master_wait_point"] = "AFTER_SYNC",
            ["rpl_semi_sync_master_timeout"] = "18446744073709551615", ["rpl_semi_sync_master_wait_no_slave"] = "ON", ["rpl_semi_sync_slave_enabled"] = "ON",
            ["slave_exec_mode"] = "STRICT", ["slave_skip_errors"] = "OFF", ["replicate_events_marked_for_skip"] = "REPLICATE", ["slave_run_triggers_for_rbr"] = "NO",
            ["auto_increment_increment"] = "1", ["max_binlog_size"] = "67108864", ["gtid_strict_mode"] = "ON", ["slave_parallel_threads"] = "4",
            ["slave_parallel_mode"] = "optimistic", ["session_track_system_variables"] = "autocommit,last_gtid",
        };
        if (name is not null)
            variables[name] = value;
        return new ServerFacts
        {
            Version = MariaDbVersion.Parse("10.11.19-MariaDB-log"),
            Variables = variables.ToImmutableDictionary(),
            SemiSync = ImmutableDictionary<string, string>.Empty.Add("rpl_semi_sync_master_clients", "0"),
            Privileges = ["ALL PRIVILEGES"],
            Account = "wolfscale@localhost",
        };
    }
}
