using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Native;

namespace WolfScale.EndToEnd;

/// <summary>The comparer can fail: each kind of difference, made on the replica alone, is found and named; taken back, nothing is left.</summary>
public sealed class ComparerTests(ComparerTests.Pair pair) : IClassFixture<ComparerTests.Pair>
{
    private static readonly ExpectedObject[] Expected =
    [
        new("schema", "s"), new("table", "s.t", 1000), new("table", "s.g", 1), new("table", "s.versioned", 1), new("view", "s.v"), new("trigger", "s.tr"), new("procedure", "s.p"),
        new("function", "s.f"), new("event", "s.e"), new("sequence", "s.seq"), new("user", "u@%"), new("role", "r"),
    ];

    [Theory]
    [InlineData("UPDATE s.t SET v = 'other' WHERE id = 500", "table s.t / content differs", "UPDATE s.t SET v = MD5(500) WHERE id = 500")]
    [InlineData("DELETE FROM s.t WHERE id = 500", "table s.t / rows differs", "INSERT INTO s.t (id, v) VALUES (500, MD5(500))")]
    [InlineData("UPDATE s.t SET hidden = 1 WHERE id = 3", "only on replica: id=3", "UPDATE s.t SET hidden = 0 WHERE id = 3")]
    [InlineData("UPDATE s.t SET f = 1.0000001 WHERE id = 3", "table s.t / checksum differs", "UPDATE s.t SET f = 1 WHERE id = 3")]
    [InlineData("UPDATE s.g SET a = NULL", "table s.g / content differs", "UPDATE s.g SET a = 7")]
    [InlineData("SET system_versioning_insert_history = 1; INSERT INTO s.versioned (id, row_start, row_end) VALUES (2, '2020-01-01', '2020-01-02')", "table s.versioned / content differs", "DELETE HISTORY FROM s.versioned")]
    [InlineData("ALTER TABLE s.t ALTER COLUMN v SET DEFAULT 'x'", "table s.t differs", "ALTER TABLE s.t ALTER COLUMN v DROP DEFAULT")]
    [InlineData("CREATE TABLE s.extra (id INT)", "table s.extra differs", "DROP TABLE s.extra")]
    [InlineData("CREATE DATABASE extra", "schema extra differs", "DROP DATABASE extra")]
    [InlineData("CREATE OR REPLACE VIEW s.v AS SELECT 2 AS one", "view s.v differs", "CREATE OR REPLACE VIEW s.v AS SELECT 1 AS one")]
    [InlineData("CREATE OR REPLACE TRIGGER s.tr BEFORE INSERT ON s.t FOR EACH ROW SET NEW.v = 'b'", "trigger s.tr differs", "CREATE OR REPLACE TRIGGER s.tr BEFORE INSERT ON s.t FOR EACH ROW SET NEW.v = COALESCE(NEW.v, 'a')")]
    [InlineData("CREATE OR REPLACE PROCEDURE s.p() SELECT 2", "procedure s.p differs", "CREATE OR REPLACE PROCEDURE s.p() SELECT 1")]
    [InlineData("DROP FUNCTION s.f", "replica lacks the function s.f", "CREATE FUNCTION s.f() RETURNS INT DETERMINISTIC RETURN 1")]
    [InlineData("ALTER EVENT s.e DO SELECT 2", "event s.e differs", "ALTER EVENT s.e DO SELECT 1")]
    [InlineData("SELECT NEXTVAL(s.seq)", "sequence s.seq / state differs", "ALTER SEQUENCE s.seq RESTART 1")]
    [InlineData("ALTER USER u@'%' IDENTIFIED BY 'other'", "user u@% differs", "ALTER USER u@'%' IDENTIFIED BY 'u'")]
    [InlineData("GRANT INSERT ON s.* TO u@'%'", "user u@% / grants differs", "REVOKE INSERT ON s.* FROM u@'%'")]
    [InlineData("GRANT r TO u@'%'", "role mappings differs", "REVOKE r FROM u@'%'")]
    [InlineData("CREATE USER extra@'%'", "user extra@% differs", "DROP USER extra@'%'")]
    [InlineData("DROP TABLE s.t", "replica lacks the table s.t with at least 1000 rows", null)]
    public async Task Finds(string change, string found, string? takenBack)
    {
        var comparer = new Comparer(pair.Servers);
        Assert.Empty(await comparer.CompareAsync(Expected));

        await pair.Replica.RunAsync(["SET sql_log_bin = 0", .. change.Split("; ")]);
        var differences = await comparer.CompareAsync(Expected);
        await pair.Replica.RunAsync(["SET sql_log_bin = 0", .. takenBack is null ? Pair.Table : [takenBack]]);

        Assert.Contains(differences, d => d.Contains(found, StringComparison.Ordinal));
        Assert.Empty(await comparer.CompareAsync(Expected));
    }

    [Fact]
    public async Task Overlooks_only_the_counters_and_the_state_of_events()
    {
        await pair.Replica.RunAsync("SET sql_log_bin = 0", "ALTER TABLE s.t AUTO_INCREMENT = 900000", "ALTER EVENT s.e DISABLE");

        Assert.Empty(await new Comparer(pair.Servers).CompareAsync(Expected));
    }

    /// <summary>A pair with one object of each kind.</summary>
    public sealed class Pair : IAsyncLifetime
    {
        private readonly NativePair _pair = new();

        internal static string[] Table { get; } =
        [
            "CREATE TABLE s.t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40), hidden INT INVISIBLE DEFAULT 0, f FLOAT DEFAULT 1)",
            "INSERT INTO s.t (id, v) SELECT seq, MD5(seq) FROM s.seq_1_to_1000",
            "CREATE TRIGGER s.tr BEFORE INSERT ON s.t FOR EACH ROW SET NEW.v = COALESCE(NEW.v, 'a')",
        ];

        internal IReadOnlyList<Harness.SqlServer> Servers => _pair.Servers;

        internal Harness.SqlServer Replica => _pair.Replica;

        public async ValueTask InitializeAsync()
        {
            await _pair.InitializeAsync();
            await _pair.Primary.RunAsync(
            [
                "CREATE DATABASE s", .. Table,
                "CREATE TABLE s.g (id INT PRIMARY KEY, a INT, b INT AS (a * 2) STORED)", "INSERT INTO s.g (id, a) VALUES (1, 7)",
                "CREATE TABLE s.versioned (id INT PRIMARY KEY) WITH SYSTEM VERSIONING", "INSERT INTO s.versioned VALUES (1)",
                "CREATE VIEW s.v AS SELECT 1 AS one", "CREATE PROCEDURE s.p() SELECT 1", "CREATE FUNCTION s.f() RETURNS INT DETERMINISTIC RETURN 1",
                "CREATE EVENT s.e ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' DO SELECT 1", "CREATE SEQUENCE s.seq NOCACHE",
                "CREATE USER u@'%' IDENTIFIED BY 'u'", "GRANT SELECT ON s.* TO u@'%'", "CREATE ROLE r",
            ]);
            await new Comparer(Servers).AwaitSamePositionAsync(TimeSpan.FromSeconds(20));
        }

        public ValueTask DisposeAsync() => _pair.DisposeAsync();
    }
}
