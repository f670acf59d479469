using WolfScale.MariaDb.Health;
using WolfScale.MariaDb.Roles;

namespace WolfScale.Unit.MariaDb;

public class HealthRulesTests
{
    private static readonly HealthReading Well = new(
        new GateStatus(IsOpen: true, SemiSyncEnabled: true, SemiSyncStatusOn: true, SemiSyncClients: 1, WaitingSessions: 0),
        Leads: true, CommitStands: false, ReadMs: 0.2, WriteMs: 1, WriteError: null, FreeBytes: 100L << 30);

    [Fact]
    public void A_well_server_is_well()
    {
        var report = HealthRules.Judge(Well);
        Assert.Equal(HealthVerdict.Ok, report.Verdict);
        Assert.Empty(report.Alarms);
    }

    [Fact]
    public void Commits_that_wait_while_the_log_stands_still_mean_no_quorum_and_not_a_sick_server()
    {
        var waiting = Well with { Gate = Well.Gate with { WaitingSessions = 5 } };
        Assert.Equal(HealthVerdict.Ok, HealthRules.Judge(waiting).Verdict);
        var report = HealthRules.Judge(waiting with { CommitStands = true });
        Assert.Equal(HealthVerdict.NoQuorum, report.Verdict);
        Assert.Contains("5 commits wait", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_does_not_write_locally_is_sick()
    {
        var report = HealthRules.Judge(Well with { WriteError = "error 1114: The table is full" });
        Assert.Equal(HealthVerdict.Sick, report.Verdict);
        Assert.Contains("1114", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Anything_but_one_semi_sync_replica_and_a_waiting_server_is_an_alarm()
    {
        Assert.Contains("2 semi-sync replicas", Alarm(Well.Gate with { SemiSyncClients = 2 }), StringComparison.Ordinal);
        Assert.Contains("not attached", Alarm(Well.Gate with { SemiSyncClients = 0 }), StringComparison.Ordinal);
        Assert.Contains("Semi-sync is off", Alarm(Well.Gate with { SemiSyncStatusOn = false }), StringComparison.Ordinal);
        Assert.Contains("Semi-sync is off", Alarm(Well.Gate with { SemiSyncEnabled = false }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_follower_has_no_gate_to_worry_about() =>
        Assert.Empty(HealthRules.Judge(Well with { Leads = false, Gate = Well.Gate with { SemiSyncClients = 0, SemiSyncEnabled = false } }).Alarms);

    [Fact]
    public void Little_disk_space_is_an_alarm_before_it_is_an_outage() =>
        Assert.Contains("100 MiB", Assert.Single(HealthRules.Judge(Well with { FreeBytes = 100L << 20 }).Alarms), StringComparison.Ordinal);

    [Theory]
    [InlineData(16, false, false)]
    [InlineData(15, false, true)]
    [InlineData(20, true, true)] // a file or two were removed: that is no room
    [InlineData(32, true, false)]
    public void A_disk_is_full_a_little_early_and_has_room_a_little_later(long mebibytes, bool wasFull, bool isFull)
    {
        var refusal = HealthRules.Refusal([Space(mebibytes << 20), Space(1L << 40)], wasFull);
        Assert.Equal(isFull, refusal.Length > 0);
        Assert.True(!isFull || refusal.Contains($"{mebibytes} MiB are free in /data", StringComparison.Ordinal), refusal);
    }

    [Fact]
    public void No_inodes_and_a_read_only_file_system_are_as_bad_as_no_space()
    {
        Assert.Contains("no free inodes", HealthRules.Refusal([Space(1L << 40) with { Files = 0 }], wasFull: false), StringComparison.Ordinal);
        Assert.Contains("read-only", HealthRules.Refusal([Space(1L << 40) with { IsReadOnly = true }], wasFull: false), StringComparison.Ordinal);
        Assert.Equal("", HealthRules.Refusal([Space(1L << 40) with { Files = null }], wasFull: false));
    }

    /// <summary>What a service manager shows read-only to this process alone (the mount's options) is not read-only for MariaDB.</summary>
    [Theory]
    [InlineData("/var/lib/mysql", false)]
    [InlineData("/var/lib/mysql/binlogs", true)]
    [InlineData("/var/lib/mysql/binlogs/deep/down", true)]
    [InlineData("/var/lib/mysql/binlogs2", false)]
    [InlineData("/broken", true)]
    public void Whether_a_file_system_is_read_only_is_asked_of_the_file_system_and_not_of_the_mount(string folder, bool isReadOnly) => Assert.Equal(isReadOnly, FolderSpace.IsFileSystemReadOnly(
        [
            "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
            "22 21 8:2 / /var/lib/mysql ro,relatime shared:2 - xfs /dev/sda2 rw,noquota",
            "23 22 8:3 / /var/lib/mysql/binlogs rw,relatime - ext4 /dev/sda3 rw",
            "24 23 8:4 / /var/lib/mysql/binlogs rw,relatime - ext4 /dev/sda4 ro,errors=remount-ro",
            "45 21 7:3 / /broken rw,relatime - ext4 /dev/loop3 rw,abort,errors=remount-ro,emergency_ro",
        ],
        folder));

    [Fact]
    public void The_space_of_a_folder_of_this_machine_is_seen()
    {
        var space = FolderSpace.Of(AppContext.BaseDirectory, FolderSpace.ReadMounts());
        Assert.True(space is { IsReadOnly: false, Bytes: > 0 }, $"{space}");
        Assert.Equal(new DriveInfo(AppContext.BaseDirectory).AvailableFreeSpace >> 30, space.Bytes >> 30);
        Assert.Null(FolderSpace.Of("/no/such/folder", []));
    }

    private static FolderSpace Space(long bytes) => new("/data", bytes, 1000, IsReadOnly: false);

    private static string Alarm(GateStatus gate) => Assert.Single(HealthRules.Judge(Well with { Gate = gate }).Alarms);
}
