import java.io.ByteArrayInputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.*;
import java.util.Arrays;

/** MariaDB Connector/J: prepared statements of the server, bulk execution, OUT parameters, batches, streaming. */
public final class Main {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static final String SLOW = "SELECT SUM(SLEEP(0.05 + id * 0)) FROM many";

    private interface Action { void run() throws Exception; }

    private static String env(String name) { return System.getenv("CONF_" + name); }

    private static void section(String name) { OUT.println("\n## " + name); }

    private static void line(String text) { OUT.println("  " + text); }

    private static Connection open(String options, String user, String password) throws SQLException {
        return DriverManager.getConnection("jdbc:mariadb://" + env("HOST") + ":" + env("PORT") + "/" + env("DATABASE")
            + "?allowLocalInfile=true&maxAllowedPacket=67108864" + options, user, password);
    }

    private static Connection open(String options) throws SQLException { return open(options, env("USER"), env("PASSWORD")); }

    private static String md5(byte[] bytes) throws Exception {
        return String.format("%032x", new BigInteger(1, MessageDigest.getInstance("MD5").digest(bytes)));
    }

    private static String value(Object v) throws Exception {
        if (v == null) return "null";
        if (v instanceof Blob) v = ((Blob) v).getBytes(1, (int) ((Blob) v).length());
        if (v instanceof byte[]) {
            byte[] b = (byte[]) v;
            return b.length > 100 ? "byte[" + b.length + "] " + md5(b) : "byte[] " + (b.length == 0 ? "" : String.format("%0" + 2 * b.length + "x", new BigInteger(1, b)));
        }
        String text = v.toString();
        String type = v.getClass().getSimpleName();
        return text.length() > 100 ? type + "[" + text.length() + "] " + md5(text.getBytes(StandardCharsets.UTF_8)) : type + " " + text;
    }

    private static void failure(SQLException e) {
        line(e.getClass().getSimpleName() + " " + e.getErrorCode() + " " + e.getSQLState() + " " + e.getMessage());
        if (e instanceof BatchUpdateException) line("counts " + Arrays.toString(((BatchUpdateException) e).getUpdateCounts()));
    }

    private static void attempt(Action action) throws Exception {
        try {
            action.run();
        } catch (SQLException e) {
            failure(e);
        }
    }

    private static void show(ResultSet rows) throws Exception {
        ResultSetMetaData m = rows.getMetaData();
        for (int i = 1; i <= m.getColumnCount(); i++)
            line("column " + m.getColumnLabel(i) + " name=" + m.getColumnName(i) + " table=" + m.getTableName(i) + " catalog=" + m.getCatalogName(i) + " type=" + m.getColumnTypeName(i) + "/"
                + m.getColumnType(i) + " class=" + m.getColumnClassName(i) + " precision=" + m.getPrecision(i) + " scale=" + m.getScale(i) + " size=" + m.getColumnDisplaySize(i)
                + " nullable=" + m.isNullable(i) + " signed=" + m.isSigned(i) + " auto=" + m.isAutoIncrement(i));
        while (rows.next()) {
            StringBuilder text = new StringBuilder();
            for (int i = 1; i <= m.getColumnCount(); i++)
                text.append(i > 1 ? " | " : "").append(value(rows.getObject(i)));
            line(text.toString());
        }
    }

    private static void show(Statement s, boolean rows) throws Exception {
        while (true) {
            if (rows) {
                show(s.getResultSet());
            } else {
                long count = s.getLargeUpdateCount();
                if (count == -1) break;
                line("affected " + count);
                ResultSet keys = s.getGeneratedKeys();
                while (keys.next()) line("key " + keys.getLong(1));
            }
            rows = s.getMoreResults();
        }
        for (SQLWarning w = s.getWarnings(); w != null; w = w.getNextWarning())
            line("warning " + w.getErrorCode() + " " + w.getSQLState() + " " + w.getMessage());
    }

    private static void run(Connection c, String sql) throws Exception {
        OUT.println("> " + (sql.length() < 200 ? sql : sql.substring(0, 60) + "… (" + sql.length() + ")"));
        attempt(() -> {
            try (Statement s = c.createStatement()) {
                show(s, s.execute(sql, Statement.RETURN_GENERATED_KEYS));
            }
        });
    }

    private static void bind(PreparedStatement s, Object[] parameters) throws SQLException {
        for (int i = 0; i < parameters.length; i++) s.setObject(i + 1, parameters[i]);
    }

