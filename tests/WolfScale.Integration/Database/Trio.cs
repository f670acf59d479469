using WolfScale.Integration.Capture;
using WolfScale.MariaDb;

namespace WolfScale.Integration.Database;

/// <summary>A leader, a follower, and a third node whose server is to get a copy.</summary>
internal sealed class Trio : IAsyncDisposable
{
    /// <summary>What a copy must bring along, a FLOAT that six digits do not hold among it.</summary>
    public static readonly string[] Everything =
    [
        "CREATE DATABASE d CHARACTER SET latin1", "CREATE DATABASE `odd ``name`", "CREATE TABLE `odd ``name`.`t``é` (`a``b` INT PRIMARY KEY, `select` TEXT)",
        "INSERT INTO `odd ``name`.`t``é` VALUES (0, 'zero'), (1, NULL), (2, 'a\\'b\"c\\\\d\\n\\r\\0\\Z')",
        "CREATE TABLE d.kinds (id INT AUTO_INCREMENT PRIMARY KEY, f FLOAT, f2 FLOAT(7,3), dbl DOUBLE, dec_ DECIMAL(65,30), bits BIT(61), "
        + "e ENUM('a','\u00e9','') CHARACTER SET latin1, s SET('x','y','\u00fc') CHARACTER SET cp1250, y YEAR, d DATE, t TIME(6), dt DATETIME(6), ts TIMESTAMP(6) NULL, "
        + "u UUID, i6 INET6, g GEOMETRY, j JSON, vb VARBINARY(300), lb LONGBLOB, c CHAR(10), inv INT INVISIBLE DEFAULT 3, gen INT AS (y + 1) STORED, virt INT AS (y + 2) VIRTUAL)",
        "INSERT INTO d.kinds (id, f, f2, dbl, dec_, bits, e, s, y, d, t, dt, ts, u, i6, g, j, vb, lb, c, inv) VALUES "
        + "(1, 16777217, 999.00009, 0.1, -12345678901234567890123456789012345.123456789012345678901234567890, b'1000000000000000000000000000000000000000000000000000000000001', '\u00e9', 'x,\u00fc', "
        + "2155, '2026-02-28', '-838:59:59.999999', '9999-12-31 23:59:59.999999', '2026-07-01 12:00:00.123456', '123e4567-e89b-12d3-a456-426614174000', '2001:db8::1', "
        + "ST_GeomFromText('POINT(1.5 -2.25)', 4326), '{\"a\": \"\u00e9\\\\n\"}', UNHEX('00FF27225C0A0D1A80C328'), REPEAT(UNHEX('00FF275C'), 300000), 'x', 7), "
        + "(2, 0.1, NULL, 1e-310, 0, b'0', '', '', 1901, '2000-01-01', '00:00:00', '2000-01-01', '1970-01-01 00:00:01', NULL, NULL, NULL, NULL, '', '', '', 0)",
        "INSERT INTO d.kinds (id, f, dbl) VALUES (3, 3.4028234e38, 1.7976931348623157e308), (4, -1.17549435e-38, -2.2250738585072014e-308), (5, 1.1, 1.1)",
        "CREATE TABLE d.sets (a VARCHAR(50) CHARACTER SET utf8mb4, b VARCHAR(50) CHARACTER SET ucs2, c VARCHAR(50) CHARACTER SET utf16, d VARCHAR(50) CHARACTER SET utf32, "
        + "e VARCHAR(50) CHARACTER SET sjis, f VARCHAR(50) CHARACTER SET cp932, g VARCHAR(50) CHARACTER SET gbk, h VARCHAR(50) CHARACTER SET koi8r, i VARCHAR(50) CHARACTER SET big5, "
        + "j VARCHAR(50) CHARACTER SET latin1, k VARCHAR(50) CHARACTER SET utf16le, l TEXT CHARACTER SET eucjpms)",
        "INSERT INTO d.sets VALUES ('\U0001F43A\u00e9\u4e2d', '\u4e2d\u00e9', '\U0001F43A', '\U0001F43A', '\u8868\u80fd', '\u8868\u2460', '\u4e2d\u6587', '\u043f\u0440\u0438', '\u529f\u80fd', '\u00e9\u0081', 'x\u00e9', '\u65e5\u672c')",
        "INSERT INTO d.sets (f, a) VALUES (UNHEX('FA54EEF98740'), 'not the way back that conversion would take')",
        "CREATE TABLE d.nokey (f FLOAT, t TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3))", "INSERT INTO d.nokey (f) SELECT seq / 7 FROM d.seq_1_to_500",
        "CREATE TABLE d.parent (id INT PRIMARY KEY)", "CREATE TABLE d.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES d.parent (id) ON DELETE CASCADE)",
        "INSERT INTO d.parent SELECT seq FROM d.seq_1_to_100", "INSERT INTO d.child SELECT seq, seq FROM d.seq_1_to_100",
        "CREATE SEQUENCE d.numbers START WITH 100 INCREMENT BY -3 MINVALUE -1000 MAXVALUE 1000 CACHE 10 CYCLE", "SELECT NEXTVAL(d.numbers)",
        "CREATE TABLE d.versions (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING", "INSERT INTO d.versions VALUES (1, 1)", "UPDATE d.versions SET v = 2",
        "CREATE TABLE d.periods (id INT PRIMARY KEY, v INT, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING",
        "INSERT INTO d.periods (id, v) VALUES (1, 1)", "UPDATE d.periods SET v = 2", "DELETE FROM d.periods",
        "CREATE TABLE d.isam (id INT PRIMARY KEY, t TEXT, FULLTEXT (t)) ENGINE=MyISAM", "INSERT INTO d.isam VALUES (1, 'text'), (2, 'more')",
        "CREATE TABLE d.aria (id INT PRIMARY KEY) ENGINE=Aria", "INSERT INTO d.aria VALUES (1)",
        "CREATE TABLE d.parts (id INT, y INT) PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE)", "INSERT INTO d.parts VALUES (1, 1999), (2, 2030)",
        "CREATE TABLE d.checked (a INT CHECK (a > 0), b INT DEFAULT (a * 2))", "INSERT INTO d.checked (a) VALUES (5)",
        "CREATE FUNCTION d.twice(x INT) RETURNS INT DETERMINISTIC RETURN 2 * x", "CREATE PROCEDURE d.p(IN a INT) COMMENT 'it''s' SELECT a AS `\u00e9`",
        "CREATE VIEW d.on_function AS SELECT d.twice(id) AS t FROM d.parent", "CREATE VIEW d.on_view AS SELECT * FROM d.on_function WHERE t > 3",
        "CREATE TRIGGER d.tr BEFORE INSERT ON d.parent FOR EACH ROW SET NEW.id = NEW.id", "CREATE TRIGGER d.tr2 AFTER INSERT ON d.isam FOR EACH ROW INSERT INTO d.aria VALUES (NEW.id + 1000)",
        "CREATE EVENT d.runs ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' COMMENT '\u00e9' DO SELECT 1", "CREATE EVENT d.rests ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 2",
        "CREATE USER alice@'%' IDENTIFIED BY 'wonder;land''' REQUIRE NONE PASSWORD EXPIRE INTERVAL 90 DAY", "CREATE ROLE reader", "GRANT SELECT ON d.* TO reader", "GRANT reader TO alice@'%'",
        "SET DEFAULT ROLE reader FOR alice@'%'", "GRANT SELECT (id), UPDATE ON d.parent TO alice@'%'", "GRANT EXECUTE ON PROCEDURE d.p TO alice@'%'",
        "CREATE USER gone@localhost", "DROP USER gone@localhost", "INSERT INTO mysql.time_zone VALUES (1, 'N')", "INSERT INTO mysql.time_zone_name VALUES ('Wolf/Den', 1)", "INSERT INTO mysql.time_zone_transition_type VALUES (1, 0, 3600, 0, 'WD')",
    ];

