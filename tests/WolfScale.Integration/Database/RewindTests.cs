using System.Diagnostics;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>Rejoin ladder, first rung: what the cluster never committed is saved and undone, exactly or not at all.</summary>
public class RewindTests
{
    private const string EveryType = """
        CREATE TABLE d.types (
          id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,
          c1 TINYINT, c2 SMALLINT UNSIGNED, c3 MEDIUMINT, c4 INT, c5 BIGINT, c6 FLOAT, c7 DOUBLE, c8 DECIMAL(65,30), c9 DECIMAL(5,0),
          c10 BIT(1), c11 BIT(13), c12 BIT(64), c13 YEAR, c14 DATE, c15 TIME, c16 TIME(6), c17 DATETIME, c18 DATETIME(3), c19 TIMESTAMP NULL, c20 TIMESTAMP(6) NULL,
          c21 CHAR(10) CHARACTER SET latin1, c22 CHAR(200) CHARACTER SET utf8mb4, c23 VARCHAR(50), c24 VARCHAR(3000) CHARACTER SET utf8mb4,
          c25 BINARY(8), c26 VARBINARY(300), c27 TINYBLOB, c28 BLOB, c29 MEDIUMBLOB, c30 LONGBLOB, c31 TINYTEXT, c32 TEXT, c33 LONGTEXT,
          c34 ENUM('a','b','c'), c35 SET('x','y','z'), c36 JSON, c37 GEOMETRY, c38 POINT, c39 UUID, c40 INET6, c41 VARCHAR(500) COMPRESSED, c42 TEXT COMPRESSED,
          c43 BOOLEAN, c44 VARCHAR(20) INVISIBLE DEFAULT 'unseen'
        ) ENGINE=InnoDB
        """;

    private const string OneOfEach = """
        INSERT INTO d.types (c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15,c16,c17,c18,c19,c20,c21,c22,c23,c24,c25,c26,c27,c28,c29,c30,c31,c32,c33,c34,c35,c36,c37,c38,c39,c40,c41,c42,c43)
        VALUES (-1,65535,-8388608,7,-9,1.5,-2.25,12345678901234567890.123456789012345678901234567890,99999,1,4097,0xFFFFFFFFFFFFFFFF,2026,'2026-01-02','-838:59:59','12:13:14.123456',
          '2026-01-02 03:04:05','2026-01-02 03:04:05.678','2026-01-02 03:04:05','2026-01-02 03:04:05.000001','äöü','𝄞 text','varchar','long 𝄞',
          0x0102030405060708,0x00FF00,0x01,REPEAT('b',300),REPEAT('m',70000),REPEAT('l',100000),'tiny','text',REPEAT('t',70000),'b','x,z','{"k":[1,2]}',
          ST_GeomFromText('LINESTRING(0 0,1 1)'),POINT(3,4),'123e4567-e89b-12d3-a456-426655440000','2001:db8::1',REPEAT('c',400),REPEAT('d',4000),TRUE)
        """;

    [Fact]
    public async Task Every_column_type_comes_back()
    {
        await using var deposed = await Deposed.StartAsync(
            "CREATE DATABASE d", EveryType, OneOfEach, OneOfEach, "INSERT INTO d.types (c1) VALUES (NULL)", OneOfEach);
        var before = await deposed.Node.RowsAsync("SELECT *, c44 FROM d.types ORDER BY id");

        await deposed.WriteTailAsync(
            OneOfEach,
            "UPDATE d.types SET c8=c8+1, c16='01:02:03.000004', c21='x', c24=REPEAT('𝄞',700), c30=NULL, c37=POINT(9,9), c42='short', c44='seen' WHERE id IN (1,3)",
            "DELETE FROM d.types WHERE id=2",
            "UPDATE d.types SET id=id+10 ORDER BY id DESC");
        await deposed.RejoinAsync();
        await deposed.AwaitRewoundAsync();
        Assert.Equal(before, await deposed.Node.RowsAsync("SELECT *, c44 FROM d.types ORDER BY id"));
    }

