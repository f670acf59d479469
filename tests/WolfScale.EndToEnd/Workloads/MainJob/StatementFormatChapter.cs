using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>
/// Sessions that log statements or a mixture: INTVAR, RAND, USER_VAR and EXECUTE_LOAD events, and session settings that travel in QUERY events.
/// </summary>
internal sealed class StatementFormatChapter : Chapter
{
    public override string Schema => "job_statements";

    public override IReadOnlyList<ExpectedObject> Expected => [Table("by_statement"), Table("mixed"), Table("loaded")];

    public override async Task WriteAsync(SqlServer leader)
    {
        await RunAsync(leader,
            "SET SESSION binlog_format = 'STATEMENT'",
            "CREATE TABLE by_statement (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100), r DOUBLE, d DATETIME(6), u VARCHAR(100))",
            $"INSERT INTO by_statement (v) SELECT seq FROM {Numbers} ORDER BY seq",
            "UPDATE by_statement SET r = RAND() WHERE id = 17",
            "SET @name = _utf8mb4'Wölfin 🐺', @number = 12.34567890123456789, @nothing = NULL",
            "UPDATE by_statement SET v = @name, r = @number, u = @nothing WHERE id = 18",
            "INSERT INTO by_statement (v) VALUES (LAST_INSERT_ID())",
            "SET SESSION time_zone = '-03:30', timestamp = 1700000000.123456, sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT', lc_time_names = 'de_DE'",
            "UPDATE by_statement SET d = NOW(6), v = 'a' || 'b' || DATE_FORMAT(NOW(), '%M') WHERE \"id\" = 19",
            "SET SESSION time_zone = DEFAULT, timestamp = DEFAULT, sql_mode = DEFAULT",
            "SET SESSION insert_id = 50001",
            "INSERT INTO by_statement (v) VALUES ('chosen id')",
            "START TRANSACTION", "INSERT INTO by_statement (v) VALUES ('one')", "UPDATE by_statement SET v = CONCAT(v, '!') WHERE id < 100", "COMMIT",
            "SET SESSION binlog_format = 'MIXED'",
            "CREATE TABLE mixed (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100))",
            $"INSERT INTO mixed (v) SELECT UUID() FROM {Numbers}",
            "UPDATE mixed SET v = 'statement' WHERE id % 2 = 0",
            "UPDATE mixed SET v = UUID() WHERE id % 3 = 0",
            "SET SESSION binlog_format = 'STATEMENT'",
            "CREATE TABLE loaded (id INT PRIMARY KEY, v VARCHAR(50))");
        await using var connection = await leader.RootAsync(Schema);
        await connection.RunAsync("SET SESSION binlog_format = 'STATEMENT'");
        await LoadLocalAsync(connection, "loaded", l => l.Columns.AddRange(["id", "v", "@ignored"]));
    }
}
