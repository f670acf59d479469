'use strict';
// mysql2: text and binary protocol.
const fs = require('fs');
const mysql = require('mysql2/promise');
const { env, section, line, row, value, shown, failure, awaitSleep, main } = require('../conformance');

const open = with_ => mysql.createConnection({
  host: env('HOST'), port: Number(env('PORT')), user: env('USER'), password: env('PASSWORD'), database: env('DATABASE'), charset: 'utf8mb4', timezone: 'Z',
  multipleStatements: true, supportBigNumbers: true, infileStreamFactory: path => fs.createReadStream(path), ...with_ });

const columns = fields => fields.forEach(f => line(
  `column ${f.name} orgName=${f.orgName} table=${f.table} orgTable=${f.orgTable} schema=${f.schema ?? f.db} type=${f.columnType} length=${f.columnLength} charset=${f.characterSet} flags=${JSON.stringify(f.flags)} decimals=${f.decimals}`));

function result(rows, fields) {
  if (Array.isArray(rows)) {
    if (fields) columns(fields);
    rows.forEach(row);
  } else {
    line(`affected ${rows.affectedRows} changed ${rows.changedRows} insertId ${rows.insertId} warnings ${rows.warningStatus} status ${rows.serverStatus} info ${JSON.stringify(rows.info)}`);
  }
}

async function run(db, sql, parameters, prepared = false) {
  console.log(`> ${prepared ? 'prepared ' : ''}${shown(sql)}${parameters ? ' ' + parameters.map(value).join(', ') : ''}`);
  try {
    const [rows, fields] = await (prepared ? db.execute({ sql, rowsAsArray: true }, parameters) : db.query({ sql, rowsAsArray: true }, parameters));
    const several = Array.isArray(fields) && fields.some(f => f === undefined || Array.isArray(f));
    if (several) rows.forEach((r, i) => result(r, fields[i]));
    else result(rows, fields);
  } catch (e) {
    failure(e);
  }
}

