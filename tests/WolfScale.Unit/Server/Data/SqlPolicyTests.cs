using WolfScale.Server.Http.Data;
using WolfScale.Server.Http.Data.Statements;
using WolfScale.Settings;

namespace WolfScale.Unit.Server.Data;

/// <summary>Which statements whose token may send. The account behind it may do nearly everything.</summary>
public class SqlPolicyTests
{
    [Theory]
    [InlineData("SELECT * FROM t WHERE a = ?")]
    [InlineData("(SELECT 1) UNION (SELECT 2)")]
    [InlineData("WITH c AS (SELECT 1) SELECT * FROM c;")]
    [InlineData("SELECT ';', \"a;b\", `c;d` FROM t ;")]
    [InlineData("SHOW CREATE TABLE t")]
    [InlineData("SHOW FULL COLUMNS FROM t")]
    [InlineData("DESCRIBE t")]
    [InlineData("EXPLAIN SELECT * FROM t")]
    [InlineData("SELECT TABLE_NAME FROM information_schema.TABLES")]
    [InlineData("SELECT 'mysql.user', \"; DROP TABLE t\"")]
    [InlineData("SELECT `select` FROM `outfile`")]
    public void Reads_are_for_everybody(string sql) => Assert.Equal(SqlKind.Read, SqlPolicy.Check(sql, TokenRole.Read).Kind);

    /// <summary>Words of the language may be among them: too much is looked up, and nothing overlooked.</summary>
    [Theory]
    [InlineData("INSERT INTO T (a) VALUES (b)", "T")]
    [InlineData("insert ignore into `My db`.`values` set a = 1", "My db.values")]
    [InlineData("REPLACE a.b SELECT * FROM c", "a.b")]
    [InlineData("UPDATE a AS x JOIN s.B y USING (id) SET x.n = 1 WHERE y.n = 2", "a", "s.B")]
    [InlineData("DELETE FROM t WHERE a IN (SELECT b FROM c)", "t")]
    [InlineData("DELETE x FROM a x JOIN `b` ON a.id = b.id WHERE 1", "a", "b")]
    [InlineData("DELETE FROM a USING a JOIN b", "a", "b")]
    [InlineData("INSERT INTO value SET a = 1", "value")]
    [InlineData("UPDATE a JOIN (SELECT CAST('x' AS CHAR CHARACTER SET utf8mb4) n) d JOIN b SET b.n = 1", "a", "b")]
    [InlineData("DELETE x, y FROM a AS x JOIN (SELECT 1 FROM a WHERE 1) z JOIN b AS y", "a", "b")]
    public void What_a_statement_writes_to_is_found(string sql, params string[] tables)
    {
        var named = SqlPolicy.Written(sql)!.Select(w => w.Schema is null ? w.Name : $"{w.Schema}.{w.Name}").ToList();

        Assert.Superset(tables.ToHashSet(), named.ToHashSet());
        Assert.DoesNotContain("c", named);
    }

    [Theory]
    [InlineData("SELECT f(1)")]
    [InlineData("WITH c AS (SELECT 1) SELECT NEXTVAL(s) FROM c")]
    [InlineData("TRUNCATE t")]
    [InlineData("CALL p()")]
    public void Of_other_statements_nobody_knows(string sql) => Assert.Null(SqlPolicy.Written(sql));

    [Theory]
    [InlineData("INSERT INTO t VALUES (1)")]
    [InlineData("REPLACE INTO t SELECT * FROM u")]
    [InlineData("UPDATE t SET a = 1")]
    [InlineData("DELETE FROM t")]
    [InlineData("SELECT NEXTVAL(s)")]
    [InlineData("SELECT f(1)")] // a stored function may write
    [InlineData("SELECT * FROM t FOR UPDATE")]
    [InlineData("SELECT * FROM t LOCK IN SHARE MODE")]
    [InlineData("CREATE TABLE t (a INT) ENGINE=InnoDB")]
    [InlineData("CREATE OR REPLACE VIEW v AS SELECT 1")]
    [InlineData("CREATE UNIQUE INDEX i ON t (a)")]
    [InlineData("DROP TABLE IF EXISTS t")]
    [InlineData("TRUNCATE t")]
    [InlineData("RENAME TABLE a TO b")]
    [InlineData("ALTER TABLE t ADD COLUMN b INT")]
    [InlineData("CREATE DATABASE more")]
    public void What_writes_wants_a_token_that_may(string sql)
    {
        Assert.Equal(403, Refusal(sql, TokenRole.Read).Status);
        _ = SqlPolicy.Check(sql, TokenRole.Write);
    }

    [Theory]
    [InlineData("GRANT ALL ON *.* TO x")]
    [InlineData("CREATE USER x IDENTIFIED BY 'y'")]
    [InlineData("ALTER USER x IDENTIFIED BY 'y'")]
    [InlineData("CREATE PROCEDURE p() SELECT 1")]
    [InlineData("CREATE DEFINER=root@localhost FUNCTION f() RETURNS INT RETURN 1")]
    [InlineData("CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET @a = 1")]
    [InlineData("CREATE DEFINER=root@localhost VIEW v AS SELECT 1")]
    [InlineData("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1")]
    [InlineData("CALL p()")]
    [InlineData("SHOW GRANTS FOR root@localhost")]
    [InlineData("SHOW CREATE USER root@localhost")]
    [InlineData("SHOW PROCESSLIST")]
    [InlineData("SELECT * FROM mysql.user")]
    [InlineData("SELECT * FROM `mysql` /* a */ . `global_priv`")]
    [InlineData("SELECT * FROM information_schema.PROCESSLIST")]
    [InlineData("SELECT * FROM information_schema.USER_PRIVILEGES")]
    [InlineData("SELECT * FROM /*!50000 mysql */.user")]
    public void Accounts_and_routines_are_for_administrators(string sql)
    {
        Assert.Equal(403, Refusal(sql, TokenRole.Read).Status);
        Assert.Equal(403, Refusal(sql, TokenRole.Write).Status);
        _ = SqlPolicy.Check(sql, TokenRole.Admin);
    }

