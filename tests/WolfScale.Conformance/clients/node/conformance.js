'use strict';
// What the programs for mysql2 and mariadb have in common.
const crypto = require('crypto');

const env = name => process.env[`CONF_${name}`];

exports.env = env;
exports.section = name => console.log(`\n## ${name}`);
exports.line = text => console.log(`  ${text}`);

/** A value with its type; long ones as length and hash. */
const value = v => {
  if (v === null || v === undefined) return String(v);
  if (Buffer.isBuffer(v)) return v.length > 100 ? `Buffer[${v.length}] ${md5(v)}` : `Buffer ${v.toString('hex')}`;
  if (typeof v === 'string') return v.length > 100 ? `string[${v.length}] ${md5(v)}` : `string ${JSON.stringify(v)}`;
  if (typeof v === 'bigint') return `bigint ${v}`;
  if (v instanceof Date) return `Date ${isNaN(v) ? 'invalid' : v.toISOString()}`;
  if (typeof v === 'object') return `object ${JSON.stringify(v, (k, x) => typeof x === 'bigint' ? `${x}n` : x)}`;
  return `${typeof v} ${v}`;
};

const md5 = v => crypto.createHash('md5').update(v).digest('hex');

exports.value = value;
exports.row = row => exports.line((Array.isArray(row) ? row : Object.values(row)).map(value).join(' | '));
exports.shown = sql => sql.length < 200 ? sql : `${sql.slice(0, 60)}… (${sql.length})`;
exports.failure = e => exports.line(`${e.constructor.name} ${e.code} ${e.errno} ${e.sqlState} ${e.fatal} ${JSON.stringify(e.sqlMessage ?? e.message)}`);

/** Waits until a statement of this database sleeps, on the leader or on the node that was asked. `ask` resolves to a count. */
exports.awaitSleep = async ask => {
  for (;;) {
    for (const hint of ['leader', 'local']) {
      const sleeping = await ask(`/* wolfscale: ${hint} */ SELECT COUNT(*) AS c FROM information_schema.processlist WHERE state = 'User sleep' AND db = DATABASE()`);
      if (Number(sleeping) > 0) return;
    }
  }
};

exports.main = program => program().then(
  () => exports.section('end'),
  e => { console.log(e); process.exitCode = 1; process.exit(1); });
