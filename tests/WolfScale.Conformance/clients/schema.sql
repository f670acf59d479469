-- What every client finds in its database before each run. The harness replaces DATABASE_NAME.
DROP DATABASE IF EXISTS DATABASE_NAME;
CREATE DATABASE DATABASE_NAME CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
USE DATABASE_NAME;

CREATE TABLE types (
  id INT NOT NULL PRIMARY KEY,
  c_bit1 BIT(1), c_bit64 BIT(64), c_bool BOOL,
  c_tiny TINYINT, c_utiny TINYINT UNSIGNED, c_small SMALLINT, c_usmall SMALLINT UNSIGNED,
  c_medium MEDIUMINT, c_umedium MEDIUMINT UNSIGNED, c_int INT, c_uint INT UNSIGNED, c_big BIGINT, c_ubig BIGINT UNSIGNED,
  c_zerofill INT(8) UNSIGNED ZEROFILL, c_decimal DECIMAL(65,30), c_money DECIMAL(10,2) UNSIGNED,
  c_float FLOAT, c_double DOUBLE, c_year YEAR,
  c_date DATE, c_time TIME, c_time6 TIME(6), c_datetime DATETIME, c_datetime6 DATETIME(6),
  c_timestamp TIMESTAMP NULL DEFAULT NULL, c_timestamp3 TIMESTAMP(3) NULL DEFAULT NULL,
  c_char CHAR(10), c_varchar VARCHAR(100), c_latin1 VARCHAR(100) CHARACTER SET latin1, c_ucs2 VARCHAR(20) CHARACTER SET ucs2,
  c_binary BINARY(4), c_varbinary VARBINARY(100),
  c_tinyblob TINYBLOB, c_blob BLOB, c_mediumblob MEDIUMBLOB, c_longblob LONGBLOB,
  c_tinytext TINYTEXT, c_text TEXT, c_mediumtext MEDIUMTEXT, c_longtext LONGTEXT,
  c_compressed TEXT COMPRESSED,
  c_enum ENUM('one','two','zwölf'), c_set SET('a','b','c'), c_json JSON,
  c_uuid UUID, c_inet4 INET4, c_inet6 INET6,
  c_point POINT, c_line LINESTRING, c_geometry GEOMETRY,
  c_virtual BIGINT AS (c_int + 1) VIRTUAL
);
INSERT INTO types VALUES
  (1, b'1', x'00000000000000FF', TRUE, 12, 200, 1234, 50000, 123456, 10000000, 1234567, 3000000000, 1234567890123, 10000000000000000000,
   42, 1234567890.123456789012345678901234567890, 1234.50, 1.5, 2.25, 2024,
   '2024-02-29', '12:34:56', '12:34:56.123456', '2024-02-29 12:34:56', '2024-02-29 12:34:56.123456', '2024-02-29 12:34:56', '2024-02-29 12:34:56.123',
   'char', 'Grüße 😀', 'Grüße', 'Ωmega', x'01020304', x'00FF7F80',
   x'00', x'0001', x'000102', x'00010203', 'tiny', 'text', 'medium', 'long', 'squeezed', 'zwölf', 'a,c', '{"a": [1, null, "ü"]}',
   '123e4567-e89b-12d3-a456-426614174000', '192.0.2.1', '2001:db8::1',
   ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('LINESTRING(0 0,1 1,2 0)'), ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 0))'), DEFAULT),
  (2, b'0', 0, FALSE, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0,
   0, -99999999999999999999999999999999999.999999999999999999999999999999, 0, -3.402823e38, -1.7976931348623157e308, 1901,
   '1000-01-01', '-838:59:59', '-838:59:59.999999', '1000-01-01 00:00:00', '1000-01-01 00:00:00.000000', '1970-01-02 00:00:01', '1970-01-02 00:00:01.000',
   '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', 'one', '', '[]',
   '00000000-0000-0000-0000-000000000000', '0.0.0.0', '::',
   ST_GeomFromText('POINT(-1.5 -2.5)'), ST_GeomFromText('LINESTRING(0 0,0 1)'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))'), DEFAULT),
  (3, b'1', ~0, 127, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615,
   99999999, 99999999999999999999999999999999999.999999999999999999999999999999, 99999999.99, 3.402823e38, 1.7976931348623157e308, 2155,
   '9999-12-31', '838:59:59', '838:59:59.999999', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999999', '2038-01-18 03:14:07', '2038-01-18 03:14:07.999',
   REPEAT('ß', 10), REPEAT('😀', 100), REPEAT('ÿ', 100), REPEAT('Ω', 20), x'FFFFFFFF', REPEAT(x'FF', 100),
   REPEAT(x'FE', 255), REPEAT(x'FE', 1000), REPEAT(x'FE', 1000), REPEAT(x'FE', 1000),
   REPEAT('t', 255), REPEAT('t', 1000), REPEAT('t', 1000), REPEAT('t', 1000), REPEAT('s', 1000), 'two', 'a,b,c', 'true',
   'ffffffff-ffff-ffff-ffff-ffffffffffff', '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
   ST_GeomFromText('POINT(1e10 -1e10)'), ST_GeomFromText('LINESTRING(1e10 0,0 1e10)'), ST_GeomFromText('MULTIPOINT(0 0,1 1)'), NULL);
INSERT INTO types (id) VALUES (4);

CREATE TABLE items (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) UNIQUE, n INT, note TEXT);
CREATE TABLE parents (id INT PRIMARY KEY);
CREATE TABLE children (id INT PRIMARY KEY, parent INT NOT NULL, CONSTRAINT child_of FOREIGN KEY (parent) REFERENCES parents (id));
CREATE TABLE large (id INT PRIMARY KEY, b LONGBLOB, t LONGTEXT);
CREATE TABLE loaded (id INT PRIMARY KEY, name VARCHAR(100), amount DECIMAL(10,2));
CREATE TABLE many (id INT PRIMARY KEY, name VARCHAR(40));
INSERT INTO many SELECT seq, CONCAT('row ', seq) FROM seq_1_to_3000;
CREATE FUNCTION plus_one(a INT) RETURNS INT DETERMINISTIC RETURN a + 1;

DELIMITER //
CREATE PROCEDURE two_results(how_many INT)
BEGIN
  SELECT id, name FROM many WHERE id <= how_many ORDER BY id;
  INSERT INTO items (n) VALUES (how_many);
  SELECT 'second' AS which, how_many * 2 AS twice;
END//
CREATE PROCEDURE with_out(IN a INT, OUT b INT, INOUT c VARCHAR(100))
BEGIN
  SET b = a * 2;
  SET c = CONCAT(c, ' and ', a);
END//
CREATE PROCEDURE out_and_rows(IN a INT, OUT b INT, OUT missing VARCHAR(10))
BEGIN
  SELECT id FROM many WHERE id <= a ORDER BY id;
  SET b = a + 100;
END//
CREATE PROCEDURE large_out(OUT b LONGTEXT)
BEGIN
  SET b = REPEAT('out ', 50000);
END//
CREATE PROCEDURE fails_late()
BEGIN
  SELECT 'before' AS what;
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'procedure failed: ü', MYSQL_ERRNO = 30001;
END//
DELIMITER ;