    [Theory]
    [InlineData("SET GLOBAL read_only = 0")]
    [InlineData("SET SESSION sql_log_bin = 0")]
    [InlineData("SET STATEMENT max_statement_time = 1 FOR DELETE FROM t")]
    [InlineData("KILL 5")]
    [InlineData("BEGIN")]
    [InlineData("COMMIT")]
    [InlineData("LOCK TABLES t WRITE")]
    [InlineData("PREPARE s FROM 'SELECT 1'")]
    [InlineData("EXECUTE IMMEDIATE 'GRANT ALL ON *.* TO x'")]
    [InlineData("LOAD DATA INFILE '/etc/passwd' INTO TABLE t")]
    [InlineData("SELECT * FROM t INTO OUTFILE '/tmp/x'")]
    [InlineData("SELECT LOAD_FILE('/etc/passwd')")]
    [InlineData("CREATE TABLE t (a INT) DATA DIRECTORY='/tmp'")]
    [InlineData("CREATE TABLE t (a INT) ENGINE=CONNECT TABLE_TYPE=CSV")]
    [InlineData("CREATE TABLE t (a INT) ENGINE = 'FEDERATED'")]
    [InlineData("CREATE FUNCTION f RETURNS STRING SONAME 'x.so'")]
    [InlineData("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')")]
    [InlineData("ALTER TABLE t DISCARD TABLESPACE")]
    [InlineData("CREATE TEMPORARY TABLE t (a INT)")]
    [InlineData("RESET MASTER")]
    [InlineData("CHANGE MASTER TO MASTER_HOST = 'x'")]
    [InlineData("INSTALL SONAME 'x'")]
    [InlineData("SHUTDOWN")]
    [InlineData("FLUSH TABLES WITH READ LOCK")]
    [InlineData("HANDLER t OPEN")]
    [InlineData("USE mysql")]
    [InlineData("INSERT INTO mysql.user VALUES (1)")]
    [InlineData("DELETE FROM wolfscale_api.idempotency")]
    [InlineData("DROP DATABASE mysql")]
    [InlineData("DROP DATABASE `wolfscale`")]
    [InlineData("XA START 'x'")]
    [InlineData("BACKUP STAGE START")]
    [InlineData("DO SLEEP(1)")]
    [InlineData("SELECT LAST_INSERT_ID()")]
    [InlineData("SELECT @a := 5")]
    [InlineData("SELECT a INTO @x FROM t")]
    public void What_belongs_to_a_session_or_to_one_server_is_for_nobody(string sql)
    {
        foreach (var role in Enum.GetValues<TokenRole>())
            Assert.Equal(403, Refusal(sql, role).Status);
    }

    [Theory]
    [InlineData("", "empty_statement")]
    [InlineData(" ; -- nothing", "empty_statement")]
    [InlineData("SELECT 1; DROP TABLE t", "one_statement")]
    [InlineData("SELECT 'a'#;SET SESSION TRANSACTION READ WRITE;DROP DATABASE shop", "one_statement")]
    [InlineData("SELECT 1 /***/ # */;DELETE FROM t", "one_statement")]
    [InlineData("SELECT `a`-- ;DELETE FROM t", "one_statement")]
    [InlineData("SELECT 1 /* ; */", "one_statement")]
    [InlineData("SELECT 'a", "unreadable_statement")]
    [InlineData("SELECT 1 /* ", "unreadable_statement")]
    [InlineData("SELECT 1 \0", "unreadable_statement")]
    [InlineData("SELECT 1 /*!110000 INTO OUTFILE '/tmp/x' */", "unreadable_statement")]
    public void What_cannot_be_read_for_certain_is_refused(string sql, string code) => Assert.Equal(code, Refusal(sql, TokenRole.Admin).Code);

    /// <summary>So that the next request may have its session.</summary>
    [Theory]
    [InlineData("SELECT * FROM t", true)]
    [InlineData("INSERT INTO t VALUES (1)", true)]
    [InlineData("SELECT f(1)", false)]
    [InlineData("SELECT GET_LOCK('a', 1)", false)]
    public void It_is_told_whether_something_stays_behind_in_the_session(string sql, bool nothing) =>
        Assert.Equal(nothing, SqlPolicy.Check(sql, TokenRole.Write).LeavesNothing);

    [Fact]
    public void Hints_are_found_wherever_they_stand()
    {
        var verdict = SqlPolicy.Check("/* Ü */ /* wolfscale: strong */ SELECT 1", TokenRole.Read);

        Assert.Equal((WolfScale.Proxy.Sql.RoutingHint.Strong, "/* Ü */ /* wolfscale: strong */ SELECT".Length), (verdict.Hint, verdict.FirstWordEnd));
    }

    private static DataProblemException Refusal(string sql, TokenRole role) => Assert.Throws<DataProblemException>(() => SqlPolicy.Check(sql, role));
}
