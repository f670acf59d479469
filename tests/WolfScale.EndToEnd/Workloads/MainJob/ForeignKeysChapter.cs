using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>Cascades happen inside the engine and are not in the binary log: each server carries them out by itself.</summary>
internal sealed class ForeignKeysChapter : Chapter
{
    public override string Schema => "job_keys";

    public override IReadOnlyList<ExpectedObject> Expected =>
        [Table("parent"), Table("child"), Table("grandchild"), Table("loose"), Table("tree"), Table("restricted")];

    public override Task WriteAsync(SqlServer leader) => RunAsync(leader,
        "CREATE TABLE parent (id INT PRIMARY KEY, name VARCHAR(50) UNIQUE)",
        "CREATE TABLE child (id INT PRIMARY KEY, parent_id INT, FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE)",
        "CREATE TABLE grandchild (id INT PRIMARY KEY, child_id INT, FOREIGN KEY (child_id) REFERENCES child (id) ON DELETE CASCADE ON UPDATE CASCADE)",
        "CREATE TABLE loose (id INT PRIMARY KEY, parent_name VARCHAR(50), FOREIGN KEY (parent_name) REFERENCES parent (name) ON DELETE SET NULL ON UPDATE CASCADE)",
        "CREATE TABLE tree (id INT PRIMARY KEY, above INT, FOREIGN KEY (above) REFERENCES tree (id) ON DELETE CASCADE)",
        "CREATE TABLE restricted (id INT PRIMARY KEY, parent_id INT NOT NULL, CONSTRAINT no_orphans FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE RESTRICT)",
        $"INSERT INTO parent SELECT seq, CONCAT('parent ', seq) FROM {Numbers}",
        $"INSERT INTO child SELECT seq, seq FROM {Numbers}",
        $"INSERT INTO grandchild SELECT seq, seq FROM {Numbers}",
        $"INSERT INTO loose SELECT seq, CONCAT('parent ', seq) FROM {Numbers}",
        $"INSERT INTO tree SELECT seq, IF(seq < 10, NULL, seq DIV 10) FROM {Numbers} ORDER BY seq",
        $"INSERT INTO restricted SELECT seq, 1 FROM {Numbers}",
        "DELETE FROM parent WHERE id BETWEEN 100 AND 150",
        "UPDATE parent SET id = id + 100000 WHERE id BETWEEN 200 AND 250",
        "UPDATE parent SET name = CONCAT('renamed ', id) WHERE id > 100000",
        "DELETE FROM tree WHERE id = 9",
        "SET foreign_key_checks = 0",
        "INSERT INTO child VALUES (900001, 900001)",
        "SET foreign_key_checks = 1",
        "REPLACE INTO parent VALUES (300, 'replaced, so its children are gone')");
}