    private static void prepared(Connection c, String sql, Object[]... lists) throws Exception {
        OUT.println("> prepared " + sql);
        attempt(() -> {
            try (PreparedStatement s = c.prepareStatement(sql, Statement.RETURN_GENERATED_KEYS)) {
                line("parameters " + s.getParameterMetaData().getParameterCount());
                for (Object[] parameters : lists.length == 0 ? new Object[][] {{}} : lists)
                    attempt(() -> {
                        bind(s, parameters);
                        show(s, s.execute());
                    });
            }
        });
    }

    private static Object[] of(Object... values) { return values; }

    private static void batches(Connection c) throws Exception {
        attempt(() -> {
            try (PreparedStatement s = c.prepareStatement("INSERT INTO items (name, n) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
                for (int i = 0; i < 1000; i++) {
                    s.setString(1, "bulk " + i);
                    s.setObject(2, i % 3 == 0 ? null : (Object) i);
                    s.addBatch();
                }
                line("counts " + value(Arrays.toString(s.executeBatch())));
                ResultSet keys = s.getGeneratedKeys();
                long count = 0, last = 0;
                for (; keys.next(); count++) last = keys.getLong(1);
                line("keys " + count + ", last " + last);
            }
        });
        attempt(() -> {
            try (PreparedStatement s = c.prepareStatement("UPDATE items SET note = ? WHERE n = ?")) {
                for (int i = 0; i < 20; i++) {
                    bind(s, of("noted " + i, i));
                    s.addBatch();
                }
                line("counts " + Arrays.toString(s.executeBatch()));
            }
        });
        attempt(() -> {
            try (PreparedStatement s = c.prepareStatement("INSERT INTO items (name, n) VALUES (?, ?)")) {
                for (Object[] row : new Object[][] {{"before the duplicate", 1}, {"bulk 5", 2}, {"behind it", 3}}) {
                    bind(s, row);
                    s.addBatch();
                }
                line("counts " + Arrays.toString(s.executeBatch()));
            }
        });
        attempt(() -> {
            try (PreparedStatement s = c.prepareStatement("INSERT INTO large VALUES (?, ?, NULL)")) {
                for (int i = 0; i < 20; i++) {
                    byte[] blob = new byte[60000];
                    Arrays.fill(blob, (byte) i);
                    bind(s, of(100 + i, blob));
                    s.addBatch();
                }
                line("counts " + Arrays.toString(s.executeBatch()));
            }
        });
        attempt(() -> {
            try (Statement s = c.createStatement()) {
                for (String sql : new String[] {"INSERT INTO items (name) VALUES ('batched 1')", "UPDATE items SET n = 7 WHERE n = 8", "INSERT INTO nowhere VALUES (1)", "INSERT INTO items (name) VALUES ('batched 2')"})
                    s.addBatch(sql);
                line("counts " + Arrays.toString(s.executeBatch()));
            }
        });
        run(c, "SELECT COUNT(*), SUM(n), COUNT(note), MIN(id), MAX(id) FROM items");
        run(c, "SELECT COUNT(*), SUM(LENGTH(b)) FROM large WHERE id >= 100");
        run(c, "DELETE FROM items");
        run(c, "DELETE FROM large WHERE id >= 100");
    }

    private static void calls(Connection c) throws Exception {
        run(c, "CALL two_results(3)");
        for (int round = 0; round < 2; round++) {
            attempt(() -> {
                try (CallableStatement s = c.prepareCall("{CALL with_out(?, ?, ?)}")) {
                    for (int a : new int[] {21, 22}) {
                        s.setInt(1, a);
                        s.registerOutParameter(2, Types.INTEGER);
                        s.setString(3, "in");
                        s.registerOutParameter(3, Types.VARCHAR);
                        s.execute();
                        line("out " + s.getInt(2) + ", " + s.getString(3));
                    }
                }
            });
            attempt(() -> {
                try (CallableStatement s = c.prepareCall("CALL out_and_rows(?, ?, ?)")) {
                    s.setInt(1, 3);
                    s.registerOutParameter(2, Types.INTEGER);
                    s.registerOutParameter(3, Types.VARCHAR);
                    line("rows " + s.execute());
                    show(s.getResultSet());
                    line("out " + s.getInt(2) + ", " + s.getString(3));
                }
            });
            attempt(() -> {
                try (CallableStatement s = c.prepareCall("CALL large_out(?)")) {
                    s.registerOutParameter(1, Types.VARCHAR);
                    s.execute();
                    line("out " + value(s.getString(1)));
                }
            });
            attempt(() -> {
                try (CallableStatement s = c.prepareCall("{? = CALL plus_one(?)}")) {
                    s.registerOutParameter(1, Types.INTEGER);
                    s.setInt(2, 41);
                    s.execute();
                    line("function " + s.getInt(1));
                }
            });
        }
    }

    private static void awaitSleep(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            while (true)
                for (String hint : new String[] {"leader", "local"}) {
                    ResultSet r = s.executeQuery("/* wolfscale: " + hint + " */ SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User sleep' AND db = DATABASE()");
                    r.next();
                    if (r.getInt(1) > 0) return;
                }
        }
    }

