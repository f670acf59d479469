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

    private static string Alarm(GateStatus gate) => Assert.Single(HealthRules.Judge(Well with { Gate = gate }).Alarms);
}
