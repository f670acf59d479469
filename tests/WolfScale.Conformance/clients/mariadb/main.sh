#!/usr/bin/env bash
# The mariadb command line client (libmariadb; classic EOF packets): tables with all column metadata, the text of every OK, \s.
set -u

client() { # options…: statements come from standard input
  mariadb --no-defaults --host="$CONF_HOST" --port="$CONF_PORT" --protocol=tcp --user="$CONF_USER" --password="$CONF_PASSWORD" \
    --force --comments --skip-ssl --default-character-set=utf8mb4 --local-infile=1 "$@" "$CONF_DATABASE" 2>&1
}

verbose() { # options…: echoes the statements, and says rows, warnings and info after each
  client --table -vvv --show-warnings "$@"
}

section() {
  printf '\n## %s\n' "$1"
}

section 'types with metadata'
client --table --column-type-info <<'SQL'
SELECT * FROM types WHERE id IN (1, 4) ORDER BY id;
SELECT 1 AS one, 1.5 AS d, 1e0 AS f, 'text' AS t, x'00ff' AS b, NULL AS n, NOW() IS NOT NULL AS bool, DATE '2024-01-01' AS day,
  CAST(1 AS UNSIGNED) AS u, _latin1 'ä' AS l, JSON_OBJECT('a', 1) AS j, CAST('1 2' AS BINARY) AS bin, POINT(1, 2) IS NULL AS p;
SQL

section 'types vertically, extremes'
client --vertical --binary-as-hex <<'SQL'
SELECT * FROM types WHERE id IN (2, 3) ORDER BY id;
SQL

section 'types as XML and tab-separated, NULLs'
client --xml <<<'SELECT id, c_varchar, c_enum, c_int FROM types ORDER BY id;'
client --batch <<<'SELECT id, c_varchar, c_set, c_blob, NULL FROM types WHERE id <> 3 ORDER BY id;'

section 'large values'
client --skip-column-names --batch --max-allowed-packet=64M <<'SQL' | md5sum
SELECT REPEAT('0123456789abcdef', 1114112), 'behind';
SELECT REPEAT('x', 16777215), REPEAT('y', 16777216);
SELECT 'after';
SQL
for length in 65500 17825792; do
  {
    printf "SELECT LENGTH('"
    head -c $length /dev/zero | tr '\0' a
    printf "'), MD5('"
    head -c $length /dev/zero | tr '\0' b
    printf "');\n"
  } | client --skip-column-names --batch --max-allowed-packet=64M
done
client --skip-column-names --batch <<'SQL'
INSERT INTO large VALUES (1, REPEAT(x'FE00', 524288), REPEAT('ü', 524288));
SELECT id, LENGTH(b), MD5(b), LENGTH(t), MD5(t) FROM large;
SQL
# Another session: what the one before it has written it is promised by a strong read alone.
client --skip-column-names --batch <<<'SELECT /* wolfscale: strong */ b, t FROM large;' | md5sum

section 'many rows'
client --batch <<<'SELECT * FROM many ORDER BY id;' | md5sum
client --quick --batch <<<'SELECT a.id, b.id FROM many a, many b WHERE b.id <= 20 ORDER BY a.id, b.id;' | md5sum

section 'affected rows, info, insert ids'
verbose <<'SQL'
INSERT INTO items (name, n) VALUES ('a', 1), ('b', 2), ('c', 3);
SELECT LAST_INSERT_ID(), ROW_COUNT();
UPDATE items SET n = 5 WHERE n >= 2;
UPDATE items SET n = 5;
INSERT INTO items (name, n) VALUES ('a', 9) ON DUPLICATE KEY UPDATE n = VALUES(n);
REPLACE INTO items (id, name, n) VALUES (1, 'a', 10);
INSERT IGNORE INTO items (name) VALUES ('a'), ('d');
INSERT INTO items (name, n) SELECT name, id FROM many WHERE id <= 5;
INSERT INTO items (name) VALUES ('returned') RETURNING id, name;
DELETE FROM items WHERE name = 'd' RETURNING id;
SELECT SQL_CALC_FOUND_ROWS id, name, n FROM items ORDER BY id LIMIT 2;
SELECT FOUND_ROWS();
ALTER TABLE items ADD COLUMN extra INT DEFAULT 7;
CREATE TABLE copied SELECT id, name FROM items ORDER BY id LIMIT 2;
SELECT COUNT(*) FROM many;
SELECT LAST_INSERT_ID();
SELECT id FROM many LIMIT 3;
SELECT FOUND_ROWS(), ROW_COUNT();
SELECT LAST_INSERT_ID(123);
SELECT LAST_INSERT_ID();
DELETE FROM items;
TRUNCATE TABLE items;
SQL

