<?php
// mysqli on mysqlnd: classic EOF packets, both protocols, cursors, asynchronous queries.
require __DIR__ . '/../php/conformance.php';

mysqli_report(MYSQLI_REPORT_OFF);

function connect(array $with = []): mysqli|string
{
    $with += ['user' => env('USER'), 'password' => env('PASSWORD'), 'database' => env('DATABASE'), 'flags' => 0, 'charset' => 'utf8mb4', 'ca' => null];
    $db = mysqli_init();
    $db->options(MYSQLI_OPT_LOCAL_INFILE, 1);
    if ($with['ca'] !== null) {
        $db->ssl_set(null, null, $with['ca'], null, null);
        $db->options(MYSQLI_OPT_SSL_VERIFY_SERVER_CERT, 1);
        $with['flags'] |= MYSQLI_CLIENT_SSL;
    }
    if (!@$db->real_connect(env('HOST'), $with['user'], $with['password'], $with['database'], (int)env('PORT'), null, $with['flags'])) {
        return "error $db->connect_errno $db->connect_error";
    }
    $db->set_charset($with['charset']);
    return $db;
}

function show_result(mysqli_result $result): void
{
    foreach ($result->fetch_fields() as $f) {
        line("column $f->name orgname=$f->orgname table=$f->table orgtable=$f->orgtable db=$f->db length=$f->length max=$f->max_length"
            . " charset=$f->charsetnr flags=$f->flags type=$f->type decimals=$f->decimals");
    }
    while ($row = $result->fetch_row()) {
        line(values($row));
    }
    $result->free();
}

function show_status(mysqli|mysqli_stmt $of, mysqli $db): void
{
    line("affected $of->affected_rows insert id $of->insert_id errno $of->errno sqlstate $of->sqlstate error $of->error warnings $db->warning_count info $db->info");
}

/** Runs a text and prints every result of it. */
function query(mysqli $db, string $sql, int $mode = MYSQLI_STORE_RESULT): void
{
    echo '> ', strlen($sql) < 200 ? $sql : substr($sql, 0, 60) . '… (' . strlen($sql) . ')', "\n";
    if (!$db->multi_query($sql)) {
        show_status($db, $db);
        return;
    }
    while (true) {
        $result = $mode === MYSQLI_USE_RESULT ? $db->use_result() : $db->store_result();
        if ($result) {
            show_result($result);
        }
        show_status($db, $db);
        if (!$db->more_results()) {
            break;
        }
        $db->next_result();
    }
}

/** Prepares, executes with each list of parameters and prints. */
function prepared(mysqli $db, string $sql, array ...$lists): void
{
    echo "> prepared $sql\n";
    $statement = $db->prepare($sql);
    if (!$statement) {
        show_status($db, $db);
        return;
    }
    line("parameters $statement->param_count fields $statement->field_count");
    foreach ($lists as $list) {
        if ($list) {
            $types = implode('', array_map(fn($v) => is_int($v) ? 'i' : (is_float($v) ? 'd' : 's'), $list));
            $statement->bind_param($types, ...$list);
        }
        if ($statement->execute()) {
            do {
                if ($result = $statement->get_result()) {
                    show_result($result);
                }
                show_status($statement, $db);
            } while ($statement->more_results() && $statement->next_result());
        } else {
            show_status($statement, $db);
        }
    }
    $statement->close();
}

$db = connect();

section('types, NULLs, metadata');
query($db, 'SELECT * FROM types ORDER BY id');
prepared($db, 'SELECT * FROM types ORDER BY id', []);
prepared($db, 'SELECT ?, ?, ?, ?', [1, 'text 😀', 1.5, null], ['other', 2, null, 'types']);
query($db, 'SELECT id FROM many WHERE FALSE');

