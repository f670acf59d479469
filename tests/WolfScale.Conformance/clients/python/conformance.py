"""What PyMySQL and mysqlclient have in common: the sections of the programs, on the interface of PEP 249."""
import hashlib
import os
import sys
import threading
import warnings

HOST = os.environ["CONF_HOST"]
PORT = int(os.environ["CONF_PORT"])
DATABASE = os.environ["CONF_DATABASE"]
USER = os.environ["CONF_USER"]
PASSWORD = os.environ["CONF_PASSWORD"]
CA = os.environ["CONF_CA"]
FILE = os.environ["CONF_FILE"]

sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
warnings.simplefilter("ignore")


def short(value):
    """A value as text; long ones as length and hash."""
    if isinstance(value, (bytes, bytearray)) and len(value) > 100:
        return f"bytes[{len(value)}] {hashlib.md5(value).hexdigest()}"
    if isinstance(value, str) and len(value) > 100:
        return f"str[{len(value)}] {hashlib.md5(value.encode()).hexdigest()}"
    return repr(value)


def section(name):
    print(f"\n## {name}")


def print_rows(rows):
    for row in rows or ():
        print("  " + " | ".join(f"{type(v).__name__} {short(v)}" for v in row))


class Program:
    def __init__(self, module, connect, stream_cursor, tls_arguments):
        """connect(**arguments) opens a connection; stream_cursor is the class of unbuffered cursors."""
        self.module = module
        self.connect = connect
        self.stream_cursor = stream_cursor
        self.tls_arguments = tls_arguments

    def open(self, **arguments):
        return self.connect(**{
            "host": HOST, "port": PORT, "user": USER, "password": PASSWORD, "database": DATABASE,
            "charset": "utf8mb4", "local_infile": True, **arguments})

    def run(self, sql, parameters=None, connection=None):
        """Executes and prints everything the cursor tells, of every result."""
        connection = connection or self.connection
        shown = sql if len(sql) < 200 else sql[:60] + f"… ({len(sql)})"
        print(f"> {shown}" + (f" {short(parameters)}" if parameters is not None else ""))
        cursor = connection.cursor()
        try:
            cursor.execute(sql, parameters)
            while True:
                self.result(cursor, connection)
                if not cursor.nextset():
                    break
        except Exception as error:
            print(f"  {type(error).__name__} {error.args!r}")
        finally:
            try:
                cursor.close()
            except Exception as error:
                print(f"  close: {type(error).__name__} {error.args!r}")

    def result(self, cursor, connection):
        if cursor.description:
            for column in cursor.description:
                print(f"  column {column!r}")
            print_rows(cursor.fetchall())
        print(f"  rowcount {cursor.rowcount} lastrowid {cursor.lastrowid} warnings {self.warning_count(connection)} info {self.info(connection)}")

    def warning_count(self, connection):
        return connection.warning_count() if callable(getattr(connection, "warning_count", None)) else connection._result.warning_count if connection._result else None

    def info(self, connection):
        return connection.info() if callable(getattr(connection, "info", None)) else connection._result.message if connection._result else None

    def main(self):
        self.connection = self.open()
        self.connection.autocommit(True)
        for part in (self.types, self.large, self.streaming, self.parameters, self.many, self.counts, self.transactions, self.errors, self.results,
                     self.infile, self.charsets, self.cancelled, self.session, self.tls, self.ed25519):
            part()
        self.connection.close()
        section("end")

    def types(self):
        section("types, NULLs, metadata")
        self.run("SELECT * FROM types ORDER BY id")
        self.run("SELECT 1, 1.50, 1e0, 'text', x'00ff', NULL, DATE '2024-01-01', TIME '10:11:12.5', TIMESTAMP '2024-01-01 10:11:12', CAST(-1 AS UNSIGNED)")
        self.run("SELECT id FROM many WHERE FALSE")

    def large(self):
        section("large values")
        for length in (65_535, 1 << 20, 17 << 20):
            cursor = self.connection.cursor()
            cursor.execute("SELECT %s, REPEAT('0123456789abcdef', %s)", ("ü" * (length // 2), length // 16))
            print_rows(cursor.fetchall())
            cursor.close()
        cursor = self.connection.cursor()
        cursor.execute("INSERT INTO large VALUES (1, %s, %s)", (bytes(range(256)) * 4096, "é" * 500_000))
        cursor.execute("SELECT b, t, MD5(b), MD5(t) FROM large WHERE id = 1")
        print_rows(cursor.fetchall())
        cursor.close()

    def streaming(self):
        section("streaming")
        cursor = self.connection.cursor(self.stream_cursor)
        cursor.execute("SELECT id, name FROM many ORDER BY id")
        print_rows([cursor.fetchone()])
        print_rows(cursor.fetchmany(3))
        print(f"  the rest: {sum(1 for _ in cursor)} rows")
        cursor.close()
        cursor = self.connection.cursor(self.stream_cursor)
        cursor.execute("SELECT id, name FROM many ORDER BY id")
        print_rows([cursor.fetchone()])
        cursor.close()
        self.run("SELECT 'after a cursor that was left early'")

    def parameters(self):
        section("parameters")
        self.run("SELECT %s, %s, %s, HEX(%s), %s", (1, "it's \\ \"q\" 😀", None, b"\x00\xff'", 2.5))
        self.run("SELECT id, name FROM many WHERE id IN %s", ((5, 6, 7),))
        self.run("SELECT id, name FROM many WHERE name = %(name)s", {"name": "row 9"})

    def many(self):
        section("bulk")
        cursor = self.connection.cursor()
        print(" ", cursor.executemany("INSERT INTO items (name, n) VALUES (%s, %s)", [(f"bulk {i}", i if i % 3 else None) for i in range(2000)]), cursor.rowcount, cursor.lastrowid)
        print(" ", cursor.executemany("UPDATE items SET note = %s WHERE n = %s", [("noted", i) for i in range(20)]), cursor.rowcount)
        cursor.close()
        self.run("SELECT COUNT(*), SUM(n), COUNT(note), MIN(id), MAX(id) FROM items")

    def counts(self):
        section("affected rows, insert ids, warnings")
        for sql in ("DELETE FROM items WHERE n > 10", "INSERT INTO items (name, n) VALUES ('a', 1), ('b', 2)", "SELECT LAST_INSERT_ID(), ROW_COUNT()",
                    "SELECT COUNT(*) FROM many", "SELECT LAST_INSERT_ID()", "SELECT COUNT(*) FROM many", "SELECT FOUND_ROWS()", "SELECT id FROM many LIMIT 3",
                    "SELECT ROW_COUNT()", "INSERT INTO items (name, n) SELECT 'of the last id', LAST_INSERT_ID() > 0",
                    "UPDATE items SET n = 1 WHERE name IN ('a', 'b')", "REPLACE INTO items (id, name) SELECT id, 'replaced' FROM items WHERE name = 'a'",
                    "INSERT INTO items (name) VALUES ('returned') RETURNING id, name", "SELECT SQL_CALC_FOUND_ROWS id FROM items ORDER BY id LIMIT 1",
                    "SELECT FOUND_ROWS()", "SELECT CAST('1x' AS INT)", "SHOW WARNINGS", "INSERT IGNORE INTO items (name) VALUES ('b')", "SHOW WARNINGS",
                    "DROP TABLE IF EXISTS nowhere", "SHOW WARNINGS"):
            self.run(sql)

    def transactions(self):
        section("transactions")
        connection = self.open()
        connection.autocommit(False)
        self.run("INSERT INTO items (name) VALUES ('rolled back')", connection=connection)
        connection.rollback()
        self.run("SELECT COUNT(*), @@in_transaction FROM items WHERE name = 'rolled back'", connection=connection)
        connection.commit()
        self.run("INSERT INTO items (name) VALUES ('kept')", connection=connection)
        self.run("SAVEPOINT here", connection=connection)
        self.run("INSERT INTO items (name) VALUES ('not kept')", connection=connection)
        self.run("ROLLBACK TO SAVEPOINT here", connection=connection)
        connection.commit()
        connection.begin()
        self.run("INSERT INTO items (name) VALUES ('lost with its connection')", connection=connection)
        connection.close()
        self.run("/* wolfscale: strong */ SELECT name FROM items WHERE name IN ('rolled back', 'kept', 'not kept', 'lost with its connection')")
        print(f"  autocommit {self.connection.get_autocommit()}")

    def errors(self):
        section("errors")
        for sql in ("SELECT * FROM nowhere", "SELEC 1", "INSERT INTO many VALUES (1, 'again')", "INSERT INTO children VALUES (1, 99)", "SELECT nothing FROM many",
                    "INSERT INTO types (id, c_tiny) VALUES (9, 1000)", "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled: ü', MYSQL_ERRNO = 31000",
                    "CALL fails_late()", "SELECT 1; SELECT * FROM nowhere; SELECT 2", "SELECT (SELECT id FROM many)", "SELECT 'still here'"):
            self.run(sql)
        for wrong in ({"password": "wrong"}, {"database": "nothing_there"}, {"user": "nobody"}):
            try:
                self.open(**wrong).close()
                print("  connected")
            except Exception as error:
                print(f"  {type(error).__name__} {error.args!r}")

    def results(self):
        section("multi-results and CALL")
        self.run("SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; INSERT INTO items (name) VALUES ('multi'); SELECT ROW_COUNT()")
        self.run("CALL two_results(3)")
        cursor = self.connection.cursor()
        print(" ", cursor.callproc("with_out", (21, None, "in")))
        cursor.close()
        self.run("SELECT @_with_out_0, @_with_out_1, @_with_out_2")
        self.run("CALL out_and_rows(2, @b, @missing)")
        self.run("SELECT @b, @missing")
        self.run("SELECT plus_one(41)")

    def infile(self):
        section("local infile")
        self.run(f"LOAD DATA LOCAL INFILE '{FILE}' INTO TABLE loaded CHARACTER SET utf8mb4")
        self.run("SELECT * FROM loaded ORDER BY id")
        self.run(f"LOAD DATA LOCAL INFILE '{FILE}' IGNORE INTO TABLE loaded CHARACTER SET utf8mb4")
        self.run("SHOW WARNINGS")
        self.run("LOAD DATA LOCAL INFILE '/nonexistent/file' INTO TABLE loaded")
        self.run("SELECT 'still here'")

    def charsets(self):
        section("character sets")
        for charset in ("latin1", "utf8mb3", "utf8mb4"):
            try:
                connection = self.open(charset=charset)
                self.run("SELECT c_latin1, HEX(c_latin1), 'Grüße', HEX('ü'), @@character_set_client, @@collation_connection FROM types WHERE id = 1", connection=connection)
                connection.close()
            except Exception as error:
                print(f"  {type(error).__name__} {error.args!r}")
        self.run("SELECT '😀' AS `😀 name`, CHAR_LENGTH('😀'), HEX('😀')")
        self.run("SET NAMES latin1")
        self.run("SELECT HEX(c_latin1), @@character_set_results, @@collation_connection FROM types WHERE id = 1")
        self.run("SET NAMES utf8mb4 COLLATE utf8mb4_bin")
        self.run("SELECT 'a' = 'A'")
        self.run("SELECT 'a' = 'A', @@collation_connection")
        self.run("SET NAMES utf8mb4")
        self.run("SELECT 'a' = 'A', 'ü'")

    def cancelled(self):
        section("cancelled statements")
        for hint in ("leader", "local"):
            connection = self.open()
            self.run("SELECT 1", connection=connection)
            slow = threading.Thread(target=self.run, args=(f"/* wolfscale: {hint} */ SELECT SUM(SLEEP(0.05 + id * 0)) FROM many", None, connection))
            slow.start()
            self.await_sleep()
            killer = self.connection.cursor()
            killer.execute(f"KILL QUERY {connection.thread_id()}")
            killer.close()
            slow.join()
            self.run("SELECT 'still here'", connection=connection)
            connection.close()
        self.run("SET STATEMENT max_statement_time = 0.1 FOR SELECT SUM(SLEEP(0.05 + id * 0)) FROM many")
        self.run("KILL QUERY 4000000000")

    def await_sleep(self):
        """Until this user's statement sleeps in this database: on the leader, or on the server of the node that was asked."""
        cursor = self.connection.cursor()
        while True:
            for hint in ("leader", "local"):
                cursor.execute(f"/* wolfscale: {hint} */ SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User sleep' AND db = DATABASE()")
                if cursor.fetchone()[0]:
                    cursor.close()
                    return

    def session(self):
        section("session")
        print(f"  server {self.connection.get_server_info()} protocol {self.connection.get_proto_info()} host {self.connection.get_host_info()}")
        print(f"  connection id: {self.connection.thread_id()}")
        print(f"  id is the server's: {self.same_id()}")
        self.connection.ping()
        for sql in ("SELECT DATABASE(), CURRENT_USER(), USER(), VERSION()", "SET @a = 1, @b = 'two'", "SELECT @a, @b, @missing", "SET sql_mode = 'ANSI_QUOTES', time_zone = '+05:00'",
                    "SELECT @@sql_mode, @@time_zone, FROM_UNIXTIME(0)", "SET timestamp = 1700000000", "SELECT UNIX_TIMESTAMP(), NOW()", "SET timestamp = DEFAULT",
                    "SELECT UNIX_TIMESTAMP() > 1700000001", "CREATE TEMPORARY TABLE scratch (id INT)", "INSERT INTO scratch VALUES (1), (2)", "SELECT * FROM scratch",
                    "SELECT GET_LOCK('python', 1), RELEASE_LOCK('python')", "SHOW TABLES", "DESCRIBE many", "SHOW CREATE TABLE children", "EXPLAIN SELECT * FROM many WHERE id = 1"):
            self.run(sql)
        self.connection.select_db("information_schema")
        self.run("SELECT DATABASE()")

    def same_id(self):
        cursor = self.connection.cursor()
        cursor.execute("SELECT CONNECTION_ID()")
        return cursor.fetchone()[0] == self.connection.thread_id()

    def tls(self):
        section("TLS")
        connection = self.open(**self.tls_arguments)
        self.run("SELECT 'encrypted', MD5(REPEAT('x', 100000))", connection=connection)
        print(f"  cipher: {self.cipher(connection)}")
        self.run("SELECT REPEAT('over TLS ', 200000)", connection=connection)
        connection.close()

    def ed25519(self):
        section("ed25519")
        for password in (PASSWORD, "wrong"):
            try:
                connection = self.open(user=os.environ["CONF_ED25519_USER"], password=password)
                self.run("SELECT CURRENT_USER()", connection=connection)
                self.run("INSERT INTO items (name) VALUES ('by ed25519')", connection=connection)
                self.run("SELECT name FROM items WHERE name = 'by ed25519'", connection=connection)
                connection.close()
            except Exception as error:
                print(f"  {type(error).__name__} {error.args!r}")
