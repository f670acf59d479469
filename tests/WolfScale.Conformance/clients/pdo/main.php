<?php
// PDO on mysqlnd: emulated and server-side prepared statements.
require __DIR__ . '/../php/conformance.php';

function connect(array $options = [], array $with = []): PDO|string
{
    $with += ['user' => env('USER'), 'password' => env('PASSWORD'), 'database' => env('DATABASE'), 'charset' => 'utf8mb4'];
    try {
        return new PDO('mysql:host=' . env('HOST') . ';port=' . env('PORT') . ";dbname={$with['database']};charset={$with['charset']}", $with['user'], $with['password'],
            $options + [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::MYSQL_ATTR_LOCAL_INFILE => true, PDO::ATTR_STRINGIFY_FETCHES => false]);
    } catch (PDOException $e) {
        return failure($e);
    }
}

function failure(PDOException $e): string
{
    return 'error ' . json_encode($e->errorInfo, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES) . ' ' . $e->getMessage();
}

function show(PDOStatement $statement): void
{
    do {
        for ($i = 0; $i < $statement->columnCount(); $i++) {
            line('column ' . json_encode($statement->getColumnMeta($i), JSON_UNESCAPED_UNICODE));
        }
        if ($statement->columnCount() > 0) {
            while ($row = $statement->fetch(PDO::FETCH_NUM)) {
                line(values($row));
            }
        }
        line("rows {$statement->rowCount()}");
    } while ($statement->nextRowset());
}

function run(PDO $db, string $sql, array ...$lists): void
{
    echo '> ', strlen($sql) < 200 ? $sql : substr($sql, 0, 60) . '… (' . strlen($sql) . ')', "\n";
    try {
        $statement = $db->prepare($sql);
        foreach ($lists ?: [[]] as $list) {
            try {
                foreach (array_values($list) as $i => $value) {
                    $statement->bindValue($i + 1, $value, is_int($value) ? PDO::PARAM_INT : (is_null($value) ? PDO::PARAM_NULL : (is_bool($value) ? PDO::PARAM_BOOL : PDO::PARAM_STR)));
                }
                $statement->execute();
                show($statement);
                line("last insert id {$db->lastInsertId()}");
            } catch (PDOException $e) {
                line(failure($e));
            }
            $statement->closeCursor();
        }
    } catch (PDOException $e) {
        line(failure($e));
    }
}

foreach ([true, false] as $emulated) {
    $db = connect([PDO::ATTR_EMULATE_PREPARES => $emulated]);
    $kind = $emulated ? 'emulated' : 'server-side';
    $mark = $emulated ? 'e' : 's';

    section("types, NULLs, metadata, $kind");
    run($db, 'SELECT * FROM types ORDER BY id');
    run($db, 'SELECT ?, ?, ?, ?', [1, 'text 😀', null, true], ['other', 2, 'types', null]);
    run($db, 'SELECT id FROM many WHERE FALSE');

    section("large values, $kind");
    foreach ([65535, 1 << 20, 17 << 20] as $length) {
        run($db, 'SELECT MD5(?), REPEAT(?, ?)', [str_repeat('é', intdiv($length, 2)), '0123456789abcdef', intdiv($length, 16)]);
    }
    run($db, 'INSERT INTO large VALUES (?, ?, ?)', [$emulated ? 1 : 2, str_repeat("\x00\xFE\xFF", 350000), str_repeat('ü', 500000)]);
    run($db, 'SELECT id, LENGTH(b), MD5(b), MD5(t), b, t FROM large ORDER BY id');

    section("prepared statements, $kind");
    run($db, 'SELECT id, name FROM many WHERE id BETWEEN ? AND ?', [1, 3], ['2', '4'], [null, 1]);
    run($db, 'INSERT INTO items (name, n) VALUES (?, ?)', ["$mark one", 1], ["$mark two", null], ["$mark one", 3], ["$mark four", '4']);
    run($db, 'SELECT LAST_INSERT_ID(), ROW_COUNT()');
    run($db, 'SELECT COUNT(*) FROM many');
    run($db, 'SELECT LAST_INSERT_ID()');
    run($db, 'SELECT * FROM nowhere');
    run($db, 'SELEC');

    section("transactions, $kind");
    $db->beginTransaction();
    run($db, 'INSERT INTO items (name) VALUES (?)', ["$mark rolled back"]);
    line('in a transaction ' . var_export($db->inTransaction(), true));
    $db->rollBack();
    $db->beginTransaction();
    run($db, 'INSERT INTO items (name) VALUES (?)', ["$mark kept"]);
    run($db, 'SAVEPOINT here');
    run($db, 'INSERT INTO items (name) VALUES (?)', ["$mark not kept"]);
    run($db, 'ROLLBACK TO SAVEPOINT here');
    $db->commit();
    run($db, 'SELECT name FROM items WHERE name LIKE ? ORDER BY name', ["$mark %kept"]);
    $db->beginTransaction();
    run($db, 'CREATE TABLE IF NOT EXISTS implicit (id INT)');
    line('in a transaction after DDL ' . var_export($db->inTransaction(), true));

    section("errors, $kind");
    foreach (["INSERT INTO many VALUES (1, 'again')", 'INSERT INTO children VALUES (1, 99)', "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled: ü', MYSQL_ERRNO = 31000",
        'CALL fails_late()', 'SELECT (SELECT id FROM many)', "SELECT 'still here'"] as $sql) {
        run($db, $sql);
    }

    section("multi-results and CALL, $kind");
    run($db, "SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; INSERT INTO items (name) VALUES ('$mark multi'); SELECT ROW_COUNT()");
    $db = connect([PDO::ATTR_EMULATE_PREPARES => $emulated]);
    run($db, 'CALL two_results(?)', [3]);
    run($db, "SET @c = 'c'");
    run($db, 'CALL with_out(21, @b, @c)');
    run($db, 'SELECT @b, @c');
    run($db, 'CALL out_and_rows(2, @b, @c)');
    $db = connect([PDO::ATTR_EMULATE_PREPARES => $emulated, PDO::MYSQL_ATTR_USE_BUFFERED_QUERY => false]);

    section("streaming, $kind");
    $statement = $db->prepare('SELECT id, name FROM many ORDER BY id');
    $statement->execute();
    $sum = 0;
    while ($row = $statement->fetch(PDO::FETCH_NUM)) {
        $sum += $row[0];
    }
    line("sum $sum");
    $statement->closeCursor();
    run($db, "SELECT 'behind'");
}