main(async () => {
  let db = await open();

  section('types, NULLs, metadata');
  await run(db, 'SELECT * FROM types ORDER BY id');
  await run(db, 'SELECT * FROM types ORDER BY id', [], true);
  await run(db, 'SELECT ?, ?, ?, ?, ?', [1, "it's 😀", null, true, Buffer.from('00ff', 'hex')], true);
  await run(db, 'SELECT ?, ?, ?, ?, ?', ['other', 2.5, Buffer.from('types'), new Date(0), null], true);
  await run(db, 'SELECT id FROM many WHERE FALSE');

  section('large values');
  for (const length of [65535, 1 << 20, 17 << 20]) {
    const large = 'é'.repeat(length / 2);
    await run(db, 'SELECT MD5(?), REPEAT(?, ?)', [large, '0123456789abcdef', length >> 4]);
    await run(db, 'SELECT MD5(?), REPEAT(?, 70000)', [large, '0123456789'], true);
  }
  await run(db, 'INSERT INTO large VALUES (?, ?, ?)', [1, Buffer.alloc(1 << 20, 'fe00ff', 'hex'), 'ü'.repeat(500000)], true);
  await run(db, 'SELECT id, LENGTH(b), MD5(b), MD5(t), b, t FROM large ORDER BY id');
  await run(db, 'SELECT b, t FROM large ORDER BY id', [], true);

  section('prepared statements');
  for (const parameters of [[1, 3], ['2', '4'], [2.5, 5.5], [null, 1]]) await run(db, 'SELECT id, name FROM many WHERE id BETWEEN ? AND ?', parameters, true);
  for (const parameters of [['one', 1], ['two', null], ['one', 3], ['four', '4']]) await run(db, 'INSERT INTO items (name, n) VALUES (?, ?)', parameters, true);
  for (const sql of ['SELECT * FROM nowhere', 'SELEC', 'SHOW TABLES']) await run(db, sql, [], true);
  const statement = await db.prepare('SELECT id, name FROM many WHERE id > ? ORDER BY id');
  for (const from of [2998, '2999', 0]) {
    const [rows] = await statement.execute([from]);
    line(`${rows.length} rows`);
  }
  await statement.close();
  db.unprepare('SHOW TABLES');

  section('streaming');
  const stream = db.connection.query('SELECT a.id, b.name FROM many a, many b WHERE b.id <= 5').stream({ highWaterMark: 5 });
  let sum = 0, count = 0;
  for await (const r of stream) { sum += r.id; count++; }
  line(`${count} rows, sum ${sum}`);

  section('affected rows, insert ids, warnings, bulk');
  await run(db, 'INSERT INTO items (name, n) VALUES ?', [[...Array(1000).keys()].map(i => [`bulk ${i}`, i % 3 ? i : null])]);
  for (const sql of ['SELECT LAST_INSERT_ID(), ROW_COUNT()', 'SELECT COUNT(*), SUM(n), MIN(id), MAX(id) FROM items', 'SELECT LAST_INSERT_ID()', 'SELECT COUNT(*) FROM many', 'SELECT ROW_COUNT()',
    "UPDATE items SET n = 1 WHERE name IN ('one', 'two')", "INSERT INTO items (name) VALUES ('returned') RETURNING id, name",
    'SELECT SQL_CALC_FOUND_ROWS id FROM items ORDER BY id LIMIT 1', 'SELECT FOUND_ROWS()', "SELECT CAST('1x' AS INT)", 'SHOW WARNINGS', "INSERT IGNORE INTO items (name) VALUES ('one')",
    'SHOW WARNINGS', 'ALTER TABLE items ADD COLUMN extra INT', 'DROP TABLE IF EXISTS nowhere']) await run(db, sql);

  section('transactions');
  await db.beginTransaction();
  await run(db, "INSERT INTO items (name) VALUES ('rolled back')");
  await db.rollback();
  await run(db, "SELECT COUNT(*), @@in_transaction FROM items WHERE name = 'rolled back'");
  await db.beginTransaction();
  for (const sql of ["INSERT INTO items (name) VALUES ('kept')", 'SAVEPOINT here', "INSERT INTO items (name) VALUES ('not kept')", 'ROLLBACK TO SAVEPOINT here']) await run(db, sql);
  await db.commit();
  await run(db, "SELECT name FROM items WHERE name IN ('rolled back', 'kept', 'not kept')");

  section('errors');
  for (const sql of ['SELECT * FROM nowhere', 'SELEC 1', "INSERT INTO many VALUES (1, 'again')", 'INSERT INTO children VALUES (1, 99)',
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled: ü', MYSQL_ERRNO = 31000", 'CALL fails_late()', 'SELECT 1; SELECT * FROM nowhere; SELECT 2',
    'SELECT (SELECT id FROM many)', "SELECT 'still here'"]) await run(db, sql);
  await run(db, 'CALL fails_late()', [], true);
  await run(db, "INSERT INTO many VALUES (?, 'again')", [1], true);
  for (const wrong of [{ password: 'wrong' }, { database: 'nothing_there' }]) await open(wrong).then(c => c.end(), failure);

  section('multi-results and CALL');
  await run(db, "SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; INSERT INTO items (name) VALUES ('multi'); SELECT ROW_COUNT()");
  await run(db, 'CALL two_results(3)');
  await run(db, 'CALL two_results(?)', [2], true);
  await run(db, "SET @c = 'c'; CALL with_out(21, @b, @c); SELECT @b, @c");
  await run(db, 'CALL with_out(?, ?, ?)', [21, null, 'in'], true);
  await run(db, 'CALL out_and_rows(?, ?, ?)', [2, null, null], true);

  section('local infile');
  await run(db, `LOAD DATA LOCAL INFILE '${env('FILE')}' INTO TABLE loaded CHARACTER SET utf8mb4`);
  await run(db, 'SELECT * FROM loaded ORDER BY id');
  await run(db, `LOAD DATA LOCAL INFILE '${env('FILE')}' IGNORE INTO TABLE loaded CHARACTER SET utf8mb4`);

  section('character sets');
  for (const charset of ['LATIN1_SWEDISH_CI', 'UTF8_GENERAL_CI', 'UTF8MB4_UNICODE_CI', 'UTF8MB4_BIN']) {
    const other = await open({ charset });
    await run(other, "SELECT c_latin1, HEX(c_latin1), 'a' = 'A', 'Grüße', @@character_set_client, @@collation_connection FROM types WHERE id = 1");
    await run(other, "SELECT 'a' = 'A', 'ü'");
    await other.end();
  }
  await run(db, "SELECT '😀' AS `😀`, CHAR_LENGTH(?)", ['😀'], true);

  section('cancelled statements');
  for (const hint of ['leader', 'local']) {
    const victim = await open();
    await run(victim, 'SELECT 1');
    const slow = run(victim, `/* wolfscale: ${hint} */ SELECT SUM(SLEEP(0.05 + id * 0)) FROM many`);
    await awaitSleep(async sql => (await db.query(sql))[0][0].c);
    await db.query(`KILL QUERY ${victim.threadId}`);
    await slow;
    await run(victim, "SELECT 'still here'");
    victim.destroy();
  }
  await run(db, 'SET STATEMENT max_statement_time = 0.1 FOR SELECT SUM(SLEEP(0.05 + id * 0)) FROM many');

  section('session');
  console.log(`  connection id: ${db.threadId}`);
  const [[own]] = await db.query('SELECT CONNECTION_ID() AS id');
  line(`id is the server's: ${own.id === db.threadId}`);
  await db.ping();
  await run(db, "SET @a = 1, sql_mode = 'ANSI_QUOTES', time_zone = '+05:00'");
  await run(db, 'SELECT @a, @@sql_mode, FROM_UNIXTIME(0)');
  await db.changeUser({ user: env('OTHER_USER'), password: env('PASSWORD'), database: env('DATABASE') });
  await run(db, 'SELECT CURRENT_USER(), @a, @@sql_mode, DATABASE()');
  await run(db, "INSERT INTO items (name) VALUES ('by the other')");
  await run(db, "SELECT name FROM items WHERE name = 'by the other'");
  await run(db, 'SELECT name FROM items WHERE name = ?', ['by the other'], true);
  if (db.reset) {
    await db.reset();
    await run(db, 'SELECT CURRENT_USER(), @a, DATABASE()');
  }
  await db.end();

  section('TLS');
  db = await open({ ssl: { ca: fs.readFileSync(env('CA')), verifyIdentity: true } });
  line(`cipher: ${db.connection.stream.getCipher().name}`);
  await run(db, "SELECT 'encrypted', REPEAT('over TLS ', 200000)");
  await run(db, 'SELECT MD5(?)', ['x'.repeat(1 << 20)], true);
  await db.end();

  section('ed25519');
  await open({ user: env('ED25519_USER') }).then(async c => { await run(c, 'SELECT CURRENT_USER()'); await c.end(); }, failure);
});
