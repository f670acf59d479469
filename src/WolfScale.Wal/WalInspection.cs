using System.Diagnostics;
using WolfScale.Wal.Files;
using WolfScale.Wal.Reading;
using WolfScale.Wal.Recovery;

namespace WolfScale.Wal;

/// <summary>
/// Looks at a log's files from outside, while a node has them open or none has: takes no lock and changes nothing. What a node writes meanwhile may or may not
/// be seen.
/// </summary>
public static class WalInspection
{
    /// <summary>
    /// A log that is written to can look damaged for a moment: what was torn when it was read is proven by what was written since, a cut shortens it after the
    /// record was read, retention takes a segment away. So damage is believed when it looks the same twice, and is none when the next look reads all that
    /// was proven in the one before. A small log that is cut and pruned all the time looks different ten times in a row (seen); one that takes long to read does not.
    /// </summary>
    private const int MaxLooks = 100;

    /// <summary>Checks every entry, as <see cref="WriteAheadLog.Verify"/> does.</summary>
    /// <param name="directory">The log's folder.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="PosixException">A file cannot be read.</exception>
    public static WalInspectionReport Verify(string directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        var files = new ReadOnlyFiles();
        var options = new WalOptions { Directory = directory };
        WalDamage? before = null;
        for (int look = 1; ; look++)
        {
            try
            {
                long begun = Stopwatch.GetTimestamp();
                using LogImage image = LogScanner.Scan(options, files, long.MaxValue, deep: true);
                var report = new WalInspectionReport(image.Report(Stopwatch.GetElapsedTime(begun)), image.Segments.Count > 0 ? image.Segments[0].FirstLsn : 0, image.ClusterId);
                if (image.Damage is null)
                    return report;
                if (before is not null && before.ProvenSyncedLsn >= before.Lsn && image.End.End.Lsn >= before.ProvenSyncedLsn)
                    return report with { Report = report.Report with { Damage = null } };
                if (IsSame(image.Damage, before) || look == MaxLooks)
                    return report;
                before = image.Damage;
            }
            catch (PosixException e) when (e.Error == NativeMethods.NoEntry && look < MaxLooks)
            {
                before = null; // retention took it away after the folder was listed
            }
        }
    }

    /// <summary>The batches of a log, in order, from the one that holds <paramref name="fromLsn"/> on; each must be released.</summary>
    /// <param name="directory">The log's folder.</param>
    /// <param name="fromLsn">0 or less: from the beginning of what retention has left.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="WalPrunedException">It begins later.</exception>
    /// <exception cref="WalDamagedException">What comes next is there and cannot be read. (The end of the newest segment is no damage here: a write may be going on.)</exception>
    /// <exception cref="PosixException">A file cannot be read.</exception>
    public static IEnumerable<WalBatch> Read(string directory, long fromLsn = 0)
    {
        ArgumentNullException.ThrowIfNull(directory);
        return new LogFilesReader(new ReadOnlyFiles(), directory).Read(fromLsn);
    }

    private static bool IsSame(WalDamage damage, WalDamage? before) =>
        before is not null && (damage.Kind, damage.Lsn, damage.Path, damage.Offset) == (before.Kind, before.Lsn, before.Path, before.Offset);
}

/// <summary>What <see cref="WalInspection.Verify"/> found.</summary>
/// <param name="Report">As of opening the log.</param>
/// <param name="FirstLsn">The first LSN that retention has left; 0 where there is none.</param>
/// <param name="ClusterId">The cluster that the log names; empty where it names none.</param>
public sealed record WalInspectionReport(RecoveryReport Report, long FirstLsn, Guid ClusterId);
