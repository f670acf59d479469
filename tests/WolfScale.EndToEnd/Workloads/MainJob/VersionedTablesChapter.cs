using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>System-versioned tables (the history must be the same too), application-time periods, and both at once.</summary>
internal sealed class VersionedTablesChapter : Chapter
{
    public override string Schema => "job_versioned";

    public override IReadOnlyList<ExpectedObject> Expected =>
        [Table("plain"), Table("columned"), Table("parted"), Table("periods"), Table("bitemporal"), Table("later_versioned")];

    public override Task WriteAsync(SqlServer leader) => RunAsync(leader,
        "CREATE TABLE plain (id INT PRIMARY KEY, v VARCHAR(50), unwatched INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING",
        """
        CREATE TABLE columned (id INT PRIMARY KEY, v VARCHAR(50), a TIMESTAMP(6) GENERATED ALWAYS AS ROW START INVISIBLE, z TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE,
          PERIOD FOR SYSTEM_TIME (a, z)) WITH SYSTEM VERSIONING
        """,
        "CREATE TABLE parted (id INT PRIMARY KEY, v VARCHAR(50)) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME (PARTITION old HISTORY, PARTITION now CURRENT)",
        "CREATE TABLE periods (id INT, v VARCHAR(50), s DATE, e DATE, PERIOD FOR valid (s, e), UNIQUE (id, valid WITHOUT OVERLAPS))",
        "CREATE TABLE bitemporal (id INT, v VARCHAR(50), s DATE, e DATE, PERIOD FOR valid (s, e), KEY (id)) WITH SYSTEM VERSIONING",
        "CREATE TABLE later_versioned (id INT PRIMARY KEY, v INT)",
        $"INSERT INTO plain SELECT seq, CONCAT('v', seq), 0 FROM {Numbers}",
        $"INSERT INTO columned SELECT seq, CONCAT('v', seq) FROM {Numbers}",
        $"INSERT INTO parted SELECT seq, CONCAT('v', seq) FROM {Numbers}",
        $"INSERT INTO periods SELECT seq, CONCAT('v', seq), '2026-01-01', '2026-12-31' FROM {Numbers}",
        $"INSERT INTO bitemporal SELECT seq, CONCAT('v', seq), '2026-01-01', '2026-12-31' FROM {Numbers}",
        $"INSERT INTO later_versioned SELECT seq, seq FROM {Numbers}",
        "UPDATE plain SET v = CONCAT(v, ' changed') WHERE id % 2 = 0",
        "UPDATE plain SET unwatched = 1",
        "DELETE FROM plain WHERE id % 20 = 0",
        "UPDATE columned SET v = 'changed' WHERE id % 2 = 0",
        "UPDATE columned SET v = 'changed again' WHERE id % 4 = 0",
        "DELETE FROM columned WHERE id % 20 = 0",
        "REPLACE INTO columned SELECT seq, 'replaced' FROM seq_1_to_10",
        "UPDATE parted SET v = 'moved to the history' WHERE id % 3 = 0",
        "DELETE FROM periods FOR PORTION OF valid FROM '2026-03-01' TO '2026-04-01' WHERE id % 3 = 0",
        "UPDATE periods FOR PORTION OF valid FROM '2026-06-01' TO '2026-07-01' SET v = 'summer' WHERE id % 5 = 0",
        "UPDATE bitemporal FOR PORTION OF valid FROM '2026-06-01' TO '2026-07-01' SET v = 'summer' WHERE id % 5 = 0",
        "DELETE FROM bitemporal WHERE id % 50 = 0",
        "ALTER TABLE later_versioned ADD SYSTEM VERSIONING",
        "UPDATE later_versioned SET v = -v WHERE id % 2 = 0",
        "SET SESSION system_versioning_insert_history = 1",
        "INSERT INTO columned (id, v, a, z) VALUES (1000000, 'from the past', '2020-01-01 00:00:00.123456', '2021-01-01')",
        "DELETE HISTORY FROM plain BEFORE SYSTEM_TIME '2000-01-01'");
}