    private static void queries(Connection c, String kind) throws Exception {
        section("types, NULLs, metadata, " + kind);
        prepared(c, "SELECT * FROM types ORDER BY id");
        prepared(c, "SELECT ?, ?, ?, ?, ?", of(1, "text 😀", null, true, new byte[] {0, -1}), of("other", 2.5, new byte[] {1}, "types", null));
        prepared(c, "SELECT id FROM many WHERE FALSE");

        section("large values, " + kind);
        for (int length : new int[] {65535, 1 << 20, 17 << 20})
            prepared(c, "SELECT MD5(?), REPEAT(?, ?)", of("é".repeat(length / 2), "0123456789abcdef", length / 16));
        byte[] blob = new byte[1 << 20];
        for (int i = 0; i < blob.length; i++) blob[i] = (byte) (i * 7);
        int id = kind.equals("text") ? 1 : 2;
        prepared(c, "INSERT INTO large VALUES (?, ?, ?)", of(id, blob, "ü".repeat(500000)));
        attempt(() -> {
            try (PreparedStatement s = c.prepareStatement("UPDATE large SET b = ?, t = ? WHERE id = ?")) {
                s.setBinaryStream(1, new ByteArrayInputStream(blob, 0, 300000));
                s.setCharacterStream(2, new StringReader("streamed ü ".repeat(30000)));
                s.setInt(3, id);
                line("affected " + s.executeUpdate());
            }
        });
        prepared(c, "SELECT id, LENGTH(b), MD5(b), MD5(t), b, t FROM large WHERE id < 100 ORDER BY id");

        section("prepared statements, " + kind);
        prepared(c, "SELECT id, name FROM many WHERE id BETWEEN ? AND ?", of(1, 3), of("2", "4"), of(2.5, 5.5), of(null, 1));
        prepared(c, "INSERT INTO items (name, n) VALUES (?, ?)", of("one", 1), of("two", null), of("one", 3), of("four", "4"));
        prepared(c, "SELECT LAST_INSERT_ID(), ROW_COUNT()");
        prepared(c, "SELECT COUNT(*) FROM many");
        prepared(c, "SELECT LAST_INSERT_ID()");
        prepared(c, "SELECT * FROM nowhere");
        prepared(c, "SELEC");
        prepared(c, "CALL fails_late()");
        try (PreparedStatement s = c.prepareStatement("SELECT id, name FROM many ORDER BY id")) {
            for (int fetch : new int[] {1, 100, 0}) {
                s.setFetchSize(fetch);
                long sum = 0;
                try (ResultSet r = s.executeQuery()) {
                    while (r.next()) sum += r.getLong(1);
                }
                line("fetch size " + fetch + ", sum " + sum);
            }
            s.setFetchSize(10);
            try (ResultSet r = s.executeQuery()) {
                r.next();
                line("left early at " + r.getString(2));
            }
        }
        run(c, "SELECT 'behind'");
        batches(c);
        section("CALL, " + kind);
        calls(c);
    }

    public static void main(String[] arguments) throws Exception {
        Connection text = open("");
        queries(text, "text");
        Connection c = open("&useServerPrepStmts=true&useBulkStmts=true&cachePrepStmts=false");
        queries(c, "server-side");

        section("affected rows, warnings");
        for (String sql : new String[] {"INSERT INTO items (name, n) VALUES ('a', 1), ('b', 2)", "UPDATE items SET n = 1 WHERE name IN ('a', 'b')", "INSERT INTO items (name) VALUES ('returned') RETURNING id, name",
            "SELECT SQL_CALC_FOUND_ROWS id FROM items ORDER BY id LIMIT 1", "SELECT FOUND_ROWS()", "SELECT CAST('1x' AS INT)", "INSERT IGNORE INTO items (name) VALUES ('b')", "ALTER TABLE items ADD COLUMN extra INT",
            "DROP TABLE IF EXISTS nowhere"})
            run(c, sql);

        section("transactions");
        c.setAutoCommit(false);
        run(c, "INSERT INTO items (name) VALUES ('rolled back')");
        c.rollback();
        run(c, "INSERT INTO items (name) VALUES ('kept')");
        Savepoint here = c.setSavepoint("here");
        run(c, "INSERT INTO items (name) VALUES ('not kept')");
        c.rollback(here);
        c.commit();
        run(c, "SELECT name, @@in_transaction FROM items WHERE name IN ('rolled back', 'kept', 'not kept')");
        c.rollback();
        c.setAutoCommit(true);
        c.setReadOnly(true);
        run(c, "SELECT COUNT(*) FROM items");
        c.setReadOnly(false);
        c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        line("isolation " + c.getTransactionIsolation());
        c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);

