using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>Views, triggers, procedures, functions, packages and events: made, replaced, dropped, and used.</summary>
internal sealed class ProgramsChapter : Chapter
{
    public override string Schema => "job_programs";

    public override IReadOnlyList<ExpectedObject> Expected =>
    [
        Table("orders"), Table("audit"), Table("totals"), Table("made_by_procedure"), Table("made_by_event"),
        Object("view", "big_orders"), Object("view", "order_names"), Object("view", "nested"),
        Object("trigger", "orders_before_insert"), Object("trigger", "orders_after_insert"), Object("trigger", "orders_after_insert_second"),
        Object("trigger", "orders_after_update"), Object("trigger", "orders_before_delete"),
        Object("procedure", "fill"), Object("procedure", "with_cursor"), Object("procedure", "out_values"),
        Object("function", "net"), Object("function", "product_of"), Object("package", "tools"), Object("package body", "tools"),
        Object("event", "every_hour"), Object("event", "at_once"), Object("event", "disabled_one"), Object("event", "altered"),
    ];

    public override async Task WriteAsync(SqlServer leader)
    {
        await RunAsync(leader, Tables);
        await RunAsync(leader, Routines);
        await RunAsync(leader, Uses);
        await RunAsync(leader, Events);
    }

    private static string[] Tables { get; } =
    [
        "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer VARCHAR(50) NOT NULL, amount DECIMAL(12,2), stamp VARCHAR(60))",
        "CREATE TABLE audit (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(30), order_id INT, happened DATETIME(6), random_part DOUBLE, who VARCHAR(100))",
        "CREATE TABLE totals (customer VARCHAR(50) PRIMARY KEY, amount DECIMAL(20,2), orders INT)",
        "CREATE TABLE made_by_procedure (id INT PRIMARY KEY, v DOUBLE)",
        "CREATE TABLE made_by_event (id INT PRIMARY KEY AUTO_INCREMENT, v INT)",
        "CREATE TRIGGER orders_before_insert BEFORE INSERT ON orders FOR EACH ROW SET NEW.stamp = CONCAT(UUID(), '/', CONNECTION_ID())",
        "CREATE TRIGGER orders_after_insert AFTER INSERT ON orders FOR EACH ROW INSERT INTO audit (what, order_id, happened, random_part, who) VALUES ('insert', NEW.id, NOW(6), RAND(), CURRENT_USER())",
        """
        CREATE TRIGGER orders_after_insert_second AFTER INSERT ON orders FOR EACH ROW FOLLOWS orders_after_insert
          INSERT INTO totals VALUES (NEW.customer, NEW.amount, 1) ON DUPLICATE KEY UPDATE amount = totals.amount + NEW.amount, orders = orders + 1
        """,
        """
        CREATE TRIGGER orders_after_update AFTER UPDATE ON orders FOR EACH ROW
        BEGIN
          IF NEW.amount <> OLD.amount THEN INSERT INTO audit (what, order_id, happened, random_part) VALUES ('update', NEW.id, NOW(6), RAND()); END IF;
        END
        """,
        "CREATE TRIGGER orders_before_delete BEFORE DELETE ON orders FOR EACH ROW INSERT INTO audit (what, order_id, happened) VALUES ('delete', OLD.id, NOW(6))",
        "CREATE TRIGGER dropped_later BEFORE UPDATE ON totals FOR EACH ROW SET NEW.amount = NEW.amount",
        "DROP TRIGGER dropped_later",
        "CREATE VIEW big_orders AS SELECT * FROM orders WHERE amount > 100 WITH CASCADED CHECK OPTION",
        "CREATE ALGORITHM=TEMPTABLE DEFINER=root@localhost SQL SECURITY INVOKER VIEW order_names (kunde, wolf_größe) AS SELECT customer, SUM(amount) FROM orders GROUP BY customer",
        "CREATE VIEW nested AS SELECT n.kunde, b.id FROM order_names n JOIN big_orders b ON b.customer = n.kunde WHERE n.kunde LIKE 'ä%' OR b.stamp IS NOT NULL",
        "CREATE VIEW replaced AS SELECT 1 AS one",
        "CREATE OR REPLACE VIEW replaced AS SELECT 2 AS two",
        "DROP VIEW replaced",
    ];