section('connections');
line(connect([], ['password' => 'wrong']));
line(connect([], ['database' => 'nothing_there']));
line('server ' . $db->getAttribute(PDO::ATTR_SERVER_VERSION) . ' client ' . $db->getAttribute(PDO::ATTR_CONNECTION_STATUS));
$found = connect([PDO::MYSQL_ATTR_FOUND_ROWS => true]);
run($found, "UPDATE items SET n = 1 WHERE name = 'e one'");
$once = connect([PDO::MYSQL_ATTR_INIT_COMMAND => "SET sql_mode = 'ANSI_QUOTES', @a = 5", PDO::MYSQL_ATTR_MULTI_STATEMENTS => false]);
run($once, 'SELECT @@sql_mode, @a');
run($once, 'SELECT 1; SELECT 2');

section('local infile');
$db = connect();
$file = env('FILE');
line('loaded ' . $db->exec("LOAD DATA LOCAL INFILE '$file' INTO TABLE loaded CHARACTER SET utf8mb4"));
run($db, 'SELECT * FROM loaded ORDER BY id');

section('character sets');
foreach (['latin1', 'utf8mb3', 'utf8mb4'] as $charset) {
    $other = connect([PDO::ATTR_EMULATE_PREPARES => false], ['charset' => $charset]);
    is_string($other) ? line($other) : run($other, 'SELECT HEX(c_latin1), c_latin1, c_latin1 = ?, @@character_set_client, @@collation_connection FROM types WHERE id = 1', ['Grüße']);
}
run($db, "SELECT '😀' AS `😀`, CHAR_LENGTH(?)", ['😀']);

section('cancelled statements');
run($db, 'SET STATEMENT max_statement_time = 0.1 FOR SELECT SUM(SLEEP(0.05 + id * 0)) FROM many');
run($db, 'KILL QUERY 4000000000');
run($db, "SELECT 'still here'");

section('TLS');
$tls = connect([PDO::MYSQL_ATTR_SSL_CA => env('CA'), PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => true]);
is_string($tls) ? line($tls) : run($tls, "SELECT 'encrypted', REPEAT('over TLS ', 200000)");

section('ed25519');
line(is_string($ed = connect([], ['user' => env('ED25519_USER')])) ? $ed : 'connected');

section('compression');
$compressed = connect([PDO::MYSQL_ATTR_COMPRESS => true]);
is_string($compressed) ? line($compressed) : run($compressed, "SELECT 'compressed or not', REPEAT('x', 100000)");

section('end');