section('large values');
foreach ([65535, 1 << 20, 17 << 20] as $length) {
    $large = str_repeat('é', intdiv($length, 2));
    query($db, "SELECT MD5('$large'), REPEAT('0123456789abcdef', " . intdiv($length, 16) . ')');
    prepared($db, 'SELECT MD5(?), LENGTH(?), REPEAT(?, 70000)', [$large, $large, '0123456789']);
}
prepared($db, 'INSERT INTO large VALUES (?, ?, ?)', [1, str_repeat("\x00\xFE\xFF", 350000), str_repeat('ü', 500000)]);
$statement = $db->prepare('INSERT INTO large VALUES (2, ?, NULL)');
$blob = null;
$statement->bind_param('b', $blob);
for ($i = 0; $i < 20; $i++) {
    $statement->send_long_data(0, str_repeat(chr($i), 65000));
}
$statement->execute();
show_status($statement, $db);
$statement->close();
query($db, 'SELECT id, LENGTH(b), MD5(b), MD5(t), b, t FROM large ORDER BY id');
prepared($db, 'SELECT b, t FROM large ORDER BY id', []);

section('prepared statements and cursors');
prepared($db, 'SELECT id, name FROM many WHERE id BETWEEN ? AND ?', [1, 3], ['2', '4'], [2.5, 5.5], [null, 1]);
prepared($db, 'INSERT INTO items (name, n) VALUES (?, ?)', ['one', 1], ['two', null], ['one', 3], ['four', '4']);
prepared($db, 'SELECT * FROM nowhere', []);
prepared($db, 'SELEC', []);
prepared($db, 'SET @a = ?', [5]);
prepared($db, 'SELECT @a', []);
prepared($db, 'SHOW TABLES', []);
$statement = $db->prepare('SELECT id, name FROM many WHERE id > ? ORDER BY id');
$statement->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE, MYSQLI_CURSOR_TYPE_READ_ONLY);
$statement->attr_set(MYSQLI_STMT_ATTR_PREFETCH_ROWS, 1);
foreach ([2990, 2995] as $from) {
    $statement->bind_param('i', $from);
    $statement->execute();
    $statement->bind_result($id, $name);
    $count = 0;
    while ($statement->fetch()) {
        $count++;
        line("$id $name");
    }
    line("rows $count");
}
$statement->execute();
$statement->fetch();
$statement->reset();
$statement->close();
$statement = $db->prepare('SELECT id, name FROM many ORDER BY id');
$statement->execute();
$statement->store_result();
line("stored $statement->num_rows");
$statement->data_seek(1999);
$statement->bind_result($id, $name);
$statement->fetch();
line("$id $name");
$statement->close();

section('streaming');
query($db, 'SELECT id, name FROM many WHERE id <= 5 ORDER BY id', MYSQLI_USE_RESULT);
$result = $db->query('SELECT a.id, b.name FROM many a, many b WHERE b.id <= 5', MYSQLI_USE_RESULT);
$sum = 0;
while ($row = $result->fetch_row()) {
    $sum += $row[0];
}
line("sum $sum");
$result->free();

section('affected rows, insert ids, warnings');
foreach (["INSERT INTO items (name, n) VALUES ('a', 1), ('b', 2)", 'SELECT LAST_INSERT_ID(), ROW_COUNT()', 'SELECT COUNT(*) FROM many', 'SELECT LAST_INSERT_ID()',
    "UPDATE items SET n = 1 WHERE name IN ('a', 'b')", "INSERT INTO items (name) VALUES ('returned') RETURNING id, name", 'SELECT SQL_CALC_FOUND_ROWS id FROM items ORDER BY id LIMIT 1',
    'SELECT FOUND_ROWS()', "SELECT CAST('1x' AS INT)", 'SHOW WARNINGS', "INSERT IGNORE INTO items (name) VALUES ('b')", 'SHOW WARNINGS', 'ALTER TABLE items ADD COLUMN extra INT',
    'DROP TABLE IF EXISTS nowhere'] as $sql) {
    query($db, $sql);
}
for ($warning = $db->get_warnings(); $warning; $warning = $warning->next() ? $warning : null) {
    line("warning $warning->errno $warning->sqlstate $warning->message");
}