    private static string[] Routines { get; } =
    [
        """
        CREATE PROCEDURE fill(IN how_many INT) MODIFIES SQL DATA COMMENT 'commits every hundred rows'
        BEGIN
          DECLARE i INT DEFAULT 0;
          SET autocommit = 0;
          WHILE i < how_many DO
            SET i = i + 1;
            INSERT INTO made_by_procedure VALUES (i, RAND());
            IF i % 100 = 0 THEN COMMIT; END IF;
          END WHILE;
          COMMIT;
          SET autocommit = 1;
        END
        """,
        """
        CREATE PROCEDURE with_cursor()
        BEGIN
          DECLARE done INT DEFAULT 0; DECLARE c VARCHAR(50); DECLARE cur CURSOR FOR SELECT customer FROM totals ORDER BY customer LIMIT 20;
          DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1;
          OPEN cur;
          walk: LOOP FETCH cur INTO c; IF done THEN LEAVE walk; END IF; UPDATE totals SET amount = amount + 1 WHERE customer = c; END LOOP;
          CLOSE cur;
        END
        """,
        "CREATE PROCEDURE out_values(IN a INT, INOUT b INT, OUT c VARCHAR(100) CHARSET latin1) SQL SECURITY INVOKER BEGIN SET b = a + b; SET c = CONCAT('größer ', b); END",
        "CREATE FUNCTION net(gross DECIMAL(12,2)) RETURNS DECIMAL(12,2) DETERMINISTIC RETURN gross / 1.19",
        """
        CREATE AGGREGATE FUNCTION product_of(x DOUBLE) RETURNS DOUBLE DETERMINISTIC
        BEGIN
          DECLARE p DOUBLE DEFAULT 1; DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN p;
          LOOP FETCH GROUP NEXT ROW; SET p = p * x; END LOOP;
        END
        """,
        "SET SESSION sql_mode='ORACLE'",
        "CREATE PACKAGE tools AS FUNCTION answer RETURN INT; PROCEDURE note(a INT); END",
        "CREATE PACKAGE BODY tools AS FUNCTION answer RETURN INT AS BEGIN RETURN 42; END; PROCEDURE note(a INT) AS BEGIN INSERT INTO audit (what, order_id) VALUES ('package', a); END; END",
        "SET SESSION sql_mode=DEFAULT",
        "CREATE FUNCTION dropped_later() RETURNS INT NO SQL RETURN 1",
        "DROP FUNCTION dropped_later",
        "ALTER PROCEDURE with_cursor COMMENT 'altered'",
    ];

    private static string[] Uses { get; } =
    [
        $"INSERT INTO orders (customer, amount) SELECT CONCAT('kunde ', seq), seq / 3 FROM {Numbers}",
        "INSERT INTO orders (customer, amount) VALUES ('kunde 1', 5), ('äsop', 500)",
        "UPDATE orders SET amount = amount * 2 WHERE id % 4 = 0",
        "DELETE FROM orders WHERE id % 40 = 0",
        "INSERT INTO big_orders (customer, amount) VALUES ('through the view', 1000)",
        "UPDATE big_orders SET amount = net(amount) WHERE id % 3 = 0 AND amount > 1000",
        $"CALL fill({Rows})",
        "CALL with_cursor()",
        "SET @b = 5",
        "CALL out_values(1, @b, @c)",
        "INSERT INTO totals VALUES (@c, @b, 0)",
        "SET SESSION sql_mode='ORACLE'",
        "CALL tools.note(tools.answer())",
        "SET SESSION sql_mode=DEFAULT",
        "UPDATE totals SET amount = (SELECT product_of(1.01) FROM seq_1_to_20) WHERE customer = 'kunde 7'",
        "PREPARE p FROM 'INSERT INTO audit (what, order_id) VALUES (?, ?)'",
        "SET @w = 'prepared', @n = 77",
        "EXECUTE p USING @w, @n",
        "EXECUTE IMMEDIATE 'INSERT INTO audit (what) VALUES (?)' USING 'immediate'",
        $"INSERT INTO made_by_event (v) SELECT seq FROM {Numbers}",
    ];

    private static string[] Events { get; } =
    [
        "CREATE EVENT every_hour ON SCHEDULE EVERY 1 HOUR STARTS '2035-01-01 00:00:00' ON COMPLETION PRESERVE ENABLE COMMENT 'später' DO INSERT INTO made_by_event (v) VALUES (1)",
        "CREATE EVENT at_once ON SCHEDULE AT '2036-01-01 00:00:00' DO BEGIN INSERT INTO made_by_event (v) VALUES (2); END",
        "CREATE EVENT disabled_one ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' DISABLE DO DELETE FROM made_by_event",
        "CREATE EVENT altered ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' DO DELETE FROM made_by_event",
        "ALTER EVENT altered ON SCHEDULE EVERY 2 DAY STARTS '2035-01-01 00:00:00' ON COMPLETION PRESERVE COMMENT 'changed' DO INSERT INTO made_by_event (v) VALUES (3)",
        "CREATE EVENT dropped_later ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' DO DELETE FROM made_by_event",
        "DROP EVENT dropped_later",
    ];
}
