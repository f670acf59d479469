using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>Names that trip over quoting: spaces, backticks, quotes, keywords, other scripts; and comments with all of them.</summary>
internal sealed class NamesChapter : Chapter
{
    public override string Schema => "job_wölfe & Co";

    public override IReadOnlyList<ExpectedObject> Expected => [Table("select"), Table("back`tick"), Table("it's 狼"), Table("UPPER")];

    public override Task WriteAsync(SqlServer leader) => RunAsync(leader,
        "CREATE TABLE `select` (`from` INT PRIMARY KEY COMMENT 'it''s; a \"comment\" /* with */ -- everything\\n🐺', `größe` VARCHAR(50) DEFAULT 'it''s') COMMENT='; DROP TABLE x; --'",
        $"INSERT INTO `select` (`from`) SELECT seq FROM {Numbers}",
        "CREATE TABLE `back``tick` (`a``b` INT PRIMARY KEY)",
        $"INSERT INTO `back``tick` SELECT seq FROM {Numbers}",
        "CREATE TABLE `it's 狼` (`sp ace` INT, `semi;colon` VARCHAR(50))",
        $"INSERT INTO `it's 狼` SELECT seq, 'v' FROM {Numbers}",
        "CREATE TABLE `UPPER` (id INT PRIMARY KEY)",
        $"INSERT INTO `UPPER` SELECT seq FROM {Numbers}",
        "SET SESSION sql_mode = 'ANSI_QUOTES'",
        "INSERT INTO \"select\" (\"from\", \"größe\") VALUES (100001, 'ANSI''s \\' /* ')",
        "ALTER DATABASE COMMENT = 'Höhle'");
}