    private Trio(Pair pair, TestNode three) => (Pair, Three, Source) = (pair, three, new CopySource(pair.Two));

    public Pair Pair { get; }

    public TestNode Leader => Pair.One;

    public TestNode Follower => Pair.Two;

    public TestNode Three { get; }

    /// <summary>The follower, as the third node sees it.</summary>
    public CopySource Source { get; set; }

    /// <summary>Starts them; the third node's controller is not started, and its server holds an account and a schema that the cluster does not know.</summary>
    public static async Task<Trio> StartAsync(bool auto = false)
    {
        var pair = await Pair.StartAsync();
        var three = await TestNode.StartAsync(pair.Log, 3);
        var trio = new Trio(pair, three);
        three.Log.IsSettled = true;
        three.Change = o => o with
        {
            MigrationSources = trio.Source,
            AutoMigrate = auto,
            Peers = () => [PeerServer.From(pair.One.Name, pair.One.Controller.State.Announcement, leads: true)],
        };
        await three.ExecuteUnloggedAsync("CREATE USER stranger@localhost", "CREATE DATABASE strange", "CREATE TABLE strange.t (a INT)", "INSERT INTO strange.t VALUES (1)");
        return trio;
    }

    /// <summary>The third node starts, and is told to copy.</summary>
    public async Task MigrateAsync()
    {
        await Three.RestartControllerAsync();
        await Three.AwaitAsync(s => s.Phase == DatabasePhase.NeedsMigration, "in need of a copy");
        await Three.Controller.MigrateAsync(Source.Name, replaceData: true, CancellationToken.None);
    }

