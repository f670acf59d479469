#!/usr/bin/perl
# DBD::MariaDB: Connector/C from Perl, emulated and server-side prepared statements, asynchronous queries.
use strict;
use warnings;
use utf8;
use DBI;
use Digest::MD5 'md5_hex';
use Encode 'encode_utf8';

binmode STDOUT, ':encoding(UTF-8)';
binmode STDERR, ':encoding(UTF-8)';
$| = 1;

sub section { print "\n## $_[0]\n" }
sub line { print "  $_[0]\n" }

sub value {
    my ($v) = @_;
    return 'undef' unless defined $v;
    return 'text[' . length($v) . '] ' . md5_hex(encode_utf8($v)) if length($v) > 100;
    $v =~ s/([\x00-\x1f\x7f-\x9f])/sprintf '\\x%02x', ord $1/ge;
    return "'$v'";
}

sub connect_to {
    my ($options, %with) = @_;
    my $dbh = DBI->connect(
        "DBI:MariaDB:host=$ENV{CONF_HOST};port=$ENV{CONF_PORT};database=" . ($with{database} // $ENV{CONF_DATABASE}) . ";mariadb_local_infile=1;mariadb_multi_statements=1$options",
        $with{user} // $ENV{CONF_USER}, $with{password} // $ENV{CONF_PASSWORD}, { RaiseError => 0, PrintError => 0, AutoCommit => 1 });
    line("error $DBI::err $DBI::errstr " . ($DBI::state // '')) unless $dbh;
    return $dbh;
}

sub results {
    my ($dbh, $sth) = @_;
    while (1) {
        if ($sth->{NUM_OF_FIELDS}) {
            # Not mariadb_max_length: the library measures it, and keeps that of an earlier result where the server need not repeat the definitions.
            for my $i (0 .. $sth->{NUM_OF_FIELDS} - 1) {
                line(join ' ', 'column', $sth->{NAME}[$i], map { "$_=" . ($sth->{$_}[$i] // 'undef') }
                    qw(TYPE PRECISION SCALE NULLABLE mariadb_type mariadb_type_name mariadb_length mariadb_table mariadb_is_key mariadb_is_pri_key mariadb_is_blob mariadb_is_num mariadb_is_auto_increment));
            }
            while (my $row = $sth->fetchrow_arrayref) {
                line(join ' | ', map { value($_) } @$row);
            }
        }
        line('rows ' . $sth->rows . ' insert id ' . ($sth->{mariadb_insertid} // 'undef') . ' warnings ' . ($sth->{mariadb_warning_count} // 'undef') . ' info ' . value($dbh->{mariadb_info}));
        last unless $sth->more_results;
    }
    line('error ' . $sth->err . ' ' . $sth->state . ' ' . $sth->errstr) if $sth->err;
}

sub run {
    my ($dbh, $sql, @lists) = @_;
    print '> ', length($sql) < 200 ? $sql : substr($sql, 0, 60) . '… (' . length($sql) . ')', "\n";
    my $sth = $dbh->prepare($sql);
    return line('error ' . $dbh->err . ' ' . $dbh->state . ' ' . $dbh->errstr) unless $sth;
    for my $list (@lists ? @lists : []) {
        if ($sth->execute(@$list)) {
            results($dbh, $sth);
        } else {
            line('error ' . $sth->err . ' ' . $sth->state . ' ' . $sth->errstr);
        }
    }
    $sth->finish;
}

for my $kind ('emulated', 'server-side') {
    my $dbh = connect_to(';mariadb_server_prepare=' . ($kind eq 'server-side' ? 1 : 0));
    my $mark = substr $kind, 0, 1;

    section("types, NULLs, metadata, $kind");
    run($dbh, 'SELECT * FROM types ORDER BY id');
    run($dbh, 'SELECT ?, ?, ?', [1, 'text 😀', undef], ['other', 2.5, 'types']);
    run($dbh, 'SELECT id FROM many WHERE FALSE');

    section("large values, $kind");
    for my $length (65_535, 1 << 20, 17 << 20) {
        run($dbh, 'SELECT MD5(?), REPEAT(?, ' . ($length >> 4) . ')', ['é' x ($length >> 1), '0123456789abcdef']);
    }
    run($dbh, 'INSERT INTO large VALUES (?, ?, ?)', [$kind eq 'emulated' ? 1 : 2, 'binary' x 180_000, 'ü' x 500_000]);
    run($dbh, 'SELECT id, LENGTH(b), MD5(b), MD5(t), b, t FROM large ORDER BY id');

    section("prepared statements, $kind");
    run($dbh, 'SELECT id, name FROM many WHERE id BETWEEN ? AND ?', [1, 3], ['2', '4'], [2.5, 5.5], [undef, 1]);
    run($dbh, 'INSERT INTO items (name, n) VALUES (?, ?)', ["$mark one", 1], ["$mark two", undef], ["$mark one", 3], ["$mark four", '4']);
    run($dbh, 'SELECT LAST_INSERT_ID(), ROW_COUNT()');
    run($dbh, 'SELECT COUNT(*) FROM many');
    run($dbh, 'SELECT LAST_INSERT_ID()');
    run($dbh, 'SELECT * FROM nowhere');
    run($dbh, 'SELEC');
    my $bulk = $dbh->prepare('INSERT INTO items (name, n) VALUES (?, ?)');
    my $done = $bulk->execute_array({ ArrayTupleStatus => \my @status }, [map { "$mark bulk $_" } 1 .. 200], [1 .. 200]);
    line("executed $done, " . scalar(@status) . ' states');
    $bulk->finish;

    section("streaming, $kind");
    my $sth = $dbh->prepare('SELECT a.id, b.name FROM many a, many b WHERE b.id <= 5', { mariadb_use_result => 1 });
    $sth->execute;
    my ($count, $sum) = (0, 0);
    while (my $row = $sth->fetchrow_arrayref) {
        $count++;
        $sum += $row->[0];
    }
    line("$count rows, sum $sum");
    $sth->finish;

    section("transactions, $kind");
    $dbh->disconnect;
    $dbh = connect_to(';mariadb_server_prepare=' . ($kind eq 'server-side' ? 1 : 0));
    $dbh->{AutoCommit} = 0;
    run($dbh, 'INSERT INTO items (name) VALUES (?)', ["$mark rolled back"]);
    $dbh->rollback;
    run($dbh, 'INSERT INTO items (name) VALUES (?)', ["$mark kept"]);
    run($dbh, 'SAVEPOINT here');
    run($dbh, 'INSERT INTO items (name) VALUES (?)', ["$mark not kept"]);
    run($dbh, 'ROLLBACK TO SAVEPOINT here');
    $dbh->commit;
    run($dbh, 'SELECT name, @@in_transaction FROM items WHERE name LIKE ? ORDER BY name', ["$mark %kept"]);
    $dbh->commit;
    $dbh->{AutoCommit} = 1;

    section("errors, $kind");
    run($dbh, $_) for "INSERT INTO many VALUES (1, 'again')", 'INSERT INTO children VALUES (1, 99)', "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled: ü', MYSQL_ERRNO = 31000",
        'CALL fails_late()', 'SELECT (SELECT id FROM many)', "SELECT 'still here'";

    section("CALL, $kind");
    run($dbh, 'CALL two_results(3)');
    run($dbh, 'CALL with_out(21, @b, @c)');
    run($dbh, 'SELECT @b, @c');
    $dbh->disconnect;
}

my $dbh = connect_to('');
section('affected rows, insert ids, warnings');
run($dbh, $_) for "INSERT INTO items (name, n) VALUES ('a', 1), ('b', 2)", "UPDATE items SET n = 1 WHERE name IN ('a', 'b')", "INSERT INTO items (name) VALUES ('returned') RETURNING id, name",
    'SELECT SQL_CALC_FOUND_ROWS id FROM items ORDER BY id LIMIT 1', 'SELECT FOUND_ROWS()', "SELECT CAST('1x' AS INT)", 'SHOW WARNINGS', "INSERT IGNORE INTO items (name) VALUES ('b')", 'SHOW WARNINGS',
    'ALTER TABLE items ADD COLUMN extra INT', 'DROP TABLE IF EXISTS nowhere';
line('do ' . $dbh->do("UPDATE items SET n = 3 WHERE name = 'a'") . ' last insert id ' . ($dbh->last_insert_id(undef, undef, undef, undef) // 'undef'));

section('multi-results');
run($dbh, "SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; INSERT INTO items (name) VALUES ('multi'); SELECT ROW_COUNT()");
run($dbh, 'SELECT 1; SELECT * FROM nowhere; SELECT 2');

section('local infile');
run($dbh, "LOAD DATA LOCAL INFILE '$ENV{CONF_FILE}' INTO TABLE loaded CHARACTER SET utf8mb4");
run($dbh, 'SELECT * FROM loaded ORDER BY id');
run($dbh, "LOAD DATA LOCAL INFILE '/nonexistent/file' INTO TABLE loaded");

section('character sets');
run($dbh, "SELECT c_latin1, c_ucs2, HEX(c_latin1), '😀' AS `😀`, CHAR_LENGTH('😀') FROM types WHERE id = 1");
run($dbh, 'SET NAMES utf8mb4 COLLATE utf8mb4_bin');
run($dbh, "SELECT 'a' = 'A'");

section('cancelled statements');
for my $hint ('leader', 'local') {
    my $victim = connect_to('');
    run($victim, 'SELECT 1');
    my $slow = $victim->prepare("/* wolfscale: $hint */ SELECT SUM(SLEEP(0.05 + id * 0)) FROM many", { mariadb_async => 1 });
    $slow->execute;
    my $sleeping = 0;
    until ($sleeping) {
        $sleeping += $dbh->selectrow_array("/* wolfscale: $_ */ SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User sleep' AND db = DATABASE()") for 'leader', 'local';
    }
    $dbh->do("KILL QUERY $victim->{mariadb_thread_id}");
    line('result ' . ($slow->mariadb_async_result // 'undef') . ' error ' . ($slow->err // '') . ' ' . $slow->state . ' ' . ($slow->errstr // ''));
    $slow->finish;
    run($victim, "SELECT 'still here'");
    $victim->disconnect;
}

section('session');
print "  connection id: $dbh->{mariadb_thread_id}\n";
line('id is the server\'s: ' . ($dbh->selectrow_array('SELECT CONNECTION_ID()') == $dbh->{mariadb_thread_id} ? 'yes' : 'no'));
line("server $dbh->{mariadb_serverinfo} $dbh->{mariadb_serverversion} protocol $dbh->{mariadb_protoinfo}");
line('ping ' . $dbh->ping);
run($dbh, $_) for 'SET @a = 1', 'SELECT @a, @missing', "SET sql_mode = 'ANSI_QUOTES'", 'SELECT @@sql_mode', 'CREATE TEMPORARY TABLE scratch (id INT)', 'INSERT INTO scratch VALUES (1)', 'SELECT * FROM scratch';
line('tables ' . join ', ', $dbh->tables(undef, $ENV{CONF_DATABASE}, '%', 'TABLE'));
my $columns = $dbh->column_info(undef, $ENV{CONF_DATABASE}, 'items', '%');
while (my $row = $columns->fetchrow_arrayref) {
    line(join ' | ', map { value($_) } @$row[2 .. 8, 17]);
}
connect_to('', password => 'wrong');
connect_to('', database => 'nothing_there');

section('TLS');
if (my $tls = connect_to(";mariadb_ssl=1;mariadb_ssl_ca_file=$ENV{CONF_CA};mariadb_ssl_verify_server_cert=1")) {
    run($tls, "SELECT 'encrypted', REPEAT('over TLS ', 200000)");
}

section('ed25519');
for my $password ($ENV{CONF_PASSWORD}, 'wrong') {
    my $ed = connect_to('', user => $ENV{CONF_ED25519_USER}, password => $password) or next;
    run($ed, $_) for 'SELECT CURRENT_USER()', "INSERT INTO items (name) VALUES ('by ed25519')", "SELECT name FROM items WHERE name = 'by ed25519'";
}

section('compression');
if (my $compressed = connect_to(';mariadb_compression=1')) {
    run($compressed, "SELECT 'compressed or not', REPEAT('x', 100000)");
}

section('end');
