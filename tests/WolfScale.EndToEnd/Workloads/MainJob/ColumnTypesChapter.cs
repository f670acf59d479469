using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>Every column type, with its edges (smallest, largest, NULL, empty), then updated and deleted in part so that before-images occur too.</summary>
internal sealed class ColumnTypesChapter : Chapter
{
    public override string Schema => "job_types";

    public override IReadOnlyList<ExpectedObject> Expected =>
        [Table("numbers"), Table("texts"), Table("encodings"), Table("times"), Table("shapes"), Table("generated"), Table("nothing")];

    public override Task WriteAsync(SqlServer leader) => RunAsync(leader,
        "SET SESSION sql_mode='STRICT_TRANS_TABLES,NO_UNSIGNED_SUBTRACTION', time_zone='+00:00'",
        """
        CREATE TABLE numbers (id INT PRIMARY KEY AUTO_INCREMENT,
          t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED ZEROFILL, m MEDIUMINT, mu MEDIUMINT UNSIGNED,
          i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, yes BOOLEAN,
          d DECIMAL(65,30), d2 DECIMAL(10,2) UNSIGNED, d0 DECIMAL(38,0), f FLOAT, f2 FLOAT(10,4), g DOUBLE, g2 DOUBLE(20,8),
          b1 BIT(1), b13 BIT(13), b64 BIT(64), KEY (d), KEY (b64))
        """,
        $"""
        INSERT INTO numbers (t, tu, s, su, m, mu, i, iu, b, bu, yes, d, d2, d0, f, f2, g, g2, b1, b13, b64)
        SELECT seq % 256 - 128, seq % 256, seq * 27 - 16384, seq, seq * 6990 - 8388608, seq * 13980, seq * 1789569 - 1073741824, seq * 3579139,
          seq * 7686143364045646 - 4611686018427387904, seq * 15372286728091293, seq % 2,
          (seq - 600) * 12345678901234567890123456789.123456789012345678901234567891 / 7, seq * 1.01, seq * POW(10, 30),
          RAND() * 1e38, RAND() * 1e5, RAND() * 1e308, RAND() * 1e9, seq % 2, seq * 6, seq * 15372286728091293 FROM {Numbers}
        """,
        "INSERT INTO numbers (t, tu, s, su, m, mu, i, iu, b, bu) VALUES (-128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615)",
        "INSERT INTO numbers (d, d0, f, g, b64) VALUES (99999999999999999999999999999999999.999999999999999999999999999999, -99999999999999999999999999999999999999, -0.0, 5e-324, b'1111111111111111111111111111111111111111111111111111111111111111'), (-99999999999999999999999999999999999.999999999999999999999999999999, 0, 3.4e38, 1.7976931348623157e308, 0)",
        """
        CREATE TABLE texts (id INT PRIMARY KEY AUTO_INCREMENT,
          c CHAR(20), v VARCHAR(300), tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT,
          bi BINARY(16), vb VARBINARY(300), tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB,
          e ENUM('small', 'grün', '狼', ''), st SET('a', 'b', 'ü', '狼'), j JSON, u UUID, i4 INET4, i6 INET6,
          cv VARCHAR(500) COMPRESSED, ct TEXT COMPRESSED, cb BLOB COMPRESSED, UNIQUE (v), KEY (tx(50)), FULLTEXT (mt))
        """,
        $$"""
        INSERT INTO texts (c, v, tt, tx, mt, lt, bi, vb, tb, bl, mb, lb, e, st, j, u, i4, i6, cv, ct, cb)
        SELECT CONCAT('c', seq), CONCAT('Wölfe 🐺 ', seq), REPEAT('ß', seq % 100), REPEAT('text ', seq % 200), CONCAT('word', seq, ' moon'), REPEAT('狼', seq * 3),
          UNHEX(MD5(seq)), UNHEX(SHA2(RAND(), 512)), UNHEX(MD5(RAND())), RANDOM_BYTES(seq % 500), RANDOM_BYTES(seq % 900), RANDOM_BYTES(seq % 1000),
          1 + seq % 4, seq % 16, JSON_OBJECT('id', seq, 'name', CONCAT('Wölfin "', seq, '" \\ 🐺'), 'list', JSON_ARRAY(seq, NULL, TRUE, 1.5e10)),
          UUID(), INET_NTOA(seq * 3579139), CONCAT('2001:db8::', HEX(seq)), REPEAT(CONCAT('z', seq), 20), REPEAT('compressible ', seq % 90), REPEAT('x', seq) FROM {{Numbers}}
        """,
        "INSERT INTO texts (c, v, tt, tx, bi, vb, bl, e, st, j) VALUES ('', '', '', '', '', '', '', '', '', '{}'), ('trailing  ', 'trailing  ', '\\0\\n\\r\\'\\\"\\\\', '\\0', '\\0', '\\0\\0', '\\0', 'small', 'a,狼', '[]')",
        "INSERT INTO texts (v, lb, lt) VALUES ('large', RANDOM_BYTES(1024), REPEAT('L', 3000000))",
        """
        CREATE TABLE encodings (id INT PRIMARY KEY AUTO_INCREMENT,
          l1 VARCHAR(100) CHARACTER SET latin1, l1g VARCHAR(100) CHARACTER SET latin1 COLLATE latin1_german2_ci, l2 VARCHAR(100) CHARACTER SET latin2,
          u8 VARCHAR(100) CHARACTER SET utf8mb3, u4b VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, u4s VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci,
          u16 VARCHAR(100) CHARACTER SET utf16, u32 VARCHAR(100) CHARACTER SET utf32, c2 VARCHAR(100) CHARACTER SET ucs2, a VARCHAR(100) CHARACTER SET ascii,
          sj VARCHAR(100) CHARACTER SET sjis, gb VARCHAR(100) CHARACTER SET gbk, k8 VARCHAR(100) CHARACTER SET koi8r, np VARCHAR(100) COLLATE utf8mb4_nopad_bin,
          bi VARCHAR(100) CHARACTER SET binary, KEY (l1), KEY (u4s)) DEFAULT CHARSET=latin1
        """,
        $"""
        INSERT INTO encodings (l1, l1g, l2, u8, u4b, u4s, u16, u32, c2, a, sj, gb, k8, np, bi)
        SELECT CONCAT('Größe é ', seq), CONCAT('Äpfel ', seq), CONCAT('Łódź ', seq), CONCAT('€ ', seq), CONCAT('🐺', seq), CONCAT('Å', seq), CONCAT('🌕', seq), CONCAT('🌑', seq),
          CONCAT('Ω', seq), CONCAT('ascii ', seq), CONCAT('日本', seq), CONCAT('中国', seq), CONCAT('волк ', seq), CONCAT('no pad ', seq, ' '), UNHEX(MD5(seq)) FROM {Numbers}
        """,
        "SET NAMES latin1",
        "INSERT INTO encodings (l1, u4b) VALUES ('sent as latin1', _latin1 0xC4D6DC)",
        "SET NAMES utf8mb4",
        """
        CREATE TABLE times (id INT PRIMARY KEY AUTO_INCREMENT, d DATE, y YEAR, t0 TIME, t1 TIME(1), t3 TIME(3), t6 TIME(6),
          dt0 DATETIME, dt1 DATETIME(1), dt2 DATETIME(2), dt3 DATETIME(3), dt4 DATETIME(4), dt5 DATETIME(5), dt6 DATETIME(6),
          ts0 TIMESTAMP NULL, ts3 TIMESTAMP(3) NULL, ts6 TIMESTAMP(6) NULL,
          made TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6), touched DATETIME(6) DEFAULT NOW(6) ON UPDATE NOW(6), KEY (ts6))
        """,
        $"""
        INSERT INTO times (d, y, t0, t1, t3, t6, dt0, dt1, dt2, dt3, dt4, dt5, dt6, ts0, ts3, ts6)
        SELECT DATE '1000-01-01' + INTERVAL seq * 300 DAY, 1901 + seq % 255, SEC_TO_TIME(seq * 5033 - 3020399), SEC_TO_TIME(seq * 1.1), SEC_TO_TIME(seq * 7.123), SEC_TO_TIME(seq * -11.654321),
          '2026-02-28 23:59:59.999999', NOW(6), NOW(6), NOW(6), NOW(6), NOW(6), SYSDATE(6) + INTERVAL seq MICROSECOND, FROM_UNIXTIME(seq * 1789569), FROM_UNIXTIME(seq * 1789569.123), NOW(6) + INTERVAL seq MICROSECOND FROM {Numbers}
        """,
        "INSERT INTO times (d, y, t6, dt6, ts6) VALUES ('9999-12-31', 2155, '838:59:59.999999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999999'), ('0000-00-00', 0, '-838:59:59.999999', '0000-00-00 00:00:00', '1970-01-01 00:00:01.000001')",
        "SET SESSION time_zone='+05:45', timestamp=1700000000.654321",
        "INSERT INTO times (dt6, ts6) VALUES (NOW(6), NOW(6))",
        "SET SESSION time_zone='+00:00', timestamp=DEFAULT",
        """
        CREATE TABLE shapes (id INT PRIMARY KEY AUTO_INCREMENT, p POINT NOT NULL, l LINESTRING, pg POLYGON, mp MULTIPOINT, ml MULTILINESTRING, mpg MULTIPOLYGON,
          gc GEOMETRYCOLLECTION, g GEOMETRY, SPATIAL INDEX (p))
        """,
        $"""
        INSERT INTO shapes (p, l, pg, mp, ml, mpg, gc, g)
        SELECT POINT(seq, RAND() * 90), LineString(POINT(0, 0), POINT(seq, seq)), ST_GeomFromText(CONCAT('POLYGON((0 0,', seq, ' 0,', seq, ' ', seq, ',0 0))')),
          ST_GeomFromText(CONCAT('MULTIPOINT(1 1,', seq, ' 2)')), ST_GeomFromText(CONCAT('MULTILINESTRING((0 0,1 1),(2 2,', seq, ' 3))')),
          ST_GeomFromText(CONCAT('MULTIPOLYGON(((0 0,', seq, ' 0,1 1,0 0)),((9 9,9 8,8 8,9 9)))')), ST_GeomFromText(CONCAT('GEOMETRYCOLLECTION(POINT(1 ', seq, '),LINESTRING(0 0,1 1))')),
          ST_GeomFromText(CONCAT('POINT(', seq, ' 3)'), 4326) FROM {Numbers}
        """,
        """
        CREATE TABLE generated (id INT PRIMARY KEY AUTO_INCREMENT, price DECIMAL(10,4) NOT NULL, amount INT NOT NULL DEFAULT (1 + 1), doc JSON CHECK (JSON_VALID(doc)),
          total DECIMAL(20,4) AS (price * amount) PERSISTENT, half DECIMAL(20,4) GENERATED ALWAYS AS (price / 2) VIRTUAL, name VARCHAR(50) AS (JSON_VALUE(doc, '$.name')) STORED,
          secret VARCHAR(50) INVISIBLE DEFAULT (CONCAT('hidden ', UUID())), counter INT INVISIBLE DEFAULT 7, made DATETIME(6) INVISIBLE DEFAULT NOW(6),
          KEY (total), KEY (half), UNIQUE (name), CONSTRAINT positive CHECK (amount > 0))
        """,
        $"INSERT INTO generated (price, amount, doc) SELECT seq * 1.2345, seq, JSON_OBJECT('name', CONCAT('wolf ', seq)) FROM {Numbers}",
        "INSERT INTO generated (price, doc, secret, counter) VALUES (1, '{}', 'chosen', NULL)",
        "UPDATE generated SET price = price + 1, secret = CONCAT(secret, '!') WHERE id % 3 = 0",
        "CREATE TABLE nothing (a INT, b VARCHAR(10), c BLOB, d DATETIME(6), e DECIMAL(65,30), f BIT(7), g POINT, h JSON)",
        $"INSERT INTO nothing SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM {Numbers}",
        "DELETE FROM nothing LIMIT 100",
        "UPDATE numbers SET d = d / 3, b64 = ~b64, g = -g WHERE id % 5 = 0",
        "UPDATE texts SET lt = CONCAT(lt, ' more'), e = NULL, j = JSON_SET(j, '$.changed', TRUE), bl = NULL WHERE id % 7 = 0",
        "UPDATE times SET ts6 = ts6 + INTERVAL 1 MICROSECOND, d = NULL WHERE id % 11 = 0",
        "UPDATE shapes SET g = ST_GeomFromText('LINESTRING(0 0,5 5)'), pg = NULL WHERE id % 4 = 0",
        "DELETE FROM numbers WHERE id % 50 = 0",
        "DELETE FROM texts WHERE id % 50 = 0");
}
