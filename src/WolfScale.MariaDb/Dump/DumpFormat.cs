using System.Globalization;
using System.Text;

namespace WolfScale.MariaDb.Dump;

/// <summary>
/// A dump is a text of SQL statements that the <c>mariadb</c> client reads. Its last line says how long it is and what its SHA-256 is: a stream that breaks off, wherever,
/// does not end with that line, and one that lost or changed bytes does not fit it.
/// </summary>
internal static class DumpFormat
{
    /// <summary>Where the source's account tables are put first: they take effect all at once, at the end.</summary>
    public const string IncomingSchema = "wolfscale_incoming";

    /// <summary>There, in a copy of files: which copy it is.</summary>
    public const string TicketTable = "copy_of_files";

    public const string EndPrefix = "-- WolfScale dump ends: ";

    /// <summary>No end line is longer.</summary>
    public const int LongestEnd = 256;

    /// <summary>For statements that look at every table, or drop whole schemas.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <summary>
    /// What the tables of schema <c>mysql</c> hold that statements in the binary log have made: accounts, grants and roles, the events' times. What
    /// belongs to one server alone (positions, logs, statistics, plugins, loadable functions, CREATE SERVER, which is not logged) stays behind; routines and events come as statements.
    /// </summary>
    public static readonly string[] SystemTables =
    [
        "global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv", "roles_mapping", "event",
    ];

    /// <summary>Servers are also given these apart from one another: where the source has none, the receiver keeps its own.</summary>
    public static readonly string[] TimeZoneTables = ["time_zone", "time_zone_leap_second", "time_zone_name", "time_zone_transition", "time_zone_transition_type"];

    public static byte[] Header(string node, string position, long lsn) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"""
        -- WolfScale dump of {node}
        -- GTID position: {position}
        -- LSN: {lsn}
        -- Accounts and grants are put into the schema {IncomingSchema}. A dump without the last line, which counts its bytes, is not whole.

        """));

    /// <summary>The session that rows are loaded in, whatever the part before has left.</summary>
    public static ReadOnlySpan<byte> RowsSession =>
        "SET NAMES utf8mb4;\nSET SESSION time_zone='+00:00', sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', foreign_key_checks=0, unique_checks=0, check_constraint_checks=0;\n"u8;

    /// <summary>The last line, without what it may say besides, and without its line feed.</summary>
    public static string End(string prefix, long bytes, ReadOnlySpan<byte> hash) =>
        string.Create(CultureInfo.InvariantCulture, $"{prefix}{bytes} bytes, SHA-256 {Convert.ToHexString(hash)}");
}
