using System.Globalization;
using MySqlConnector;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Physical;

/// <summary>What data files are bound to: a server that differs in any of it does not open another's, or misreads them.</summary>
/// <param name="Version"><c>@@version</c>; major and minor count.</param>
/// <param name="Settings">Names and values, <c>name=value</c> joined by semicolons, as they travel in a header.</param>
/// <param name="DataDirectory">The server's, with links resolved.</param>
internal sealed record DataFileFacts(string Version, string Settings, string DataDirectory)
{
    private static readonly string[] Bound = ["innodb_page_size", "lower_case_table_names", "innodb_data_file_path", "innodb_undo_tablespaces"];

    /// <summary>Folders that must be in the data directory, because it is replaced as a whole.</summary>
    private static readonly string[] Places = ["innodb_data_home_dir", "innodb_log_group_home_dir", "innodb_undo_directory", "aria_log_dir_path"];

    /// <exception cref="DumpException">The server's files cannot be copied or replaced as files.</exception>
    public static async Task<DataFileFacts> ReadAsync(AdminConnection server)
    {
        var names = string.Join(", ", Bound.Concat(Places).Append("datadir").Append("version").Append("log_bin_basename").Select(Sql.Text));
        var values = (await server.QueryAsync($"SELECT LOWER(VARIABLE_NAME) AS name, VARIABLE_VALUE AS value FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME IN ({names})"))
            .ToDictionary(r => r["name"], r => r["value"], StringComparer.Ordinal);
        var given = values["datadir"].TrimEnd('/');
        foreach (var place in Places)
        {
            if (values.GetValueOrDefault(place) is { Length: > 0 } folder && Path.GetFullPath(folder, given).TrimEnd('/') != given)
                throw new DumpException($"The server keeps files outside of its data directory {given} ({place} = {folder}), which a physical copy does not handle: copy without --physical.");
        }

        if (await server.ScalarAsync("SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_TYPE = 'ENCRYPTION' AND PLUGIN_STATUS = 'ACTIVE' LIMIT 1") is not null)
            throw new DumpException("The server encrypts its files, which a physical copy does not handle: copy without --physical.");
        return new DataFileFacts(values["version"], string.Join(';', Bound.Select(b => $"{b}={values.GetValueOrDefault(b, "")}")), Resolve(given));
    }

    /// <summary>Looks whether files of this server may be put into that one.</summary>
    /// <param name="source">For messages.</param>
    /// <param name="version">The source's.</param>
    /// <param name="settings">The source's.</param>
    /// <exception cref="DumpException">They may not.</exception>
    public void CheckFits(string source, string version, string settings)
    {
        var (mine, theirs) = (MariaDbVersion.Parse(Version).Number, MariaDbVersion.Parse(version).Number);
        if ((mine.Major, mine.Minor) != (theirs.Major, theirs.Minor))
            throw new DumpException($"{source} runs MariaDB {version} and this server {Version}: data files fit servers of one major and minor version only. Copy without --physical, or install the same version.");
        if (settings == Settings)
            return;
        var differing = settings.Split(';').Except(Settings.Split(';'));
        throw new DumpException($"The data files of {source} do not fit this server: {string.Join(", ", differing)} there, and here {string.Join(", ", Settings.Split(';').Except(settings.Split(';')))}. Set the same in this server's configuration, or copy without --physical.");
    }

    /// <summary>Bytes of the files that a copy consists of, about: without binlogs, redo log and temporary tables.</summary>
    /// <exception cref="DumpException">This process may not read them, or they are spread over other places.</exception>
    public static long Estimate(string dataDirectory)
    {
        try
        {
            using (File.OpenRead(Path.Combine(dataDirectory, "ibdata1")))
            {
                // It can be read.
            }

            long bytes = 0;
            foreach (var schema in new DirectoryInfo(dataDirectory).EnumerateDirectories())
            {
                foreach (var file in schema.EnumerateFiles())
                {
                    if (file.LinkTarget is not null || file.Extension == ".isl")
                        throw new DumpException($"{file.FullName} leads out of the data directory (a table with DATA DIRECTORY), which a physical copy does not handle: copy without --physical.");
                    bytes += file.Length;
                }
            }

            return bytes + new DirectoryInfo(dataDirectory).EnumerateFiles().Where(f => f.Name.StartsWith("ibdata", StringComparison.Ordinal) || f.Name.StartsWith("undo", StringComparison.Ordinal)).Sum(f => f.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DumpException(
                $"mariadb-backup reads MariaDB's own files, and this node's process (user {Environment.UserName}) cannot read {dataDirectory}: {e.Message} Run the node as the user that MariaDB runs as "
                + "(systemctl edit wolfscale: [Service] User=mysql, and its own files given to that user), on MariaDB's machine; or copy without --physical.", e);
        }
    }

    /// <summary>A table whose rows are not in files that a backup holds; null where there is none.</summary>
    /// <exception cref="MySqlException">The server does not answer.</exception>
    public static async Task<string?> UncopiedTableAsync(AdminConnection server) => await server.ScalarAsync(
        "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, ' (', ENGINE, ')') FROM information_schema.TABLES WHERE ENGINE IS NOT NULL AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') "
        + $"AND UPPER(ENGINE) NOT IN ('INNODB', 'ARIA', 'MYISAM', 'CSV', 'ARCHIVE', 'MRG_MYISAM', 'BLACKHOLE') AND {UserSchemas.Are("TABLE_SCHEMA")} LIMIT 1",
        Dump.DumpFormat.Longest);

    private static string Resolve(string path) => new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName.TrimEnd('/') ?? path;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"MariaDB {Version} in {DataDirectory}");
}