section('transactions');
$db->begin_transaction(MYSQLI_TRANS_START_READ_WRITE);
query($db, "INSERT INTO items (name) VALUES ('rolled back')");
$db->rollback();
query($db, "SELECT COUNT(*), @@in_transaction FROM items WHERE name = 'rolled back'");
$db->autocommit(false);
query($db, "INSERT INTO items (name) VALUES ('kept')");
$db->savepoint('here');
query($db, "INSERT INTO items (name) VALUES ('not kept')");
query($db, 'ROLLBACK TO SAVEPOINT here');
line('released ' . var_export($db->release_savepoint('here'), true));
$db->commit();
$db->autocommit(true);
query($db, "SELECT name FROM items WHERE name IN ('rolled back', 'kept', 'not kept')");
$db->begin_transaction(MYSQLI_TRANS_START_READ_ONLY | MYSQLI_TRANS_START_WITH_CONSISTENT_SNAPSHOT);
query($db, "INSERT INTO items (name) VALUES ('read only')");
$db->commit();

section('errors');
foreach (['SELECT * FROM nowhere', 'SELEC 1', "INSERT INTO many VALUES (1, 'again')", 'INSERT INTO children VALUES (1, 99)',
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled: ü', MYSQL_ERRNO = 31000", 'CALL fails_late()', 'SELECT 1; SELECT * FROM nowhere; SELECT 2',
    'SELECT (SELECT id FROM many)', "SELECT 'still here'"] as $sql) {
    query($db, $sql);
}
prepared($db, 'CALL fails_late()', [], []);
line(connect(['password' => 'wrong']));
line(connect(['database' => 'nothing_there']));

section('multi-results and CALL');
query($db, "SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; INSERT INTO items (name) VALUES ('multi'); SELECT ROW_COUNT()");
query($db, 'SELECT 1; SELECT id FROM many WHERE id < 4; DO 1', MYSQLI_USE_RESULT);
query($db, 'CALL two_results(3)');
prepared($db, 'CALL two_results(?)', [2], ['4']);
prepared($db, 'CALL with_out(?, ?, ?)', [21, null, 'in'], [22, 'ignored', 'again']);
prepared($db, 'CALL out_and_rows(?, ?, ?)', [3, null, null]);
prepared($db, 'CALL large_out(?)', [null]);
query($db, "SET @c = 'c'; CALL with_out(1, @b, @c); SELECT @b, @c");

section('local infile');
$file = env('FILE');
query($db, "LOAD DATA LOCAL INFILE '$file' INTO TABLE loaded CHARACTER SET utf8mb4");
query($db, 'SELECT * FROM loaded ORDER BY id');
query($db, "LOAD DATA LOCAL INFILE '$file' IGNORE INTO TABLE loaded CHARACTER SET utf8mb4");
query($db, 'SHOW WARNINGS');
@query($db, "LOAD DATA LOCAL INFILE '/nonexistent/file' INTO TABLE loaded");
query($db, "SELECT 'still here'");

section('character sets');
foreach (['latin1', 'utf8mb3', 'utf8mb4'] as $charset) {
    $other = connect(['charset' => $charset]);
    line($other->character_set_name());
    query($other, "SELECT HEX(c_latin1), c_latin1, @@character_set_client, @@collation_connection FROM types WHERE id = 1");
    line(values([$other->real_escape_string("it's \\ \x00")]));
    $other->close();
}
query($db, "SET NAMES utf8mb4 COLLATE utf8mb4_bin; SELECT 'a' = 'A', @@collation_connection");
query($db, "SELECT 'a' = 'A', 'a'");
query($db, 'SET NAMES utf8mb4');
query($db, "SELECT '😀' AS `😀`, CHAR_LENGTH('😀'), 'a' = 'A'");

