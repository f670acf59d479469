// go-sql-driver/mysql: classic EOF packets, binary protocol by default, interpolated parameters on demand.
package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

func env(name string) string { return os.Getenv("CONF_" + name) }

func section(name string) { fmt.Printf("\n## %s\n", name) }

func line(format string, arguments ...any) { fmt.Printf("  "+format+"\n", arguments...) }

func configuration() *mysql.Config {
	c := mysql.NewConfig()
	c.Net, c.Addr = "tcp", env("HOST")+":"+env("PORT")
	c.User, c.Passwd, c.DBName = env("USER"), env("PASSWORD"), env("DATABASE")
	c.MultiStatements, c.MaxAllowedPacket, c.Params = true, 64<<20, map[string]string{"charset": "utf8mb4"}
	return c
}

// open returns a single connection.
func open(change func(*mysql.Config)) *sql.Conn {
	c := configuration()
	if change != nil {
		change(c)
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		line("error %v", err)
		return nil
	}
	db := sql.OpenDB(connector)
	conn, err := db.Conn(context.Background())
	if err != nil {
		line("error %v", err)
		return nil
	}
	return conn
}

func value(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case []byte:
		if len(x) > 100 {
			return fmt.Sprintf("bytes[%d] %x", len(x), md5.Sum(x))
		}
		return fmt.Sprintf("bytes %q", x)
	case string:
		if len(x) > 100 {
			return fmt.Sprintf("string[%d] %x", len(x), md5.Sum([]byte(x)))
		}
		return fmt.Sprintf("string %q", x)
	case time.Time:
		return "time " + x.Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%T %v", v, v)
}

func show(rows *sql.Rows) {
	for {
		types, err := rows.ColumnTypes()
		if err != nil {
			line("error %v", err)
		}
		for _, t := range types {
			nullable, known := t.Nullable()
			precision, scale, decimal := t.DecimalSize()
			line("column %s type=%s scan=%v nullable=%v/%v decimal=%d,%d/%v", t.Name(), t.DatabaseTypeName(), t.ScanType(), nullable, known, precision, scale, decimal)
		}
		values := make([]any, len(types))
		into := make([]any, len(types))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				line("error %v", err)
				break
			}
			texts := make([]string, len(values))
			for i, v := range values {
				texts[i] = value(v)
			}
			line("%s", strings.Join(texts, " | "))
		}
		if !rows.NextResultSet() {
			break
		}
		line("next result")
	}
	if err := rows.Err(); err != nil {
		line("error %v", err)
	}
	rows.Close()
}

func shown(text string) string {
	if len(text) < 200 {
		return text
	}
	return fmt.Sprintf("%.60s… (%d)", text, len(text))
}

func query(c *sql.Conn, text string, parameters ...any) {
	fmt.Printf("> %s\n", shown(text))
	rows, err := c.QueryContext(context.Background(), text, parameters...)
	if err != nil {
		line("error %v", err)
		return
	}
	show(rows)
}

func exec(c *sql.Conn, text string, parameters ...any) {
	fmt.Printf("> %s\n", shown(text))
	result, err := c.ExecContext(context.Background(), text, parameters...)
	if err != nil {
		line("error %v", err)
		return
	}
	affected, _ := result.RowsAffected()
	id, _ := result.LastInsertId()
	line("affected %d insert id %d", affected, id)
}

func prepared(c *sql.Conn, text string, lists ...[]any) {
	fmt.Printf("> prepared %s\n", text)
	statement, err := c.PrepareContext(context.Background(), text)
	if err != nil {
		line("error %v", err)
		return
	}
	defer statement.Close()
	for _, list := range lists {
		rows, err := statement.Query(list...)
		if err != nil {
			line("error %v", err)
			continue
		}
		show(rows)
	}
}