section 'prepared statements of SQL'
verbose <<'SQL'
PREPARE s FROM 'SELECT id, name FROM many WHERE id BETWEEN ? AND ? ORDER BY id';
SET @low = 10, @high = 12;
EXECUTE s USING @low, @high;
SET @low = 2999, @high = '3000';
EXECUTE s USING @low, @high;
DEALLOCATE PREPARE s;
EXECUTE s USING @low, @high;
EXECUTE IMMEDIATE 'INSERT INTO items (name, n) VALUES (?, ?)' USING 'immediate', 4;
SELECT name, n FROM items;
SQL

section 'transactions'
verbose <<'SQL'
START TRANSACTION;
INSERT INTO items (name) VALUES ('rolled back');
SELECT COUNT(*) FROM items WHERE name = 'rolled back';
ROLLBACK;
SELECT COUNT(*) FROM items WHERE name = 'rolled back';
BEGIN;
INSERT INTO items (name) VALUES ('kept');
SAVEPOINT here;
INSERT INTO items (name) VALUES ('not kept');
ROLLBACK TO SAVEPOINT here;
RELEASE SAVEPOINT here;
COMMIT AND CHAIN;
SELECT @@in_transaction;
COMMIT;
SET autocommit = 0;
INSERT INTO items (name) VALUES ('implicit');
SELECT @@in_transaction, @@autocommit;
ROLLBACK;
SET autocommit = 1;
SELECT name FROM items ORDER BY id;
START TRANSACTION READ ONLY;
INSERT INTO items (name) VALUES ('refused');
COMMIT;
START TRANSACTION WITH CONSISTENT SNAPSHOT;
SELECT COUNT(*) FROM many;
COMMIT;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SELECT @@tx_isolation;
SQL

section 'errors'
verbose <<'SQL'
SELECT * FROM nowhere;
SELEC 1;
SELECT nothing FROM many;
INSERT INTO many VALUES (1, 'again');
INSERT INTO children VALUES (1, 99);
INSERT INTO types (id, c_tiny) VALUES (9, 1000);
SELECT 1 FROM many UNION SELECT 1, 2;
CALL nothing_there();
CALL fails_late();
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled', MYSQL_ERRNO = 31000;
USE nothing_there;
GRANT ALL ON *.* TO root@localhost;
SELECT CONVERT('x' USING nocharset);
DROP TABLE nowhere;
SELECT CAST('12abc' AS INT), 1/0;
SHOW WARNINGS;
SELECT 'still here';
SQL
mariadb --no-defaults --host="$CONF_HOST" --port="$CONF_PORT" --protocol=tcp --user="$CONF_USER" --password=wrong --execute 'SELECT 1' 2>&1
mariadb --no-defaults --host="$CONF_HOST" --port="$CONF_PORT" --protocol=tcp --user="$CONF_USER" --password="$CONF_PASSWORD" nothing_there --execute 'SELECT 1' 2>&1

section 'warnings'
verbose <<'SQL'
SET SESSION sql_mode = '';
INSERT INTO types (id, c_tiny, c_varchar) VALUES (10, 1000, REPEAT('x', 200));
SHOW WARNINGS;
SHOW COUNT(*) WARNINGS;
SELECT @@warning_count, @@error_count;
SELECT CAST('1x' AS INT) AS value, 'a' + 1;
SHOW WARNINGS LIMIT 1;
DROP TABLE IF EXISTS nowhere, neither;
SHOW ERRORS;
SQL

section 'multi-results and CALL'
verbose --delimiter='//' <<'SQL'
SELECT 1 AS a; SELECT 2 AS b; INSERT INTO items (name) VALUES ('multi'); SELECT ROW_COUNT() AS c//
SELECT 'first'; SELECT * FROM nowhere; SELECT 'never'//
CALL two_results(3)//
CALL two_results(3); SELECT 'behind'//
SET @c = 'c'; CALL with_out(21, @b, @c); SELECT @b, @c//
CALL out_and_rows(2, @b, @missing)//
SELECT @b, @missing//
DELETE FROM items; UPDATE many SET name = name; SELECT 1 FROM many WHERE FALSE//
BEGIN NOT ATOMIC DECLARE i INT DEFAULT 0; WHILE i < 3 DO SELECT i; SET i = i + 1; END WHILE; END//
SQL

section 'load data local infile'
verbose <<SQL
LOAD DATA LOCAL INFILE '$CONF_FILE' INTO TABLE loaded CHARACTER SET utf8mb4;
SELECT * FROM loaded ORDER BY id;
LOAD DATA LOCAL INFILE '$CONF_FILE' IGNORE INTO TABLE loaded CHARACTER SET utf8mb4 (id, @name, amount) SET name = UPPER(@name);
LOAD DATA LOCAL INFILE '$CONF_FILE' REPLACE INTO TABLE loaded CHARACTER SET utf8mb4 (id, @name, amount) SET name = UPPER(@name);
SELECT * FROM loaded ORDER BY id;
LOAD DATA LOCAL INFILE '/nonexistent/file' INTO TABLE loaded;
SELECT 'still here';
SQL
seq 1 10000 | awk '{ printf "%d\tname %d\t%d.25\n", $1 + 10, $1, $1 }' >"$CONF_SCRATCH/large.tsv"
verbose <<SQL
LOAD DATA LOCAL INFILE '$CONF_SCRATCH/large.tsv' INTO TABLE loaded;
SELECT COUNT(*), SUM(amount), MD5(GROUP_CONCAT(name ORDER BY id)) FROM loaded;
SQL
client --local-infile=0 <<<"LOAD DATA LOCAL INFILE '$CONF_FILE' INTO TABLE loaded;"

