using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>Partitioned tables, and the statements that move whole partitions.</summary>
internal sealed class PartitionsChapter : Chapter
{
    public override string Schema => "job_partitions";

    public override IReadOnlyList<ExpectedObject> Expected => [Table("by_range", 900), Table("by_hash"), Table("by_list"), Table("swapped", 100)];

    public override Task WriteAsync(SqlServer leader) => RunAsync(leader,
        "CREATE TABLE by_range (id INT PRIMARY KEY, v VARCHAR(50)) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (100), PARTITION b VALUES LESS THAN (200), PARTITION c VALUES LESS THAN (1000), PARTITION z VALUES LESS THAN MAXVALUE)",
        "CREATE TABLE by_hash (id INT PRIMARY KEY, v VARCHAR(50)) PARTITION BY HASH (id) PARTITIONS 5",
        "CREATE TABLE by_list (id INT, k INT, PRIMARY KEY (id, k)) PARTITION BY LIST (k) (PARTITION even VALUES IN (0, 2), PARTITION odd VALUES IN (1, 3))",
        "CREATE TABLE swapped (id INT PRIMARY KEY, v VARCHAR(50))",
        $"INSERT INTO by_range SELECT seq, MD5(seq) FROM {Numbers}",
        $"INSERT INTO by_hash SELECT seq, MD5(seq) FROM {Numbers}",
        $"INSERT INTO by_list SELECT seq, seq % 4 FROM {Numbers}",
        "ALTER TABLE by_range EXCHANGE PARTITION b WITH TABLE swapped",
        "ALTER TABLE by_range DROP PARTITION a",
        "ALTER TABLE by_range REORGANIZE PARTITION c INTO (PARTITION c1 VALUES LESS THAN (500), PARTITION c2 VALUES LESS THAN (1000))",
        "ALTER TABLE by_hash COALESCE PARTITION 2",
        "ALTER TABLE by_list TRUNCATE PARTITION odd",
        "INSERT INTO by_list SELECT seq + 10000, 1 FROM seq_1_to_1200");
}