    [Fact]
    public async Task Tables_without_a_key_with_generated_columns_triggers_history_and_plain_foreign_keys_come_back()
    {
        await using var deposed = await Deposed.StartAsync(
            "CREATE DATABASE d",
            "CREATE TABLE d.nokey (a INT, b FLOAT)",
            "INSERT INTO d.nokey VALUES (1,0.1),(1,0.1),(1,0.1),(2,0.2)",
            "CREATE TABLE d.gen (a INT PRIMARY KEY, v INT AS (a*2) VIRTUAL, s INT AS (a*3) STORED, KEY(v))",
            "INSERT INTO d.gen (a) VALUES (1),(2)",
            "CREATE TABLE d.audit (what VARCHAR(20))",
            "CREATE TRIGGER d.watch AFTER INSERT ON d.gen FOR EACH ROW INSERT INTO d.audit VALUES (CONCAT('gen ', NEW.a))",
            "CREATE TABLE d.ver (a INT PRIMARY KEY, b INT) WITH SYSTEM VERSIONING",
            "INSERT INTO d.ver VALUES (1,1),(2,2)",
            "UPDATE d.ver SET b=20 WHERE a=2",
            "CREATE TABLE d.parent (id INT PRIMARY KEY)",
            "CREATE TABLE d.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES d.parent(id))",
            "INSERT INTO d.parent VALUES (1),(2)",
            "INSERT INTO d.child VALUES (1,1)");
        const string everything = """
            SELECT 'nokey', a, b, NULL FROM d.nokey UNION ALL SELECT 'gen', a, v, s FROM d.gen UNION ALL SELECT 'audit', what, NULL, NULL FROM d.audit
            UNION ALL SELECT 'ver', a, b, CONCAT(row_start, row_end) FROM d.ver FOR SYSTEM_TIME ALL
            UNION ALL SELECT 'parent', id, NULL, NULL FROM d.parent UNION ALL SELECT 'child', id, p, NULL FROM d.child ORDER BY 1, 2, 3, 4
            """;
        var before = await deposed.Node.RowsAsync(everything);

        await deposed.WriteTailAsync(
            "DELETE FROM d.nokey LIMIT 1",
            "UPDATE d.nokey SET a=2 WHERE a=1 LIMIT 1",
            "INSERT INTO d.nokey VALUES (1,0.1)",
            "INSERT INTO d.gen (a) VALUES (3)",
            "UPDATE d.gen SET a=30 WHERE a=1",
            "UPDATE d.ver SET b=10 WHERE a=1",
            "DELETE FROM d.ver WHERE a=2",
            "INSERT INTO d.ver VALUES (3,3)",
            "BEGIN", "INSERT INTO d.parent VALUES (3)", "INSERT INTO d.child VALUES (2,3)", "SAVEPOINT s", "DELETE FROM d.child", "ROLLBACK TO s", "COMMIT",
            "DELETE FROM d.child WHERE id=1", "DELETE FROM d.parent WHERE id=1",
            "FLUSH BINARY LOGS",
            "INSERT INTO d.nokey SELECT seq, seq/7 FROM d.seq_1_to_2000",
            "FLUSH TABLES d.nokey", "ANALYZE TABLE d.gen");
        await deposed.RejoinAsync();
        await deposed.AwaitRewoundAsync();
        Assert.Equal(before, await deposed.Node.RowsAsync(everything));
    }

    [Fact]
    public async Task The_discarded_transactions_are_in_a_file_that_mariadb_binlog_reads()
    {
        await using var deposed = await Deposed.StartAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY, b LONGBLOB)", "INSERT INTO d.t VALUES (1,'kept')");
        await deposed.WriteTailAsync("INSERT INTO d.t VALUES (2,'lost')", "INSERT INTO d.t VALUES (3, REPEAT('x', 3000000))", "FLUSH BINARY LOGS", "DELETE FROM d.t WHERE a=1");
        await deposed.RejoinAsync();
        await deposed.AwaitRewoundAsync();
        Assert.Equal("1", await deposed.Node.RowsAsync("SELECT a FROM d.t"));