section 'TLS'
client --ssl --ssl-ca="$CONF_CA" --ssl-verify-server-cert <<'SQL'
\s
SELECT MD5(REPEAT('over TLS', 200000));
SQL

section 'ed25519'
client --user="$CONF_ED25519_USER" --table <<'SQL'
SELECT CURRENT_USER(), USER(), DATABASE();
INSERT INTO items (name) VALUES ('by ed25519');
SELECT name FROM items WHERE name = 'by ed25519';
SQL
client --user="$CONF_ED25519_USER" --ssl --ssl-ca="$CONF_CA" <<<'SELECT CURRENT_USER();'
client --user="$CONF_ED25519_USER" --password=wrong <<<'SELECT CURRENT_USER();'

section 'character sets'
verbose <<'SQL'
SELECT c_varchar, c_latin1, c_ucs2, HEX(c_latin1) FROM types WHERE id = 1;
SET NAMES latin1;
SELECT c_varchar, c_latin1, c_ucs2 FROM types WHERE id = 1;
SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SELECT 'A' = 'a', @@character_set_client, @@collation_connection;
SELECT 'A' = 'a';
SET collation_connection = latin1_german2_ci;
SELECT 'ß' = 'ss';
SET CHARACTER SET latin1;
SELECT @@character_set_client, @@character_set_connection, @@character_set_results;
SET NAMES utf8mb4;
SELECT '😀' AS `😀`, CHAR_LENGTH('😀'), LENGTH('😀'), HEX('😀');
SELECT name AS `Grüße` FROM many WHERE id = 1;
charset cp850
SELECT @@character_set_client;
SQL
client --default-character-set=latin1 --batch <<<"SELECT c_latin1, HEX('ä'), @@character_set_client FROM types WHERE id = 1;" | od -An -tx1
client --default-character-set=utf8mb3 --batch <<<'SELECT c_varchar, @@character_set_results FROM types WHERE id = 1;'

section 'cancelled statements'
verbose <<'SQL' | sed 's/^KILL QUERY [0-9]*/KILL QUERY own/'
SET STATEMENT max_statement_time = 0.2 FOR SELECT SUM(SLEEP(0.02 + id * 0)) FROM many;
SELECT 'still here';
KILL QUERY CONNECTION_ID();
SELECT 'and here';
KILL QUERY 4000000000;
KILL CONNECTION_ID();
SELECT 'reconnected';
SQL

section 'session'
client --table <<'SQL'
\s
SELECT DATABASE(), CURRENT_USER(), USER();
SET @a = 1, @b := 'two';
SELECT @a, @b, @c;
SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+05:00', group_concat_max_len = 1234;
SELECT @@sql_mode, @@time_zone, @@group_concat_max_len, FROM_UNIXTIME(0);
SET timestamp = 1700000000;
SELECT NOW(), UNIX_TIMESTAMP(), CURDATE();
SET timestamp = DEFAULT;
SELECT UNIX_TIMESTAMP() > 1700000001;
CREATE TEMPORARY TABLE scratch (id INT);
INSERT INTO scratch VALUES (1), (2);
SELECT * FROM scratch;
SELECT GET_LOCK('lock', 1), IS_USED_LOCK('lock') = CONNECTION_ID(), RELEASE_LOCK('lock');
SHOW TABLES;
SHOW FULL COLUMNS FROM items;
SHOW CREATE TABLE children;
SHOW INDEX FROM items;
DESCRIBE many;
EXPLAIN SELECT * FROM many WHERE id = 5;
ANALYZE TABLE many;
CHECK TABLE many;
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name;
SHOW VARIABLES LIKE 'character_set_c%';
SHOW GRANTS;
SHOW PROCEDURE STATUS WHERE db = DATABASE() AND name = 'nothing';
USE information_schema
SELECT DATABASE();
RESET QUERY CACHE;
help
SQL
mariadb-admin --no-defaults --host="$CONF_HOST" --port="$CONF_PORT" --protocol=tcp --user="$CONF_USER" --password="$CONF_PASSWORD" ping
mariadb-dump --no-defaults --host="$CONF_HOST" --port="$CONF_PORT" --protocol=tcp --user="$CONF_USER" --password="$CONF_PASSWORD" \
  --skip-dump-date --skip-comments --routines --single-transaction "$CONF_DATABASE" 2>&1 | md5sum

section 'compression'
client --compress --table <<<"SELECT COUNT(*) FROM many;"

section 'end'
