using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Preflight;

namespace WolfScale.MariaDb.Physical;

/// <summary>
/// Makes another server's files this one's, before they are put in place: by SQL, in a server that reads it from its standard input, listens to nobody and ends
/// (<c>mariadbd --bootstrap</c>, as <c>mariadb-install-db</c> does it).
/// </summary>
internal static class CopiedFiles
{
    /// <summary>WolfScale's own account, in whatever table it has a row.</summary>
    private static readonly string[] AccountTables = ["global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv"];

    /// <summary>What statements in the binary log do not make: each server's own.</summary>
    private static readonly string[] OwnTables = ["plugin", "func", "servers"];

    /// <summary>Files at the top that must not come along: the backup's own, and what would have the server follow whom the source followed.</summary>
    private static readonly string[] Foreign = ["xtrabackup_", "mariadb_backup_", "backup-my.cnf", "ib_buffer_pool", "master", "multi-master", "relay", "mysqld-relay", "mariadbd-relay"];

    /// <summary>Of the server's own files at the top that no server makes anew as it was.</summary>
    private static readonly string[] Kept = [".pem", ".key", ".crt", ".flag"];

    /// <summary>
    /// The statements, with this server's own rows in them; they hold a password's hash and are not written to a file. The position goes: should everything that is known of
    /// this migration be lost, the server holds data and no position, and nothing is fed to it. Events run where a node leads, and are told so there.
    /// </summary>
    /// <exception cref="DumpException">They cannot be read.</exception>
    public static async Task<string> OwnAsync(DatabaseOptions options, string ticket, CancellationToken cancellationToken)
    {
        var user = Sql.Text(options.User);
        return "USE mysql;\n"
            + string.Concat(AccountTables.Select(t => $"DELETE FROM {t} WHERE User = {user};\n")) + await DumpAsync(options, AccountTables, $"--where=User = {user}", cancellationToken)
            + string.Concat(OwnTables.Select(t => $"DELETE FROM {t};\n")) + await DumpAsync(options, OwnTables, "--where=1", cancellationToken)
            + "DELETE FROM gtid_slave_pos;\n"
            + "UPDATE event SET status = 'SLAVESIDE_DISABLED' WHERE status = 'ENABLED';\n"
            + $"DROP DATABASE IF EXISTS `{PrivilegeRules.OwnSchema}`;\n"
            + $"DROP DATABASE IF EXISTS `{DumpFormat.IncomingSchema}`;\n"
            + $"CREATE DATABASE `{DumpFormat.IncomingSchema}`;\n"
            + $"CREATE TABLE `{DumpFormat.IncomingSchema}`.`{DumpFormat.TicketTable}` (ticket VARCHAR(64) PRIMARY KEY) ENGINE=InnoDB;\n"
            + $"INSERT INTO `{DumpFormat.IncomingSchema}`.`{DumpFormat.TicketTable}` VALUES ({Sql.Text(ticket)});\n";
    }

    /// <summary>Runs them on the files, which <c>mariadb-backup --prepare</c> has made consistent.</summary>
    /// <exception cref="DumpException">A statement failed, or the files do not open.</exception>
    public static async Task ApplyAsync(string files, string temporary, string owner, string statements, CancellationToken cancellationToken) => _ = await SystemProgram.RunAsync(
        "mariadbd",
        "mariadb-server",
        [$"--defaults-file={Path.Combine(files, "backup-my.cnf")}", $"--user={owner}", "--bootstrap", $"--datadir={files}", $"--tmpdir={temporary}", "--skip-slave-start", "--table-open-cache=400", "--innodb-buffer-pool-dump-at-shutdown=OFF"],
        statements,
        cancellationToken);

    /// <summary>Takes out what is not the server's, and takes over what is.</summary>
    public static void Tidy(string files, string dataDirectory)
    {
        foreach (var file in Directory.EnumerateFiles(files).Where(f => Foreign.Any(p => Path.GetFileName(f).StartsWith(p, StringComparison.Ordinal))))
            File.Delete(file);
        foreach (var file in new DirectoryInfo(dataDirectory).EnumerateFiles().Where(f => f.LinkTarget is null && (Kept.Contains(f.Extension) || f.Name.EndsWith("_upgrade_info", StringComparison.Ordinal))))
            _ = file.CopyTo(Path.Combine(files, file.Name), overwrite: true);
    }

    private static Task<string> DumpAsync(DatabaseOptions options, IEnumerable<string> tables, string where, CancellationToken cancellationToken)
    {
        string[] at = options.Socket.Length > 0
            ? [$"--socket={options.Socket}"]
            : [$"--host={options.Host}", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"--port={options.Port}"), "--protocol=TCP"];
        return SystemProgram.RunAsync(
            "mariadb-dump",
            "mariadb-client",
            ["--no-defaults", $"--user={options.User}", .. at, "--skip-ssl-verify-server-cert", "--no-create-info", "--skip-triggers", "--skip-lock-tables", "--skip-add-locks", "--skip-disable-keys", "--skip-comments", "--complete-insert", where, "mysql", .. tables],
            "",
            cancellationToken,
            options.Password);
    }
}