section('cancelled statements');
foreach (['leader', 'local'] as $hint) {
    $victim = connect();
    query($victim, 'SELECT 1');
    $victim->query("/* wolfscale: $hint */ SELECT SUM(SLEEP(0.05 + id * 0)) FROM many", MYSQLI_ASYNC);
    for ($sleeping = 0; !$sleeping;) {
        foreach (['leader', 'local'] as $where) {
            $sleeping += $db->query("/* wolfscale: $where */ SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User sleep' AND db = DATABASE()")->fetch_row()[0];
        }
    }
    query($db, "SELECT 'another while it sleeps'");
    $db->query("KILL QUERY $victim->thread_id");
    $result = $victim->reap_async_query();
    line(($result ? 'a result' : 'no result') . " $victim->errno $victim->sqlstate $victim->error");
    query($victim, "SELECT 'still here'");
    $victim->close();
}
query($db, 'SET STATEMENT max_statement_time = 0.1 FOR SELECT SUM(SLEEP(0.05 + id * 0)) FROM many');
$victim = connect();
line('killed ' . var_export($db->kill($victim->thread_id), true));
line('answer ' . var_export(@$victim->query('DO 1'), true) . " $victim->errno $victim->error");

section('session');
line("server $db->server_info version $db->server_version protocol $db->protocol_version");
echo "  connection id: $db->thread_id\n";
line('id is the server\'s: ' . var_export($db->query('SELECT CONNECTION_ID()')->fetch_row()[0] == $db->thread_id, true));
line('ping ' . var_export($db->query('DO 1'), true));
query($db, "SET @a = 1, sql_mode = 'ANSI_QUOTES', time_zone = '+05:00'");
query($db, 'SELECT @a, @@sql_mode, @@time_zone, FROM_UNIXTIME(0)');
query($db, 'CREATE TEMPORARY TABLE scratch (id INT)');
query($db, 'INSERT INTO scratch VALUES (1), (2)');
query($db, 'SELECT * FROM scratch');
line('change user ' . var_export($db->change_user(env('OTHER_USER'), env('PASSWORD'), env('DATABASE')), true));
query($db, 'SELECT CURRENT_USER(), @a, @@sql_mode, DATABASE()');
query($db, 'SELECT * FROM scratch');
query($db, "INSERT INTO items (name) VALUES ('by the other')");
query($db, "SELECT name FROM items WHERE name = 'by the other'");
line('change user ' . var_export(@$db->change_user(env('USER'), 'wrong', env('DATABASE')), true) . " $db->errno $db->error");
$db = connect();
line('select db ' . var_export($db->select_db('information_schema'), true));
query($db, 'SELECT DATABASE()');
line('select db ' . var_export($db->select_db('nothing_there'), true) . " $db->errno $db->error");
line('stat ' . preg_replace('/\d[\d.]*/', 'N', $db->stat()));
line('refresh ' . var_export(@$db->refresh(MYSQLI_REFRESH_TABLES), true) . " $db->errno $db->error");

section('TLS');
$tls = connect(['ca' => env('CA')]);
if (is_string($tls)) {
    line($tls);
} else {
    line('cipher: not told by this driver');
    query($tls, "SELECT 'encrypted', REPEAT('over TLS ', 200000)");
    prepared($tls, 'SELECT MD5(?)', [str_repeat('x', 1 << 20)]);
    $tls->close();
}

section('ed25519');
line(is_string($ed = connect(['user' => env('ED25519_USER')])) ? $ed : 'connected');

section('compression');
$compressed = connect(['flags' => MYSQLI_CLIENT_COMPRESS]);
if (is_string($compressed)) {
    line($compressed);
} else {
    query($compressed, "SELECT 'compressed or not', REPEAT('x', 100000)");
    $compressed->close();
}

section('end');