        var text = await ReadBinlogAsync(Assert.Single(deposed.Saved));
        Assert.Contains("GTID 0-1-4", text, StringComparison.Ordinal);
        Assert.Contains("GTID 0-1-5", text, StringComparison.Ordinal);
        Assert.Contains("GTID 0-1-6", text, StringComparison.Ordinal);
        Assert.DoesNotContain("GTID 0-1-3", text, StringComparison.Ordinal);
        Assert.Contains("INSERT INTO `d`.`t`", text, StringComparison.Ordinal);
        Assert.Contains("'lost'", text, StringComparison.Ordinal);
        Assert.Contains("DELETE FROM `d`.`t`", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_the_rewind_the_server_follows_the_new_leader_and_holds_its_rows()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(10))", "INSERT INTO d.t VALUES (1,'one')");
        await pair.Two.AwaitInStepAsync();

        // The quorum is lost: two groups reach the binlog, one of them the old leader's log, and none is committed.
        pair.Log.AutoCommit = false;
        var lost = new[] { RoleTests.WriteAsync(pair.One, "INSERT INTO d.t VALUES (2,'lost')"), RoleTests.WriteAsync(pair.One, "UPDATE d.t SET b='lost' WHERE a=1") };
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);
        pair.Interregnum();
        Assert.DoesNotContain("OK", await Task.WhenAll(lost));
        await pair.One.AwaitAsync(s => s.Phase == DatabasePhase.Waiting, "waiting");
        Assert.Empty(await FilesAsync(pair.One));

        // The other side elects a leader that has neither.
        pair.Lead(pair.Two);
        pair.Log.AutoCommit = true;
        await pair.Two.AwaitServingAsync();
        await pair.Two.ExecuteAsync("INSERT INTO d.t VALUES (2,'new')");
        await pair.One.AwaitInStepAsync();
        Assert.Equal("1|one\n2|new", await pair.One.RowsAsync("SELECT * FROM d.t"));
        Assert.Equal("0-2-4", await pair.One.TextAsync("SELECT @@gtid_binlog_pos"));
        Assert.NotEmpty(await FilesAsync(pair.One));
    }

    [Fact]
    public async Task What_rows_cannot_undo_leads_to_NEEDS_MIGRATION_with_every_reason()
    {
        await using var deposed = await Deposed.StartAsync(
            "CREATE DATABASE d",
            "CREATE TABLE d.parent (id INT PRIMARY KEY)",
            "CREATE TABLE d.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES d.parent(id) ON DELETE CASCADE)",
            "INSERT INTO d.parent VALUES (1)", "INSERT INTO d.child VALUES (1,1)",
            "CREATE SEQUENCE d.seq",
            "CREATE TABLE d.myisam (a INT) ENGINE=MyISAM",
            "CREATE TABLE d.aria (a INT) ENGINE=Aria TRANSACTIONAL=1",
            "CREATE TABLE d.t (a INT PRIMARY KEY, b INT)", "INSERT INTO d.t VALUES (1,1)");
        await deposed.WriteTailAsync(
            "DELETE FROM d.parent", "DO NEXTVAL(d.seq)", "INSERT INTO d.myisam VALUES (1)", "INSERT INTO d.aria VALUES (1)",
            "ALTER TABLE d.t ADD c INT", "CREATE TABLE d.ctas SELECT 1 AS x", "XA START 'x'", "INSERT INTO d.t VALUES (2,2,2)", "XA END 'x'", "XA PREPARE 'x'", "XA COMMIT 'x'",
            "SET SESSION binlog_row_image=MINIMAL", "UPDATE d.t SET b=5 WHERE a=1");
        await deposed.RejoinAsync();

        var state = await deposed.Node.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        Assert.Equal("NEEDS_MIGRATION", state.NodeStatus);
        Assert.False(state.Fit);
        TestContext.Current.TestOutputHelper?.WriteLine(state.Reason);
        Assert.Contains("d.parent is the parent of a cascading foreign key of d.child", state.Reason, StringComparison.Ordinal);
        Assert.Contains("d.seq is a sequence", state.Reason, StringComparison.Ordinal);
        Assert.Contains("d.myisam is a table of MyISAM", state.Reason, StringComparison.Ordinal);
        Assert.Contains("d.aria is a table of Aria", state.Reason, StringComparison.Ordinal);
        Assert.Contains("ALTER TABLE d.t ADD c INT", state.Reason, StringComparison.Ordinal);
        Assert.Contains("creates a table with its rows (DDL)", state.Reason, StringComparison.Ordinal);
        Assert.Contains("XA transaction", state.Reason, StringComparison.Ordinal);
        Assert.Contains("does not hold all columns", state.Reason, StringComparison.Ordinal);
        Assert.Contains(Assert.Single(deposed.Saved), state.Reason, StringComparison.Ordinal);

        // Nothing was touched, the children that a cascade took are not in the binlog, and it stays that way.
        Assert.Equal("0", await deposed.Node.TextAsync("SELECT COUNT(*) FROM d.child"));
        Assert.Equal("5", await deposed.Node.TextAsync("SELECT b FROM d.t WHERE a=1"));
        Assert.Contains("ALTER TABLE", await ReadBinlogAsync(deposed.Saved[0]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DELETE FROM d.parent")]
    [InlineData("INSERT INTO d.myisam VALUES (1)")]
    [InlineData("DO NEXTVAL(d.seq)")]
    [InlineData("SET SESSION binlog_format=STATEMENT; UPDATE d.parent SET id=id")]
    [InlineData("CREATE USER someone@localhost")]
    public async Task A_tail_of_this_alone_is_never_undone(string statement)
    {
        await using var deposed = await Deposed.StartAsync(
            "CREATE DATABASE d",
            "CREATE TABLE d.parent (id INT PRIMARY KEY)",
            "CREATE TABLE d.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES d.parent(id) ON DELETE CASCADE)",
            "INSERT INTO d.parent VALUES (1)", "INSERT INTO d.child VALUES (1,1)",
            "CREATE SEQUENCE d.seq", "CREATE TABLE d.myisam (a INT) ENGINE=MyISAM");
        await deposed.WriteTailAsync(statement.Split("; "));
        var end = await deposed.Node.TextAsync("SELECT @@gtid_binlog_pos");
        await deposed.RejoinAsync();
        await deposed.Node.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        Assert.Equal(end, await deposed.Node.TextAsync("SELECT @@gtid_binlog_pos"));
        Assert.Single(deposed.Saved);
    }

    [Fact]
    public async Task Administrative_statements_need_no_undo_only_the_GTIDs_go()
    {
        await using var deposed = await Deposed.StartAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)");
        await deposed.WriteTailAsync("FLUSH TABLES", "FLUSH PRIVILEGES", "FLUSH STATUS", "ANALYZE TABLE d.t", "OPTIMIZE TABLE d.t");
        await deposed.RejoinAsync();
        await deposed.AwaitRewoundAsync();
        Assert.Equal("1", await deposed.Node.RowsAsync("SELECT a FROM d.t"));
    }

    [Fact]
    public async Task Nothing_is_undone_before_it_is_saved()
    {
        await using var deposed = await Deposed.StartAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await deposed.WriteTailAsync("INSERT INTO d.t VALUES (1)");
        var end = await deposed.Node.TextAsync("SELECT @@gtid_binlog_pos");
        await File.WriteAllTextAsync(deposed.Node.DataDirectory, "a file stands where the folder should be");
        await deposed.RejoinAsync();
        var state = await deposed.Node.AwaitAsync(s => s.Phase == DatabasePhase.Waiting && s.Reason.Contains("cannot be saved", StringComparison.Ordinal), "unable to save");
        Assert.False(state.Fit);
        Assert.Equal("1", await deposed.Node.RowsAsync("SELECT a FROM d.t"));
        Assert.Equal(end, await deposed.Node.TextAsync("SELECT @@gtid_binlog_pos"));

        File.Delete(deposed.Node.DataDirectory);
        await deposed.AwaitRewoundAsync();
        Assert.Equal("", await deposed.Node.RowsAsync("SELECT a FROM d.t"));
        Assert.Single(deposed.Saved);
    }

    /// <summary>What was applied after an errant group is undone with it: a <c>gtid_slave_pos</c> that still counted it would leave it out for ever.</summary>
    [Fact]
    public async Task A_group_of_the_log_that_was_undone_with_an_errant_one_before_it_is_fed_again()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)");
        await pair.Two.AwaitInStepAsync();
        await pair.Two.StopControllerAsync();
        await pair.Two.ExecuteAsync("SET gtid_domain_id=9", "INSERT INTO d.t VALUES (666)");
        await pair.One.ExecuteAsync("INSERT INTO d.t VALUES (2)");
        await AwaitTextAsync(pair.Two, "SELECT COUNT(*) FROM d.t", "3");

        await pair.Two.RestartControllerAsync();
        await pair.Two.AwaitInStepAsync();
        Assert.Equal("1\n2", await pair.Two.RowsAsync("SELECT a FROM d.t"));
        Assert.Equal("0-1-4", await pair.Two.TextAsync("SELECT @@gtid_slave_pos"));
    }

    [Fact]
    public async Task While_a_rewind_lasts_the_node_is_neither_ACTIVE_nor_fit()
    {
        await using var deposed = await Deposed.StartAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await deposed.WriteTailAsync("INSERT INTO d.t VALUES (1)");
        var meanwhile = new List<DatabaseState>();
        deposed.Node.AfterStep = (plan, _) =>
        {
            if (plan == "rewind")
                meanwhile.Add(deposed.Node.Controller.State);
            return Task.CompletedTask;
        };
        await deposed.RejoinAsync();
        await deposed.AwaitRewoundAsync();
        Assert.Equal(5, meanwhile.Count);
        Assert.All(meanwhile, s => Assert.True(s is { NodeStatus: "SYNCING", Fit: false }, s.ToString()));
    }

    /// <summary>
    /// Why <c>init_rpl_role=SLAVE</c> is not used: it cuts the tail off when the server comes up, and with DDL in the tail the server does not come up.
    /// </summary>
    [Fact]
    public async Task A_server_killed_with_DDL_in_its_tail_comes_up_again_and_the_ladder_saves_it()
    {
        await using var pair = await Pair.StartAsync();
        await pair.One.ExecuteAsync("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)");
        await pair.Two.AwaitInStepAsync();
        pair.Log.AutoCommit = false;
        var row = RoleTests.WriteAsync(pair.One, "INSERT INTO d.t VALUES (1)");
        await pair.Log.WaitForLastAsync(pair.Log.CommitLsn + 1);
        var table = RoleTests.WriteAsync(pair.One, "CREATE TABLE d.lost (a INT PRIMARY KEY)");
        await AwaitTextAsync(pair.One, "SELECT @@gtid_binlog_pos", "0-1-4");

        await pair.One.StopControllerAsync();
        await pair.One.Server.StopAsync(force: true);
        Assert.DoesNotContain("OK", await Task.WhenAll(row, table));
        await pair.One.Server.StartAsync();
        Assert.Equal("0-1-4", await pair.One.TextAsync("SELECT @@gtid_binlog_pos"));

        pair.Lead(pair.Two);
        pair.Log.AutoCommit = true;
        await pair.Two.AwaitServingAsync();
        await pair.One.RestartControllerAsync();
        var state = await pair.One.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        Assert.Contains("CREATE TABLE d.lost", state.Reason, StringComparison.Ordinal);
        Assert.Contains("INSERT INTO `d`.`t`", await ReadBinlogAsync(Assert.Single(await FilesAsync(pair.One))), StringComparison.Ordinal);
    }

    internal static async Task AwaitTextAsync(TestNode node, string sql, string expected)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await node.TextAsync(sql) != expected)
            _ = await poll.WaitForNextTickAsync(deadline.Token);
    }

    internal static async Task<string> ReadBinlogAsync(string file)
    {
        using var process = Process.Start(new ProcessStartInfo("mariadb-binlog", ["--no-defaults", "-v", "--base64-output=decode-rows", file])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"mariadb-binlog refused {file}: {await errors}");
        return text;
    }

    private static Task<string[]> FilesAsync(TestNode node) =>
        Task.FromResult(Directory.Exists(node.DataDirectory) ? Directory.GetFiles(node.DataDirectory) : []);
}
