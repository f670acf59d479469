using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>What an administrator does: ANALYZE, OPTIMIZE, REPAIR, CHECK and the FLUSH family are groups of their own in the binary log.</summary>
internal sealed class MaintenanceChapter : Chapter
{
    public override string Schema => "job_maintenance";

    public override IReadOnlyList<ExpectedObject> Expected => [Table("t"), Table("m")];

    public override Task WriteAsync(SqlServer leader) => RunAsync(leader,
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50))",
        "CREATE TABLE m (id INT PRIMARY KEY, v VARCHAR(50)) ENGINE=MyISAM",
        $"INSERT INTO t SELECT seq, MD5(seq) FROM {Numbers}",
        $"INSERT INTO m SELECT seq, MD5(seq) FROM {Numbers}",
        "ANALYZE TABLE t PERSISTENT FOR ALL",
        "OPTIMIZE TABLE t, m",
        "REPAIR TABLE m",
        "CHECK TABLE t, m EXTENDED",
        "FLUSH TABLES",
        "FLUSH LOCAL TABLES",
        "FLUSH STATUS",
        "FLUSH BINARY LOGS",
        "ANALYZE NO_WRITE_TO_BINLOG TABLE m",
        "INSERT INTO t VALUES (100001, 'in a new binary log file')");
}
