using MySqlConnector;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>ALTER TABLE of every kind (instant, in place, copying, renaming) while several sessions go on writing to the table.</summary>
internal sealed class AlterUnderLoadChapter : Chapter
{
    private const int Writers = 4;

    public override string Schema => "job_alter";

    public override IReadOnlyList<ExpectedObject> Expected => [Table("busy"), Table("shadowed")];

    public override async Task WriteAsync(SqlServer leader)
    {
        await RunAsync(leader,
            "CREATE TABLE busy (id INT PRIMARY KEY AUTO_INCREMENT, session INT, v VARCHAR(100), n INT)",
            "CREATE TABLE shadowed (id INT PRIMARY KEY AUTO_INCREMENT, session INT, v VARCHAR(100), n INT)",
            $"INSERT INTO busy (session, v, n) SELECT -1, MD5(seq), seq FROM {Numbers}",
            $"INSERT INTO shadowed (session, v, n) SELECT -1, MD5(seq), seq FROM {Numbers}");
        using var done = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Writers).Select(session => WriteUntilAsync(leader, session, done.Token)).ToList();
        try
        {
            await RunAsync(leader,
                "ALTER TABLE busy ADD COLUMN instant_one INT DEFAULT 5, ALGORITHM=INSTANT",
                "ALTER TABLE busy ADD INDEX by_n (n), ALGORITHM=INPLACE, LOCK=NONE",
                "ALTER TABLE busy MODIFY v VARCHAR(300) NOT NULL, ADD FULLTEXT (v)",
                "ALTER TABLE busy ADD COLUMN doubled INT AS (n * 2) STORED, ALGORITHM=COPY",
                "ALTER TABLE busy CONVERT TO CHARACTER SET latin1",
                "ALTER TABLE busy RENAME COLUMN instant_one TO renamed_one, ALTER COLUMN n SET DEFAULT 9",
                "ALTER TABLE busy DROP COLUMN renamed_one, DROP INDEX by_n, ENGINE=InnoDB ROW_FORMAT=DYNAMIC",
                "CREATE INDEX again ON busy (session, n)",
                "ALTER TABLE busy MODIFY n BIGINT FIRST",
                "CREATE TABLE shadow LIKE shadowed",
                "ALTER TABLE shadow ADD COLUMN added VARCHAR(20) DEFAULT 'new'",
                "INSERT INTO shadow (id, session, v, n) SELECT id, session, v, n FROM shadowed",
                "RENAME TABLE shadowed TO old_one, shadow TO shadowed",
                "DROP TABLE old_one");
        }
        finally
        {
            await done.CancelAsync();
        }
        Assert.All(await Task.WhenAll(writers), written => Assert.True(written > 0, "a writer got nothing in during the ALTERs"));
    }

    private async Task<int> WriteUntilAsync(SqlServer leader, int session, CancellationToken done)
    {
        await using var connection = await leader.RootAsync(Schema);
        var written = 0;
        while (!done.IsCancellationRequested)
        {
            try
            {
                await connection.RunAsync($"INSERT INTO busy (session, v, n) VALUES ({session}, UUID(), {written})");
                await connection.RunAsync($"UPDATE busy SET v = CONCAT('touched ', RAND()) WHERE session = {session} AND n = {written - 3}");
                await connection.RunAsync($"INSERT INTO shadowed (session, v, n) VALUES ({session}, UUID(), {written})");
                written++;
            }
            catch (MySqlException e) when (e.ErrorCode is MySqlErrorCode.TableDefinitionChanged or MySqlErrorCode.LockDeadlock or MySqlErrorCode.LockWaitTimeout)
            {
                // What an application retries while its table changes under it.
            }
        }
        return written;
    }
}
