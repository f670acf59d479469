using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>Sequences: cached, uncached, cycling, set by hand, as a column's default. <c>nextval</c> is logged once per cache.</summary>
internal sealed class SequencesChapter : Chapter
{
    public override string Schema => "job_sequences";

    public override IReadOnlyList<ExpectedObject> Expected =>
        [Object("sequence", "plain"), Object("sequence", "uncached"), Object("sequence", "cycling"), Object("sequence", "downward"), Table("numbered"), Table("by_hand")];

    public override Task WriteAsync(SqlServer leader) => RunAsync(leader,
        "CREATE SEQUENCE plain",
        "CREATE SEQUENCE uncached START WITH 100 INCREMENT BY 10 NOCACHE",
        "CREATE SEQUENCE cycling START WITH 1 MINVALUE 1 MAXVALUE 500 CACHE 20 CYCLE",
        "CREATE SEQUENCE downward START WITH -1 INCREMENT BY -3 MINVALUE -9000000 MAXVALUE -1 CACHE 7",
        "CREATE SEQUENCE dropped_later",
        "CREATE TABLE numbered (id BIGINT PRIMARY KEY DEFAULT NEXTVAL(plain), c INT DEFAULT (NEXTVAL(cycling)), v INT)",
        "CREATE TABLE by_hand (id BIGINT PRIMARY KEY, d BIGINT)",
        $"INSERT INTO numbered (v) SELECT seq FROM {Numbers}",
        $"INSERT INTO by_hand SELECT NEXTVAL(uncached), NEXT VALUE FOR downward FROM {Numbers}",
        "SELECT SETVAL(plain, 50000)",
        "SELECT NEXTVAL(plain)",
        "INSERT INTO numbered (v) VALUES (1)",
        "ALTER SEQUENCE uncached RESTART 1000000",
        "SELECT NEXTVAL(uncached)",
        "ALTER SEQUENCE cycling MAXVALUE 600",
        "DROP SEQUENCE dropped_later");
}