func queries(c *sql.Conn, kind string, id int) {
	section("types, NULLs, metadata, " + kind)
	query(c, "SELECT * FROM types ORDER BY id")
	query(c, "SELECT * FROM types WHERE id > ? ORDER BY id", 0)
	query(c, "SELECT ?, ?, ?, ?, ?", 1, "text 😀", nil, true, []byte{0, 255})
	query(c, "SELECT ?, ?, ?", 2.5, time.Date(2024, 2, 29, 12, 34, 56, 123456000, time.UTC), int64(-1))
	query(c, "SELECT id FROM many WHERE FALSE")

	section("large values, " + kind)
	for _, length := range []int{65535, 1 << 20, 17 << 20} {
		query(c, "SELECT MD5(?), REPEAT(?, ?)", strings.Repeat("é", length/2), "0123456789abcdef", length/16)
	}
	exec(c, "INSERT INTO large VALUES (?, ?, ?)", id, bytes.Repeat([]byte{0, 254, 255}, 350000), strings.Repeat("ü", 500000))
	query(c, "SELECT id, LENGTH(b), MD5(b), MD5(t), b, t FROM large WHERE id = ?", id)

	section("parameters and counts, " + kind)
	exec(c, "INSERT INTO items (name, n) VALUES (?, ?)", kind+" one", 1)
	exec(c, "INSERT INTO items (name, n) VALUES (?, ?), (?, ?)", kind+" two", nil, kind+" three", 3)
	exec(c, "INSERT INTO items (name, n) VALUES (?, ?)", kind+" one", 1)
	query(c, "SELECT LAST_INSERT_ID(), ROW_COUNT()")
	query(c, "SELECT COUNT(*) FROM many")
	query(c, "SELECT LAST_INSERT_ID()")
	exec(c, "UPDATE items SET n = ? WHERE name LIKE ?", 5, kind+"%")
	query(c, "INSERT INTO items (name) VALUES (?) RETURNING id, name", kind+" returned")
	exec(c, "DELETE FROM items WHERE n = ?", 99)

	section("multi-results and CALL, " + kind)
	query(c, "SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; INSERT INTO items (name) VALUES ('multi "+kind+"'); SELECT ROW_COUNT()")
	query(c, "CALL two_results(?)", 3)
	exec(c, "CALL two_results(2)")
	exec(c, "SET @c = 'c'")
	exec(c, "CALL with_out(21, @b, @c)")
	query(c, "SELECT @b, @c")
}

func awaitSleep(c *sql.Conn) {
	for sleeping := 0; ; {
		for _, hint := range []string{"leader", "local"} {
			row := c.QueryRowContext(context.Background(), "/* wolfscale: "+hint+" */ SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User sleep' AND db = DATABASE()")
			if row.Scan(&sleeping); sleeping > 0 {
				return
			}
		}
	}
}

