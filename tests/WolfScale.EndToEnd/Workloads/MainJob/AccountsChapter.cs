using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Workloads.MainJob;

/// <summary>Users, roles and grants of every level, changed and taken back again.</summary>
internal sealed class AccountsChapter : Chapter
{
    public override string Schema => "job_accounts";

    public override IReadOnlyList<ExpectedObject> Expected =>
    [
        Table("granted"), Object("procedure", "callable"),
        new("user", "job_reader@%"), new("user", "job_writer@127.0.0.1"), new("user", "job_locked@localhost"), new("user", "job_renamed@%"), new("user", "job_ssl@%"),
        new("user", "job_wölfin@%"), new("role", "job_analyst"), new("role", "job_chief"), new("role", "job_lent"),
    ];

    public override Task WriteAsync(SqlServer leader) => RunAsync(leader,
        "CREATE TABLE granted (id INT PRIMARY KEY, open_part VARCHAR(50), secret_part VARCHAR(50))",
        $"INSERT INTO granted SELECT seq, MD5(seq), SHA1(seq) FROM {Numbers}",
        "CREATE PROCEDURE callable() SELECT 1",
        "CREATE USER job_reader@'%' IDENTIFIED BY 'reads'",
        "CREATE USER job_writer@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING PASSWORD('writes') WITH MAX_QUERIES_PER_HOUR 1000 MAX_USER_CONNECTIONS 5",
        "CREATE USER job_locked@localhost IDENTIFIED BY 'locked' ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 90 DAY",
        "CREATE USER job_ssl@'%' IDENTIFIED BY 'ssl' REQUIRE SUBJECT '/CN=wolf' AND ISSUER '/CN=moon'",
        "CREATE USER job_old@'%' IDENTIFIED BY 'old'",
        "CREATE USER job_gone@'%'",
        "CREATE USER `job_wölfin`@'%' IDENTIFIED BY 'größe🐺'",
        "CREATE ROLE job_analyst, job_dropped",
        "CREATE ROLE job_chief",
        "CREATE ROLE job_lent WITH ADMIN job_reader@'%'",
        "GRANT SELECT ON job_accounts.* TO job_reader@'%'",
        "GRANT SELECT (id, open_part), UPDATE (open_part) ON job_accounts.granted TO job_writer@'127.0.0.1' WITH GRANT OPTION",
        "GRANT INSERT, DELETE ON job_accounts.granted TO job_analyst",
        "GRANT EXECUTE ON PROCEDURE job_accounts.callable TO job_chief",
        "GRANT job_analyst TO job_chief",
        "GRANT job_chief TO `job_wölfin`@'%' WITH ADMIN OPTION",
        "GRANT job_dropped TO job_locked@localhost",
        "SET DEFAULT ROLE job_chief FOR `job_wölfin`@'%'",
        "GRANT PROCESS, RELOAD, REPLICATION CLIENT ON *.* TO job_ssl@'%'",
        "GRANT SELECT ON *.* TO PUBLIC",
        "REVOKE SELECT ON *.* FROM PUBLIC",
        "REVOKE DELETE ON job_accounts.granted FROM job_analyst",
        "GRANT PROXY ON job_reader@'%' TO job_writer@'127.0.0.1'",
        "SET PASSWORD FOR job_reader@'%' = PASSWORD('reads better')",
        "ALTER USER job_ssl@'%' WITH MAX_UPDATES_PER_HOUR 7",
        "RENAME USER job_old@'%' TO job_renamed@'%'",
        "DROP USER job_gone@'%'",
        "DROP ROLE job_dropped",
        "FLUSH PRIVILEGES");
}