        section("errors");
        for (String sql : new String[] {"SELECT * FROM nowhere", "SELEC 1", "INSERT INTO many VALUES (1, 'again')", "INSERT INTO children VALUES (1, 99)",
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled: ü', MYSQL_ERRNO = 31000", "CALL fails_late()", "SELECT (SELECT id FROM many)", "SELECT 'still here'"})
            run(c, sql);
        attempt(() -> open("", env("USER"), "wrong").close());

        section("multi-results");
        try (Connection multi = open("&allowMultiQueries=true")) {
            run(multi, "SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; INSERT INTO items (name) VALUES ('multi'); SELECT ROW_COUNT()");
            run(multi, "SELECT 1; SELECT * FROM nowhere; SELECT 2");
        }

        section("local infile");
        run(c, "LOAD DATA LOCAL INFILE '" + env("FILE") + "' INTO TABLE loaded CHARACTER SET utf8mb4");
        run(c, "SELECT * FROM loaded ORDER BY id");
        run(c, "LOAD DATA LOCAL INFILE '" + env("FILE") + "' IGNORE INTO TABLE loaded CHARACTER SET utf8mb4");
        run(c, "LOAD DATA LOCAL INFILE '/nonexistent/file' INTO TABLE loaded");
        run(c, "SELECT 'still here'");

        section("character sets");
        try (Connection other = open("&sessionVariables=character_set_results=utf8mb4,sql_mode='ANSI_QUOTES'")) {
            run(other, "SELECT c_latin1, c_ucs2, HEX(c_latin1), @@sql_mode FROM types WHERE id = 1");
        }
        run(c, "SELECT '😀' AS `😀`, CHAR_LENGTH('😀')");

        section("cancelled statements");
        for (String hint : new String[] {"leader", "local"})
            try (Connection victim = open(""); Statement s = victim.createStatement()) {
                run(victim, "SELECT 1");
                Thread slow = new Thread(() -> {
                    try {
                        attempt(() -> s.executeQuery("/* wolfscale: " + hint + " */ " + SLOW));
                    } catch (Exception e) {
                        line("" + e);
                    }
                });
                slow.start();
                awaitSleep(c);
                s.cancel();
                slow.join();
                run(victim, "SELECT 'still here'");
            }
        try (Statement s = c.createStatement()) {
            s.setQueryTimeout(1);
            attempt(() -> s.executeQuery(SLOW));
        }

        section("session");
        DatabaseMetaData d = c.getMetaData();
        line("server " + d.getDatabaseProductName() + " " + d.getDatabaseProductVersion() + " driver " + d.getDriverVersion() + " user " + d.getUserName() + " catalog " + c.getCatalog());
        line("valid " + c.isValid(1));
        show(d.getColumns(env("DATABASE"), null, "items", null));
        show(d.getProcedureColumns(env("DATABASE"), null, "with_out", null));
        show(d.getIndexInfo(env("DATABASE"), null, "items", false, false));
        run(c, "CREATE TEMPORARY TABLE scratch (id INT)");
        run(c, "INSERT INTO scratch VALUES (1), (2)");
        run(c, "SELECT * FROM scratch");
        c.setCatalog("information_schema");
        run(c, "SELECT DATABASE()");
        c.close();

        section("TLS");
        try (Connection tls = open("&useSsl=true&serverSslCert=" + env("CA") + "&useServerPrepStmts=true")) {
            run(tls, "SELECT 'encrypted', REPEAT('over TLS ', 200000)");
            prepared(tls, "SELECT MD5(?)", of("x".repeat(1 << 20)));
        }

        section("ed25519");
        attempt(() -> {
            try (Connection ed = open("", env("ED25519_USER"), env("PASSWORD"))) {
                run(ed, "SELECT CURRENT_USER()");
                run(ed, "INSERT INTO items (name) VALUES ('by ed25519')");
                prepared(ed, "SELECT name FROM items WHERE name = ?", of("by ed25519"));
            }
        });
        attempt(() -> open("", env("ED25519_USER"), "wrong").close());

        section("compression");
        attempt(() -> {
            try (Connection compressed = open("&useCompression=true")) {
                run(compressed, "SELECT 'compressed or not', REPEAT('x', 100000)");
            }
        });
        section("end");
    }
}