func main() {
	background := context.Background()
	mysql.SetLogger(log.New(io.Discard, "", 0)) // it writes the time of day
	c := open(nil)
	queries(c, "binary", 1)
	queries(open(func(c *mysql.Config) { c.InterpolateParams = true }), "text", 2)
	query(open(func(c *mysql.Config) { c.ParseTime, c.ClientFoundRows = true, true }), "SELECT c_date, c_datetime6, c_timestamp3 FROM types WHERE id IN (1, 3, 4) ORDER BY id")

	section("prepared statements")
	prepared(c, "SELECT id, name FROM many WHERE id BETWEEN ? AND ?", []any{1, 3}, []any{"2", "4"}, []any{2.5, 5.5}, []any{nil, 1})
	prepared(c, "SELECT * FROM nowhere", []any{})
	prepared(c, "SELEC", []any{})
	prepared(c, "SHOW TABLES", []any{})

	section("streaming")
	rows, err := c.QueryContext(background, "SELECT a.id, b.name FROM many a, many b WHERE b.id <= 5")
	sum, count := 0, 0
	for err == nil && rows.Next() {
		var id int
		var name string
		if err = rows.Scan(&id, &name); err == nil {
			sum, count = sum+id, count+1
		}
	}
	line("%d rows, sum %d, error %v", count, sum, err)
	rows.Close()
	rows, _ = c.QueryContext(background, "SELECT id FROM many")
	rows.Next()
	rows.Close()
	query(c, "SELECT 'after rows that were left early'")

	section("transactions")
	transaction, _ := c.BeginTx(background, &sql.TxOptions{Isolation: sql.LevelSerializable})
	_, err = transaction.Exec("INSERT INTO items (name) VALUES ('rolled back')")
	line("inserted %v, rolled back %v", err, transaction.Rollback())
	transaction, _ = c.BeginTx(background, nil)
	for _, text := range []string{"INSERT INTO items (name) VALUES ('kept')", "SAVEPOINT here", "INSERT INTO items (name) VALUES ('not kept')", "ROLLBACK TO SAVEPOINT here"} {
		_, err = transaction.Exec(text)
		line("%s: %v", text, err)
	}
	line("committed %v", transaction.Commit())
	transaction, err = c.BeginTx(background, &sql.TxOptions{ReadOnly: true})
	_, err = transaction.Exec("INSERT INTO items (name) VALUES ('read only')")
	line("read only: %v, %v", err, transaction.Commit())
	query(c, "SELECT name, @@in_transaction FROM items WHERE name IN ('rolled back', 'kept', 'not kept', 'read only')")

	section("errors")
	for _, text := range []string{"SELECT * FROM nowhere", "SELEC 1", "INSERT INTO many VALUES (1, 'again')", "INSERT INTO children VALUES (1, 99)",
		"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled: ü', MYSQL_ERRNO = 31000", "SELECT (SELECT id FROM many)", "SELECT 'still here'"} {
		query(c, text)
	}
	open(func(c *mysql.Config) { c.Passwd = "wrong" })
	open(func(c *mysql.Config) { c.DBName = "nothing_there" })

	section("warnings")
	for _, text := range []string{"SELECT CAST('1x' AS INT)", "SHOW WARNINGS", "INSERT IGNORE INTO items (name) VALUES ('kept')", "SHOW WARNINGS", "DROP TABLE IF EXISTS nowhere", "SHOW WARNINGS"} {
		query(c, text)
	}

	section("local infile")
	mysql.RegisterLocalFile(env("FILE"))
	exec(c, "LOAD DATA LOCAL INFILE '"+env("FILE")+"' INTO TABLE loaded CHARACTER SET utf8mb4")
	query(c, "SELECT * FROM loaded ORDER BY id")
	mysql.RegisterReaderHandler("generated", func() io.Reader {
		var b bytes.Buffer
		for i := 0; i < 20000; i++ {
			fmt.Fprintf(&b, "%d\tgenerated %d\t%d.25\n", i+10, i, i)
		}
		return &b
	})
	exec(c, "LOAD DATA LOCAL INFILE 'Reader::generated' INTO TABLE loaded")
	query(c, "SELECT COUNT(*), SUM(amount) FROM loaded")
	exec(c, "LOAD DATA LOCAL INFILE '/not/registered' INTO TABLE loaded")
	query(c, "SELECT 'still here'")

	section("character sets")
	for _, charset := range []string{"latin1", "utf8mb4"} {
		other := open(func(c *mysql.Config) { c.Params = map[string]string{"charset": charset}; c.Collation = map[string]string{"latin1": "latin1_german2_ci", "utf8mb4": "utf8mb4_bin"}[charset] })
		query(other, "SELECT c_latin1, HEX(c_latin1), 'a' = 'A', @@character_set_client, @@collation_connection FROM types WHERE id = 1")
		query(other, "SELECT 'a' = 'A', 'x'")
	}
	query(c, "SELECT '😀' AS `😀`, CHAR_LENGTH(?)", "😀")

	section("cancelled statements")
	for _, hint := range []string{"leader", "local"} {
		victim := open(nil)
		var id int
		victim.QueryRowContext(background, "SELECT CONNECTION_ID()").Scan(&id)
		done := make(chan struct{})
		go func() {
			query(victim, "/* wolfscale: "+hint+" */ SELECT SUM(SLEEP(0.05 + id * 0)) FROM many")
			close(done)
		}()
		awaitSleep(c)
		if _, err := c.ExecContext(background, fmt.Sprintf("KILL QUERY %d", id)); err != nil {
			line("kill %v", err)
		}
		<-done
		query(victim, "SELECT 'still here'")
	}
	// The driver lets the connection go and the statement run: the server is to end it.
	impatient := open(nil)
	limited, cancel := context.WithTimeout(background, 100*time.Millisecond)
	_, err = impatient.QueryContext(limited, "SET STATEMENT max_statement_time = 1 FOR SELECT SUM(SLEEP(0.05 + id * 0)) FROM many")
	line("time limit: %v", err)
	cancel()

	section("session")
	line("ping %v", c.PingContext(background))
	for _, text := range []string{"SET @a = 1, sql_mode = 'ANSI_QUOTES'", "SELECT @a, @@sql_mode", "CREATE TEMPORARY TABLE scratch (id INT)", "INSERT INTO scratch VALUES (1), (2)", "SELECT * FROM scratch",
		"SELECT DATABASE(), CURRENT_USER(), USER(), VERSION()", "USE information_schema", "SELECT DATABASE()"} {
		query(c, text)
	}
	c.Raw(func(raw any) error {
		line("reset %v", raw.(driver.SessionResetter).ResetSession(background))
		return nil
	})

	section("TLS")
	authorities := x509.NewCertPool()
	pem, _ := os.ReadFile(env("CA"))
	authorities.AppendCertsFromPEM(pem)
	mysql.RegisterTLSConfig("conf", &tls.Config{RootCAs: authorities, ServerName: "127.0.0.1"})
	if encrypted := open(func(c *mysql.Config) { c.TLSConfig = "conf" }); encrypted != nil {
		query(encrypted, "SELECT 'encrypted', REPEAT('over TLS ', 200000)")
		query(encrypted, "SELECT MD5(?)", strings.Repeat("x", 1<<20))
	}

	section("ed25519")
	if ed := open(func(c *mysql.Config) { c.User = env("ED25519_USER") }); ed != nil {
		query(ed, "SELECT CURRENT_USER()")
	}
	section("end")
}
