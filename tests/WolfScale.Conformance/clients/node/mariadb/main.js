'use strict';
// mariadb (Connector/Node.js): MariaDB's own capabilities, bulk execution, pipelining.
const fs = require('fs');
const mariadb = require('mariadb');
const { env, section, line, row, value, shown, failure, awaitSleep, main } = require('../conformance');

const open = with_ => mariadb.createConnection({
  host: env('HOST'), port: Number(env('PORT')), user: env('USER'), password: env('PASSWORD'), database: env('DATABASE'), charset: 'utf8mb4', timezone: 'Z',
  multipleStatements: true, permitLocalInfile: true, rowsAsArray: true, metaAsArray: true, maxAllowedPacket: 64 << 20, ...with_ });

const columns = meta => meta.forEach(f => line(
  `column ${f.name()} orgName=${f.orgName()} table=${f.table()} orgTable=${f.orgTable()} db=${f.db()} type=${f.type} length=${f.columnLength} charset=${f.collation?.name} flags=${f.flags} scale=${f.scale} `
  + `extended=${f.dataTypeName ?? ''}/${f.dataTypeFormat ?? ''}`));

function result(rows, meta) {
  if (Array.isArray(rows)) {
    if (meta) columns(meta);
    rows.forEach(row);
  } else {
    line(`affected ${rows?.affectedRows} insertId ${rows?.insertId} warnings ${rows?.warningStatus}`);
  }
}

async function run(db, sql, parameters, how = 'query') {
  console.log(`> ${how === 'query' ? '' : how + ' '}${shown(typeof sql === 'string' ? sql : sql.sql)}${parameters && how !== 'batch' ? ' ' + parameters.map(value).join(', ') : ''}`);
  try {
    const got = await db[how](sql, parameters);
    if (Array.isArray(got) && got.length === 2 && Array.isArray(got[1]) && got[1][0]?.name instanceof Function) result(got[0], got[1]);
    else if (Array.isArray(got) && got.length === 2 && Array.isArray(got[0]) && Array.isArray(got[1]) && got[1].some(m => Array.isArray(m) || m === undefined)) got[0].forEach((r, i) => result(r, got[1][i]));
    else if (Array.isArray(got)) got.forEach(g => (Array.isArray(g) ? line(JSON.stringify(g, (k, v) => typeof v === 'bigint' ? `${v}n` : v).slice(0, 300)) : result(g)));
    else result(got);
  } catch (e) {
    failure(e);
  }
}

