using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>Savepoints, rollbacks, temporary tables, a transaction larger than one log entry and one larger than one packet, locks, many small commits at once.</summary>
internal sealed class TransactionsChapter : Chapter
{
    private const int Sessions = 8;

    public override string Schema => "job_transactions";

    public override IReadOnlyList<ExpectedObject> Expected => [Table("t"), Table("large", 40), Table("parallel"), Table("locked")];

    public override async Task WriteAsync(SqlServer leader)
    {
        await RunAsync(leader,
            "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100))",
            $"INSERT INTO t (v) SELECT 'base' FROM {Numbers}",
            "START TRANSACTION", "INSERT INTO t (v) VALUES ('kept')", "SAVEPOINT a", "INSERT INTO t (v) VALUES ('undone')", "ROLLBACK TO a", "INSERT INTO t (v) VALUES ('kept too')",
            "SAVEPOINT b", "RELEASE SAVEPOINT b", "COMMIT",
            "START TRANSACTION", "DELETE FROM t", "ROLLBACK",
            "SET autocommit = 0", "INSERT INTO t (v) VALUES ('committed by DDL')", "CREATE TABLE by_ddl (id INT)", "DROP TABLE by_ddl", "SET autocommit = 1",
            "CREATE TEMPORARY TABLE scratch (id INT PRIMARY KEY, v VARCHAR(100))", "INSERT INTO scratch SELECT seq, UUID() FROM seq_1_to_50",
            "INSERT INTO t (v) SELECT v FROM scratch", "DROP TEMPORARY TABLE scratch",
            "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", "START TRANSACTION", "UPDATE t SET v = 'serial' WHERE id = 3", "COMMIT",
            "CREATE TABLE locked (id INT PRIMARY KEY, v INT)", $"INSERT INTO locked SELECT seq, seq FROM {Numbers}", "LOCK TABLES locked WRITE", "UPDATE locked SET v = v + 1", "UNLOCK TABLES",
            "CREATE TABLE large (id INT PRIMARY KEY, v LONGBLOB)");
        // 40 MB in one transaction, with one row above the 16 MiB at which the protocol splits packets.
        await RunAsync(leader,
            "START TRANSACTION",
            "INSERT INTO large SELECT seq, REPEAT(CHAR(64 + seq), 500000) FROM seq_1_to_40",
            "SET @room = @@global.max_allowed_packet",
            "INSERT INTO large VALUES (100, REPEAT('w', LEAST(@room - 1024, 20 * 1024 * 1024)))",
            "COMMIT",
            "UPDATE large SET v = CONCAT(v, 'x') WHERE id < 5",
            "DELETE FROM large WHERE id = 40",
            "INSERT INTO large VALUES (40, RANDOM_BYTES(1000))");
        await RunAsync(leader, "CREATE TABLE parallel (id INT PRIMARY KEY AUTO_INCREMENT, session INT, n INT, KEY (session, n))");
        await Task.WhenAll(Enumerable.Range(0, Sessions).Select(async session =>
        {
            await using var connection = await leader.RootAsync(Schema);
            for (var n = 0; n < Rows / Sessions; n++)
                await connection.RunAsync($"INSERT INTO parallel (session, n) VALUES ({session}, {n})");
        }));
    }
}