    /// <summary>Waits until the third node follows and all servers stand where the log ends, then compares everything.</summary>
    public async Task AssertEqualAsync()
    {
        await Three.AwaitAsync(s => s is { Phase: DatabasePhase.Following, Fit: true } && s.AppliedLsn >= Pair.Log.CommitLsn, "in step", 90);
        await Follower.AwaitInStepAsync();
        var leader = await DescriptionAsync(Leader);
        Assert.Equal(leader, await DescriptionAsync(Follower));
        Assert.Equal(leader, await DescriptionAsync(Three));
        Assert.Null(await Three.Plans.LoadAsync("migration", CancellationToken.None));
        Assert.Equal("0", await Three.TextAsync("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('wolfscale_incoming', 'strange')"));
    }

    public async ValueTask DisposeAsync()
    {
        await Three.DisposeAsync();
        await Pair.DisposeAsync();
    }

    /// <summary>Everything that the servers must have in common, as text.</summary>
    private static async Task<string> DescriptionAsync(TestNode node)
    {
        var text = new List<string>();
        foreach (var table in (await node.RowsAsync(
            "SELECT CONCAT('`', REPLACE(TABLE_SCHEMA, '`', '``'), '`.`', REPLACE(TABLE_NAME, '`', '``'), '`') FROM information_schema.TABLES "
            + "WHERE TABLE_SCHEMA NOT IN ('mysql','sys','information_schema','performance_schema','wolfscale') AND TABLE_TYPE <> 'VIEW' ORDER BY 1")).Split('\n').Where(t => t.Length > 0))
        {
            // Through HEX and as a DOUBLE, so that what is printed is what is stored.
            text.Add(table + " " + await node.RowsAsync($"CHECKSUM TABLE {table} EXTENDED"));
            text.Add(await node.RowsAsync($"SHOW CREATE TABLE {table}"));
        }

        foreach (var query in (string[])
        [
            "SELECT id, f + 0e0, f2 + 0e0, dbl, CAST(dec_ AS CHAR), HEX(bits), e + 0, s + 0, y, d, CAST(t AS CHAR), CAST(dt AS CHAR), ts, u, i6, HEX(ST_AsBinary(g)), ST_SRID(g), HEX(j), HEX(vb), MD5(lb), LENGTH(lb), HEX(c), inv, gen, virt FROM d.kinds ORDER BY id",
            "SELECT HEX(a), HEX(b), HEX(c), HEX(d), HEX(e), HEX(f), HEX(g), HEX(h), HEX(i), HEX(j), HEX(k), HEX(l) FROM d.sets ORDER BY a",
            "SELECT f + 0e0, t FROM d.nokey ORDER BY f", "SELECT * FROM d.numbers",
            "SELECT *, row_start, row_end FROM d.versions FOR SYSTEM_TIME ALL ORDER BY row_start", "SELECT * FROM d.periods FOR SYSTEM_TIME ALL ORDER BY s", "SELECT * FROM d.on_view ORDER BY 1",
            "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION FROM information_schema.VIEWS WHERE TABLE_SCHEMA <> 'sys' AND TABLE_SCHEMA <> 'mysql' ORDER BY 1, 2",
            "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_DEFINITION, SQL_MODE, DEFINER, ROUTINE_COMMENT, CHARACTER_SET_CLIENT FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA NOT IN ('sys','mysql') ORDER BY 1, 2",
            "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, ACTION_ORDER, ACTION_STATEMENT, DEFINER, SQL_MODE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA NOT IN ('sys','mysql') ORDER BY 1, 2",
            "SELECT db, name, definer, body, created, modified, time_zone, sql_mode, comment FROM mysql.event ORDER BY 1, 2",
            "SELECT Host, User, Priv FROM mysql.global_priv WHERE User <> 'wolfscale' ORDER BY 1, 2",
            "SELECT * FROM mysql.db ORDER BY Host, Db, User", "SELECT Host, Db, User, Table_name, Grantor, Table_priv, Column_priv FROM mysql.tables_priv ORDER BY 1, 2, 3, 4",
            "SELECT Host, Db, User, Table_name, Column_name, Column_priv FROM mysql.columns_priv ORDER BY 1, 2, 3, 4, 5", "SELECT * FROM mysql.roles_mapping ORDER BY 1, 2, 3",
            "SELECT Host, Db, User, Routine_name, Routine_type, Proc_priv FROM mysql.procs_priv ORDER BY 1, 2, 3, 4", "SELECT * FROM mysql.time_zone_name", "SELECT * FROM mysql.time_zone_transition_type",
            "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME <> 'wolfscale' ORDER BY 1",
            "SELECT @@gtid_binlog_pos",
        ])
            text.Add(await node.RowsAsync(query));
        return string.Join('\n', text);
    }
}
