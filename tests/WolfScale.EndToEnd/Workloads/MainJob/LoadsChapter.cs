using MySqlConnector;
using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>Rows that come in bulk: LOAD DATA LOCAL, CREATE TABLE … SELECT, INSERT … SELECT, statements over several tables, TRUNCATE.</summary>
internal sealed class LoadsChapter : Chapter
{
    public override string Schema => "job_loads";

    public override IReadOnlyList<ExpectedObject> Expected =>
        [Table("loaded"), Table("loaded_isam"), Table("copied"), Table("copied_again"), Table("like_it"), Table("upserted"), Table("emptied"), Table("renamed")];

    public override async Task WriteAsync(SqlServer leader)
    {
        await RunAsync(leader,
            "CREATE TABLE loaded (id INT PRIMARY KEY, name VARCHAR(100), amount DECIMAL(10,3), upper_name VARCHAR(100))",
            "CREATE TABLE loaded_isam (id INT, name VARCHAR(100)) ENGINE=MyISAM");
        await using (var loading = await leader.RootAsync(Schema))
        {
            await LoadLocalAsync(loading, "loaded", l =>
            {
                l.Columns.AddRange(["id", "name", "@a"]);
                l.Expressions.AddRange(["amount = @a / 3", "upper_name = UPPER(name)"]);
            });
            await LoadLocalAsync(loading, "loaded", l =>
            {
                l.Columns.AddRange(["id", "name", "amount"]);
                l.ConflictOption = MySqlBulkLoaderConflictOption.Replace;
            });
            await LoadLocalAsync(loading, "loaded_isam", l => l.Columns.AddRange(["id", "name", "@ignored"]));
        }
        await RunAsync(leader,
            "CREATE TABLE copied (KEY (id)) ENGINE=InnoDB SELECT id, name, amount * 2 AS doubled, NOW(6) AS made, UUID() AS u FROM loaded",
            "CREATE TABLE copied_again SELECT 1 AS one",
            "CREATE OR REPLACE TABLE copied_again (PRIMARY KEY (id)) AS SELECT id, CONCAT(name, ' 🐺') AS name FROM loaded WHERE id % 2 = 0 OR id < 1000",
            "CREATE TABLE like_it LIKE loaded",
            "INSERT INTO like_it SELECT * FROM loaded",
            "CREATE TABLE upserted (id INT PRIMARY KEY, n INT, v VARCHAR(50))",
            $"INSERT INTO upserted SELECT seq, 0, 'first' FROM {Numbers}",
            "INSERT INTO upserted SELECT seq * 2, 1, 'second' FROM seq_1_to_1200 ON DUPLICATE KEY UPDATE n = upserted.n + 1, v = CONCAT(upserted.v, ' ', RAND())",
            "INSERT IGNORE INTO upserted SELECT seq, 9, 'ignored' FROM seq_1_to_3000",
            "REPLACE INTO upserted VALUES (5, 5, 'replaced'), (100005, 5, 'new')",
            "UPDATE upserted u JOIN like_it l ON l.id = u.id SET u.n = u.n + 10, l.amount = l.amount + 1 WHERE u.id % 3 = 0",
            "DELETE u, l FROM upserted u JOIN like_it l ON l.id = u.id WHERE u.id % 100 = 0",
            "UPDATE upserted SET v = 'ordered' WHERE id > 10 ORDER BY id DESC LIMIT 7",
            "CREATE TABLE emptied LIKE upserted",
            "INSERT INTO emptied SELECT * FROM upserted",
            "TRUNCATE TABLE emptied",
            "INSERT INTO emptied SELECT * FROM upserted WHERE id < 1300",
            "CREATE TABLE old_name LIKE upserted",
            "INSERT INTO old_name SELECT * FROM upserted",
            "RENAME TABLE old_name TO in_between, in_between TO renamed",
            "CREATE TABLE dropped_later (id INT)",
            "DROP TABLE IF EXISTS dropped_later, never_there");
        await using var connection = await leader.RootAsync(Schema);
        var returned = await connection.RowsAsync("INSERT INTO renamed (id, n, v) VALUES (900001, 1, 'returned'), (900002, 2, 'returned') RETURNING id");
        Assert.Equal(2, returned.Count);
        Assert.Single(await connection.RowsAsync("DELETE FROM renamed WHERE id = 900002 RETURNING v"));
    }
}
