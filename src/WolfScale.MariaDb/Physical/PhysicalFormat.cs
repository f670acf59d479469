using System.Globalization;
using WolfScale.Protocol;

namespace WolfScale.MariaDb.Physical;

/// <summary>
/// A physical copy is what <c>mariadb-backup --stream=mbstream</c> writes, and one line behind it. The line says how long the stream is, its SHA-256, and where the copy stands: on
/// a leader that is known only when the last byte has been read.
/// </summary>
internal static class PhysicalFormat
{
    public const string EndPrefix = "-- WolfScale physical copy ends: ";

    /// <summary>A GTID position of many domains is long.</summary>
    public const int LongestEnd = 4096;

    /// <summary>What <c>mariadb-backup</c> says before the position, in its log, and the name of the file that it leaves in the copy (until 10.11, and from 11.0).</summary>
    public const string SaysPosition = "GTID of the last change '";

    public static readonly string[] PositionFiles = ["xtrabackup_binlog_info", "mariadb_backup_binlog_info"];

    public static string Standing(long lsn, string position) => string.Create(CultureInfo.InvariantCulture, $", LSN {lsn}, GTID position {position}");

    /// <exception cref="DumpException">It is not what a source writes.</exception>
    public static (long Lsn, string Position) Read(string standing)
    {
        const string Lsn = ", LSN ";
        const string Position = ", GTID position ";
        var at = standing.IndexOf(Position, StringComparison.Ordinal);
        if (standing.StartsWith(Lsn, StringComparison.Ordinal) && at > 0 && long.TryParse(standing.AsSpan(Lsn.Length, at - Lsn.Length), CultureInfo.InvariantCulture, out var lsn))
        {
            try
            {
                return (lsn, GtidPosition.Parse(standing.AsSpan(at + Position.Length)).ToString());
            }
            catch (FormatException)
            {
                // Said below.
            }
        }

        throw new DumpException($"the copy does not say where it stands: its last line ends with \"{standing}\"");
    }
}
