using System.Collections.Immutable;
using System.Globalization;
using WolfScale.MariaDb.Roles;

namespace WolfScale.MariaDb.Health;

/// <summary>What was measured on a server at one moment.</summary>
/// <param name="Gate">Its write gate.</param>
/// <param name="Leads">Whether it is meant to be open for writes, with capture attached.</param>
/// <param name="CommitStands">Whether the log's commit LSN has not moved since the check before.</param>
/// <param name="ReadMs">Time of a query that reads nothing.</param>
/// <param name="WriteMs">Time of the unlogged write; null where none was made.</param>
/// <param name="WriteError">What the server said to the unlogged write; null when it went through.</param>
/// <param name="FreeBytes">Free space where the data are; null where that cannot be seen from here.</param>
/// <param name="Lost">Settings that somebody has changed.</param>
internal sealed record HealthReading(
    GateStatus Gate, bool Leads, bool CommitStands, double ReadMs, double? WriteMs, string? WriteError, long? FreeBytes, ImmutableArray<LostSetting> Lost = default);

/// <summary>
/// Judges a reading. Pure. A logged write would be no test: without a quorum it waits for ever on a healthy server. So the test write goes into the engine
/// with <c>sql_log_bin=0</c>, which waits for no ACK (measured), and the wait for the quorum is read from the semi-sync status.
/// </summary>
internal static class HealthRules
{
    /// <summary>Below this much free space the operator is told; MariaDB stops at none.</summary>
    private const long LowSpaceBytes = 512L << 20;

    /// <summary>
    /// Below this much the server is taken for full, a little early: a server that meets the end of its disk in the middle of a commit hangs, for a minute at a time, and one that
    /// cannot begin its next binary log goes on without any (measured). InnoDB makes its files grow by 4 MiB.
    /// </summary>
    private const long FullBytes = 16L << 20;

    /// <summary>From here on it is not full any more: an operator has made room.</summary>
    private const long RoomBytes = 2 * FullBytes;

    public const string WaitsForSpace =
        "The disk is full: MariaDB waits in the middle of a commit for space where its binary logs are. Make room; it looks again once a minute, and the node goes on by itself then.";

    public const string LoggingEnded =
        "MariaDB has turned its binary log off, because it could not begin the next file (see its error log): nothing that it writes is replicated. Mend its disk and restart MariaDB.";

    /// <summary>The alarm of a leader whose commits do not wait.</summary>
    public const string GateOff = "Semi-sync is off on the leader: commits do not wait for the quorum. It is turned on again; find out who turned it off.";

    public static HealthReport Judge(HealthReading reading)
    {
        var alarms = ImmutableArray.CreateBuilder<string>();
        if (reading.FreeBytes is { } free && free < LowSpaceBytes)
        {
            alarms.Add(string.Create(CultureInfo.InvariantCulture,
                $"Only {free >> 20} MiB are free where MariaDB keeps its data: commits stop when there are none. Free some space."));
        }

        foreach (var lost in reading.Lost.IsDefault ? [] : reading.Lost)
            alarms.Add($"Somebody has set {lost.Name} = {lost.Value}: {lost.Otherwise}. SET GLOBAL {lost.Name} = {lost.Wanted}");
        if (reading.Leads)
            AddGateAlarms(reading.Gate, alarms);
        var (verdict, reason) = Verdict(reading);
        return new HealthReport(verdict, reason, alarms.ToImmutable(), reading.ReadMs, reading.WriteMs);
    }

    /// <summary>Why a server with these file systems cannot be trusted to write; empty when it can.</summary>
    /// <param name="spaces">Those that it must be able to write to.</param>
    /// <param name="wasFull">The answer of the look before: what was full must have room again, not just a little less than nothing.</param>
    public static string Refusal(IEnumerable<FolderSpace> spaces, bool wasFull)
    {
        foreach (var space in spaces)
        {
            if (space.IsReadOnly)
                return $"The file system of {space.Folder} is read-only: MariaDB cannot write there. See what the kernel says about it, mend it, and restart MariaDB.";
            if (space.Files == 0)
                return $"The file system of {space.Folder} takes no more files (no free inodes): MariaDB cannot begin its next binary log. Remove some files.";
            if (space.Bytes < (wasFull ? RoomBytes : FullBytes))
            {
                return string.Create(CultureInfo.InvariantCulture,
                    $"The disk is full: {space.Bytes >> 20} MiB are free in {space.Folder}, where MariaDB must write. Make room, at least {RoomBytes >> 20} MiB; the node goes on by itself then.");
            }
        }

        return "";
    }

    private static (HealthVerdict Verdict, string Reason) Verdict(HealthReading reading)
    {
        if (reading.WriteError is { } error)
            return (HealthVerdict.Sick, $"MariaDB does not write: {error} Look at its error log, its disk and its file system.");
        return reading is { Leads: true, Gate.WaitingSessions: > 0, CommitStands: true }
            ? (HealthVerdict.NoQuorum, $"{reading.Gate.WaitingSessions} commits wait for a majority of the nodes.")
            : (HealthVerdict.Ok, "");
    }

    private static void AddGateAlarms(GateStatus gate, ImmutableArray<string>.Builder alarms)
    {
        if (!gate.SemiSyncEnabled || !gate.SemiSyncStatusOn)
            alarms.Add(GateOff);
        if (gate.SemiSyncClients > 1)
        {
            alarms.Add(
                $"{gate.SemiSyncClients} semi-sync replicas are attached, and only WolfScale's may be: the other's acknowledgement lets commits through that the quorum "
                + "does not hold. On that replica: SET GLOBAL rpl_semi_sync_slave_enabled=OFF; STOP SLAVE IO_THREAD; START SLAVE IO_THREAD.");
        }
        else if (gate.SemiSyncClients == 0)
        {
            alarms.Add("WolfScale is not attached to the leader's MariaDB: commits wait until it is.");
        }
    }
}