main(async () => {
  let db = await open();

  section('types, NULLs, metadata');
  await run(db, 'SELECT * FROM types ORDER BY id');
  await run(db, 'SELECT * FROM types ORDER BY id', [], 'execute');
  await run(db, 'SELECT ?, ?, ?, ?, ?', [1, "it's 😀", null, true, Buffer.from('00ff', 'hex')], 'execute');
  await run(db, 'SELECT ?, ?, ?, ?, ?', ['other', 2.5, Buffer.from('types'), new Date(0), null], 'execute');
  await run(db, 'SELECT id FROM many WHERE FALSE');

  section('large values');
  for (const length of [65535, 1 << 20, 17 << 20]) {
    const large = 'é'.repeat(length / 2);
    await run(db, 'SELECT MD5(?), REPEAT(?, ?)', [large, '0123456789abcdef', length >> 4]);
    await run(db, 'SELECT MD5(?), REPEAT(?, 70000)', [large, '0123456789'], 'execute');
  }
  await run(db, 'INSERT INTO large VALUES (?, ?, ?)', [1, Buffer.alloc(1 << 20, 'fe00ff', 'hex'), 'ü'.repeat(500000)], 'execute');
  await run(db, 'SELECT id, LENGTH(b), MD5(b), MD5(t), b, t FROM large ORDER BY id');
  await run(db, 'SELECT b, t FROM large ORDER BY id', [], 'execute');

  section('prepared statements');
  for (const parameters of [[1, 3], ['2', '4'], [2.5, 5.5], [null, 1]]) await run(db, 'SELECT id, name FROM many WHERE id BETWEEN ? AND ?', parameters, 'execute');
  for (const parameters of [['one', 1], ['two', null], ['one', 3], ['four', '4']]) await run(db, 'INSERT INTO items (name, n) VALUES (?, ?)', parameters, 'execute');
  for (const sql of ['SELECT * FROM nowhere', 'SELEC', 'SHOW TABLES']) await run(db, sql, [], 'execute');
  const statement = await db.prepare('SELECT id, name FROM many WHERE id > ? ORDER BY id');
  for (const from of [2998, '2999', 0]) {
    const rows = await statement.execute([from]);
    line(`${rows[0].length} rows`);
  }
  let prepared = 0;
  for await (const r of statement.executeStream([2000])) prepared += r[0];
  line(`sum of streamed rows ${prepared}`);
  statement.close();

  section('pipelining');
  const several = await Promise.allSettled([
    db.query("INSERT INTO items (name) VALUES ('piped 1')"), db.query('SELECT COUNT(*) FROM items'), db.query('SELECT * FROM nowhere'), db.query("INSERT INTO items (name) VALUES ('piped 2')"),
    db.query('SELECT LAST_INSERT_ID()'), db.execute('SELECT ?', [5]), db.query('SELECT SQL_CALC_FOUND_ROWS id FROM many LIMIT 1'), db.query('SELECT FOUND_ROWS()')]);
  several.forEach(s => s.status === 'rejected' ? failure(s.reason) : line(JSON.stringify(Array.isArray(s.value) ? s.value[0] : s.value, (k, v) => typeof v === 'bigint' ? `${v}n` : v)));

  section('streaming');
  let sum = 0, count = 0;
  for await (const r of db.queryStream('SELECT a.id, b.name FROM many a, many b WHERE b.id <= 5')) { sum += r[0]; count++; }
  line(`${count} rows, sum ${sum}`);

  section('bulk');
  const shaped = db;
  db = await open({ metaAsArray: false }); // with metadata as an array the driver cannot show the results of a bulk
  await run(db, 'INSERT INTO items (name, n) VALUES (?, ?)', [...Array(2000).keys()].map(i => [`bulk ${i}`, i % 3 ? i : null]), 'batch');
  await run(db, 'UPDATE items SET note = ? WHERE n = ?', [...Array(20).keys()].map(i => [`noted ${i}`, i]), 'batch');
  await run(db, 'INSERT INTO items (name, n) VALUES (?, ?)', [['one more', 1], ['bulk 5', 2], ['never', 3]], 'batch');
  await run(db, 'INSERT INTO large VALUES (?, ?, ?)', [...Array(20).keys()].map(i => [i + 10, Buffer.alloc(60000, i), null]), 'batch');
  await run(db, 'INSERT INTO items (name) VALUES (?) RETURNING id, name', [['r 1'], ['r 2']], 'batch');
  await run(db, 'SELECT COUNT(*), SUM(n), COUNT(note), MIN(id), MAX(id) FROM items');
  await run(db, 'SELECT COUNT(*), SUM(LENGTH(b)) FROM large');
  await db.end();
  db = shaped;

  section('affected rows, insert ids, warnings');
  for (const sql of ["INSERT INTO items (name, n) VALUES ('a', 1), ('b', 2)", 'SELECT LAST_INSERT_ID(), ROW_COUNT()', 'SELECT COUNT(*) FROM many', 'SELECT LAST_INSERT_ID()',
    "UPDATE items SET n = 1 WHERE name IN ('one', 'two')", "INSERT INTO items (name) VALUES ('returned') RETURNING id, name",
    "SELECT CAST('1x' AS INT)", 'SHOW WARNINGS', "INSERT IGNORE INTO items (name) VALUES ('one')", 'SHOW WARNINGS', 'ALTER TABLE items ADD COLUMN extra INT',
    'DROP TABLE IF EXISTS nowhere']) await run(db, sql);

  section('transactions');
  await db.beginTransaction();
  await run(db, "INSERT INTO items (name) VALUES ('rolled back')");
  await db.rollback();
  await run(db, "SELECT COUNT(*), @@in_transaction FROM items WHERE name = 'rolled back'");
  await db.beginTransaction();
  for (const sql of ["INSERT INTO items (name) VALUES ('kept')", 'SAVEPOINT here', "INSERT INTO items (name) VALUES ('not kept')", 'ROLLBACK TO SAVEPOINT here']) await run(db, sql);
  await db.commit();
  await db.commit(); // of nothing: the driver looks at the status and sends nothing
  await run(db, "SELECT name FROM items WHERE name IN ('rolled back', 'kept', 'not kept')");

  section('errors');
  for (const sql of ['SELECT * FROM nowhere', 'SELEC 1', "INSERT INTO many VALUES (1, 'again')", 'INSERT INTO children VALUES (1, 99)',
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'signalled: ü', MYSQL_ERRNO = 31000", 'CALL fails_late()', 'SELECT 1; SELECT * FROM nowhere; SELECT 2',
    'SELECT (SELECT id FROM many)', "SELECT 'still here'"]) await run(db, sql);
  await run(db, 'CALL fails_late()', [], 'execute');
  await run(db, "INSERT INTO many VALUES (?, 'again')", [1], 'execute');
  for (const wrong of [{ password: 'wrong' }, { database: 'nothing_there' }]) await open(wrong).then(c => c.end(), e => line(`${e.errno} ${e.sqlState} ${e.code} ${e.sqlMessage}`));

  section('multi-results and CALL');
  await run(db, "SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; INSERT INTO items (name) VALUES ('multi'); SELECT ROW_COUNT()");
  await run(db, 'CALL two_results(3)');
  await run(db, 'CALL two_results(?)', [2], 'execute');
  await run(db, "SET @c = 'c'; CALL with_out(21, @b, @c); SELECT @b, @c");
  await run(db, 'CALL with_out(?, ?, ?)', [21, null, 'in'], 'execute');
  await run(db, 'CALL out_and_rows(?, ?, ?)', [2, null, null], 'execute');
  await run(db, 'CALL large_out(?)', [null], 'execute');

  section('local infile');
  await run(db, `LOAD DATA LOCAL INFILE '${env('FILE')}' INTO TABLE loaded CHARACTER SET utf8mb4`);
  await run(db, 'SELECT * FROM loaded ORDER BY id');
  await run(db, `LOAD DATA LOCAL INFILE '/nonexistent/file' INTO TABLE loaded`);
  await run(db, "SELECT 'still here'");

  section('character sets');
  for (const collation of ['UTF8MB4_UNICODE_CI', 'UTF8MB4_BIN', 'UTF8MB3_GENERAL_CI']) {
    await open({ charset: undefined, collation }).then(async other => {
      await run(other, "SELECT c_latin1, HEX(c_latin1), 'a' = 'A', @@character_set_client, @@collation_connection FROM types WHERE id = 1");
      await run(other, "SELECT 'a' = 'A', 'ü'");
      await other.end();
    }, failure);
  }
  await run(db, "SELECT '😀' AS `😀`, CHAR_LENGTH(?)", ['😀'], 'execute');

  section('cancelled statements');
  for (const hint of ['leader', 'local']) {
    const victim = await open();
    await run(victim, 'SELECT 1');
    const slow = run(victim, `/* wolfscale: ${hint} */ SELECT SUM(SLEEP(0.05 + id * 0)) FROM many`);
    await awaitSleep(async sql => (await db.query(sql))[0][0][0]);
    await db.query(`KILL QUERY ${victim.threadId}`);
    await slow;
    await run(victim, "SELECT 'still here'");
    victim.destroy();
  }
  await run(db, { sql: 'SELECT SUM(SLEEP(0.05 + id * 0)) FROM many', timeout: 100 });
  await run(db, "SELECT 'still here'");

  section('session');
  console.log(`  connection id: ${db.threadId}`);
  const [[[own]]] = await db.query('SELECT CONNECTION_ID()');
  line(`id is the server's: ${BigInt(own) === BigInt(db.threadId)}`);
  line(`server ${db.serverVersion()}`);
  await db.ping();
  await run(db, "SET @a = 1, sql_mode = 'ANSI_QUOTES', time_zone = '+05:00'");
  await run(db, 'SELECT @a, @@sql_mode, FROM_UNIXTIME(0)');
  await db.reset();
  await run(db, 'SELECT CURRENT_USER(), @a, @@sql_mode, DATABASE()');
  await db.changeUser({ user: env('OTHER_USER'), password: env('PASSWORD'), database: env('DATABASE') });
  await run(db, 'SELECT CURRENT_USER(), @a, DATABASE()');
  await run(db, "INSERT INTO items (name) VALUES ('by the other')");
  await run(db, 'SELECT name FROM items WHERE name = ?', ['by the other'], 'execute');
  await db.end();

  section('TLS');
  db = await open({ ssl: { ca: fs.readFileSync(env('CA')) } });
  await run(db, "SELECT 'encrypted', REPEAT('over TLS ', 200000)");
  await run(db, 'SELECT MD5(?)', ['x'.repeat(1 << 20)], 'execute');
  await db.end();

  section('ed25519');
  for (const password of [env('PASSWORD'), 'wrong']) {
    await open({ user: env('ED25519_USER'), password }).then(async c => {
      await run(c, 'SELECT CURRENT_USER()');
      await run(c, "INSERT INTO items (name) VALUES ('by ed25519')");
      await run(c, "SELECT name FROM items WHERE name = 'by ed25519'");
      await c.end();
    }, e => line(`${e.errno} ${e.sqlState} ${e.code} ${e.sqlMessage}`));
  }

  section('compression');
  db = await open({ compress: true });
  await run(db, "SELECT 'compressed or not', REPEAT('x', 100000)");
  await db.end();
});
