using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>MyISAM and Aria beside InnoDB, alone and mixed in one transaction (the MyISAM part goes into a group of its own, earlier).</summary>
internal sealed class EnginesChapter : Chapter
{
    public override string Schema => "job_engines";

    public override IReadOnlyList<ExpectedObject> Expected =>
        [Table("isam"), Table("aria_safe"), Table("aria_page"), Table("inno"), Table("inno_compressed"), Table("merged_1"), Table("converted")];

    public override async Task WriteAsync(SqlServer leader)
    {
        await RunAsync(leader,
            "CREATE TABLE isam (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100), n INT, FULLTEXT (v)) ENGINE=MyISAM",
            "CREATE TABLE aria_safe (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100), n INT) ENGINE=Aria TRANSACTIONAL=1",
            "CREATE TABLE aria_page (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100), n INT) ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=DYNAMIC PAGE_CHECKSUM=1",
            "CREATE TABLE inno (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100), n INT) ENGINE=InnoDB ROW_FORMAT=REDUNDANT",
            "CREATE TABLE inno_compressed (id INT PRIMARY KEY, v VARCHAR(500)) ENGINE=InnoDB PAGE_COMPRESSED=1",
            "CREATE TABLE merged_1 (id INT, v VARCHAR(20), KEY (id)) ENGINE=MyISAM ROW_FORMAT=FIXED",
            $"INSERT INTO isam (v, n) SELECT CONCAT('isam ', seq), seq FROM {Numbers}",
            $"INSERT INTO aria_safe (v, n) SELECT CONCAT('aria ', RAND()), seq FROM {Numbers}",
            $"INSERT INTO aria_page (v, n) SELECT CONCAT('page ', UUID()), seq FROM {Numbers}",
            $"INSERT INTO inno (v, n) SELECT CONCAT('inno ', seq), seq FROM {Numbers}",
            $"INSERT INTO inno_compressed SELECT seq, REPEAT(CONCAT('page ', seq), 20) FROM {Numbers}",
            $"INSERT INTO merged_1 SELECT seq, 'fixed' FROM {Numbers}",
            "UPDATE isam SET n = n + 1 WHERE id % 3 = 0",
            "DELETE FROM aria_safe WHERE id % 10 = 0",
            "INSERT INTO isam (id, v, n) VALUES (3, 'twice', 0) ON DUPLICATE KEY UPDATE v = CONCAT(v, ' touched')");
        await RunAsync(leader,
            "START TRANSACTION",
            "INSERT INTO inno (v, n) VALUES ('mixed, first InnoDB', 1)",
            "INSERT INTO isam (v, n) VALUES ('mixed, in the middle MyISAM', 2)",
            "INSERT INTO inno (v, n) VALUES ('mixed, then InnoDB', 3)",
            "COMMIT",
            "START TRANSACTION",
            "INSERT INTO aria_safe (v, n) VALUES ('stays, although the transaction is rolled back', 4)",
            "INSERT INTO inno (v, n) VALUES ('must be absent', 5)",
            "ROLLBACK",
            "CREATE TABLE converted (id INT PRIMARY KEY, v VARCHAR(50)) ENGINE=MyISAM",
            $"INSERT INTO converted SELECT seq, MD5(seq) FROM {Numbers}",
            "ALTER TABLE converted ENGINE=InnoDB",
            "UPDATE converted SET v = UPPER(v) WHERE id < 100");
    }
}
