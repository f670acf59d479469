using System.Collections.Immutable;
using WolfScale.Client;
using WolfScale.Client.Doctor;

namespace WolfScale.Unit.Ctl;

/// <summary>What <c>wolfctl doctor</c> makes of what the nodes tell.</summary>
public sealed class DoctorRulesTests
{
    private static readonly Timing Usual = new(HeartbeatMs: 500, ElectionMaxMs: 3000);

    [Fact]
    public void A_healthy_cluster_has_remarks_at_most()
    {
        var findings = Findings.Of(Three());
        Assert.Equal(["never_verified"], findings.Select(f => f.Code));
        Assert.All(findings, f => Assert.Equal(DoctorSeverity.Remark, f.Severity));
    }

    [Theory]
    [InlineData("no_majority", DoctorSeverity.Critical)]
    [InlineData("no_leader", DoctorSeverity.Critical)]
    [InlineData("no_spare", DoctorSeverity.Warning)]
    [InlineData("two_leaders", DoctorSeverity.Critical)]
    [InlineData("leader_closed", DoctorSeverity.Critical)]
    [InlineData("versions_differ", DoctorSeverity.Remark)]
    [InlineData("different", DoctorSeverity.Critical)]
    [InlineData("node_missing", DoctorSeverity.Warning)]
    [InlineData("needs_migration", DoctorSeverity.Warning)]
    [InlineData("syncing", DoctorSeverity.Remark)]
    [InlineData("api_silent", DoctorSeverity.Remark)]
    [InlineData("node_failed", DoctorSeverity.Critical)]
    [InlineData("database_down", DoctorSeverity.Warning)]
    [InlineData("database_unfit", DoctorSeverity.Warning)]
    [InlineData("database_alarm", DoctorSeverity.Warning)]
    [InlineData("lag", DoctorSeverity.Warning)]
    [InlineData("migration_failed", DoctorSeverity.Warning)]
    [InlineData("maintenance", DoctorSeverity.Remark)]
    [InlineData("fsync_off", DoctorSeverity.Remark)]
    [InlineData("discarded", DoctorSeverity.Remark)]
    public void Each_fault_is_named_and_says_what_to_do(string code, DoctorSeverity severity)
    {
        var found = Findings.Of(With(code)).Single(f => f.Code == code);
        Assert.Equal(severity, found.Severity);
        Assert.NotEmpty(found.What);
        Assert.NotEmpty(found.Do);
    }

    [Fact]
    public void Machines_under_a_cluster_are_looked_at_too()
    {
        var now = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        Examined With(Func<NodeReport, NodeReport> change) => Three() is var three ? three with { Now = now, Statuses = [.. three.Statuses.Select(s => s.Id == "n2" ? change(s) : s)] } : null!;
        DoctorFinding Only(Examined examined) => Findings.Of(examined).Single(f => f.Code != "never_verified");

        Assert.Equal(("disk_low", "n2", DoctorSeverity.Warning), Only(With(s => s with { Disk = new DiskReport(4L << 30, 100L << 30) })) is var d ? (d.Code, d.Node, d.Severity) : default);
        Assert.DoesNotContain(Findings.Of(With(s => s with { Disk = new DiskReport(6L << 30, 100L << 30) })), f => f.Code == "disk_low");
        Assert.Contains("ends on 2026-03-05", Only(With(s => s with { Certificates = [new CertificateReport("api", now.AddDays(4))] })).What, StringComparison.Ordinal);
        Assert.Equal(DoctorSeverity.Critical, Only(With(s => s with { Certificates = [new CertificateReport("cluster", now.AddDays(-1))] })).Severity);
        Assert.DoesNotContain(Findings.Of(With(s => s with { Certificates = [new CertificateReport("api", now.AddDays(30))] })), f => f.Code == "certificate_expires");
        Assert.Contains("wal.fsync", Only(With(s => s with { NeedRestart = ["wal.fsync"] })).What, StringComparison.Ordinal);

        var apart = Three() with { Clocks = new Dictionary<string, (double, double)> { ["n1"] = (0.1, 0.01), ["n2"] = (-7.5, 0.01), ["n3"] = (0, 0.01) } };
        Assert.Contains("n1 is 7.6 s ahead of that of n2", Only(apart).What, StringComparison.Ordinal);
        // An answer that took long says nothing about a clock.
        Assert.DoesNotContain(Findings.Of(apart with { Clocks = new Dictionary<string, (double, double)> { ["n1"] = (0, 0.01), ["n2"] = (4, 3) } }), f => f.Code == "clocks_differ");
    }

    [Fact]
    public void The_worst_comes_first() =>
        Assert.Equal(Findings.Of(With("no_majority")).Select(f => f.Severity).Order(), Findings.Of(With("no_majority")).Select(f => f.Severity));

    [Fact]
    public void The_lowest_id_that_may_serve_leads_after_the_leader_and_nobody_changes_after_a_follower()
    {
        var deaths = Deaths.Foresee(Three());
        Assert.Equal([("n1", "n2", 1.0, 3.5), ("n2", "n1", 0.0, 0.0), ("n3", "n1", 0.0, 0.0)],
            deaths.Select(d => (d.Node, d.Leader!, d.SecondsWithoutWrites!.Value, d.SecondsIfFrozen!.Value)));
        Assert.All(deaths, d => Assert.True(d is { WritesGoOn: true, AtRisk: null, Do: null }));
    }

    [Fact]
    public void Who_may_not_lead_is_passed_over()
    {
        Func<MemberReport, MemberReport>[] reasons =
        [
            n => n with { Fit = false }, n => n with { NeverLeader = true }, n => n with { Role = "WITNESS" }, n => n with { Voter = false, Status = "SYNCING" }, n => n with { Status = "DROPPED" },
            n => n with { LastLsn = 1 },
        ];
        foreach (var reason in reasons)
            Assert.Equal("n3", Deaths.Foresee(Three(n => n.Id == "n2" ? reason(n) : n with { LastLsn = 5000 }, extraVoter: true)).Single(d => d.Node == "n1").Leader);
        var inMaintenance = Three();
        inMaintenance = inMaintenance with { Statuses = [.. inMaintenance.Statuses.Select(s => s.Id == "n2" ? s with { Maintenance = true } : s)] };
        Assert.Equal("n3", Deaths.Foresee(inMaintenance)[0].Leader);
    }

    [Fact]
    public void Without_a_spare_voter_writes_stand_still_until_somebody_helps()
    {
        var deaths = Deaths.Foresee(With("no_spare"));
        Assert.Equal(["n1", "n2"], deaths.Select(d => d.Node));
        Assert.All(deaths, d => Assert.True(d is { Leader: null, WritesGoOn: false, SecondsWithoutWrites: null, Do: not null }));
    }

    [Fact]
    public void In_mode_available_one_node_is_enough_and_what_was_not_sent_is_at_risk()
    {
        var cluster = With("no_spare");
        cluster = cluster with { Cluster = cluster.Cluster with { Mode = "available", Nodes = [.. cluster.Cluster.Nodes.Select(n => n.Id == "n1" ? n with { LastLsn = 130 } : n)] } };
        var death = Deaths.Foresee(cluster)[0];
        Assert.Equal(("n2", true), (death.Leader, death.WritesGoOn));
        Assert.Contains("30 entries", death.AtRisk, StringComparison.Ordinal);
        Assert.DoesNotContain(Findings.Of(cluster), f => f.Code == "no_spare");
    }

    /// <summary>The others hear of it after three heartbeats; who asks meanwhile is not told that all is well.</summary>
    [Fact]
    public void A_process_that_has_just_ended_is_missing_and_is_not_counted_on()
    {
        var cluster = Three() with { Silent = new Dictionary<string, string> { ["n2"] = "Connection refused" } };
        var found = Findings.Of(cluster).Where(f => f.Severity == DoctorSeverity.Warning).Select(f => f.Code);
        Assert.Equal(["no_spare", "node_missing"], found.Order(StringComparer.Ordinal));
        Assert.Equal(["n1", "n3"], Deaths.Foresee(cluster).Select(d => d.Node));
        Assert.Null(Deaths.Foresee(cluster)[0].Leader);
    }

    [Fact]
    public void In_mode_available_who_has_more_leads()
    {
        var cluster = Three(n => n.Id == "n3" ? n with { LastLsn = 101 } : n);
        Assert.Equal("n2", Deaths.Foresee(cluster)[0].Leader);
        Assert.Equal("n3", Deaths.Foresee(cluster with { Cluster = cluster.Cluster with { Mode = "available" } })[0].Leader);
    }

    private static Examined Three(Func<MemberReport, MemberReport>? change = null, bool extraVoter = false)
    {
        string[] ids = extraVoter ? ["n1", "n2", "n3", "n4", "n5"] : ["n1", "n2", "n3"];
        var members = ids.Select(id => new MemberReport { Id = id, Role = id == "n1" ? "LEADER" : "FOLLOWER", Status = "ACTIVE", Voter = true, Fit = true, LastLsn = 100 })
            .Select(n => change?.Invoke(n) ?? n).ToImmutableArray();
        var statuses = ids.Select(id => new NodeReport
        {
            Id = id, Mode = "consistent", Status = "ACTIVE", Leader = "n1", AcceptsWrites = id == "n1", Version = "1", StartedAt = DateTimeOffset.UnixEpoch, Pid = 1,
            Database = new DatabaseReport { Enabled = true, Up = true, Fit = true },
        });
        return new Examined(new ClusterDocument("c", "id", "consistent", 3, "n1", 100, "n1", [], members), [.. statuses], new Dictionary<string, string>(), Usual);
    }

    private static Examined With(string code)
    {
        var three = Three();
        return code switch
        {
            "no_majority" => Led(Member(Member(three, "n3", n => n with { Status = "DROPPED" }), "n2", n => n with { Status = "OFFLINE" }), null),
            "no_leader" => Led(three, null),
            "no_spare" => Member(three, "n3", n => n with { Status = "DROPPED", Reason = "not heard of for 40 s" }),
            "two_leaders" => Node(three, "n2", s => s with { AcceptsWrites = true }),
            "leader_closed" => Node(three, "n1", s => s with { AcceptsWrites = false }),
            "versions_differ" => Node(three, "n2", s => s with { Version = "2" }),
            "different" => Node(three, "n2", s => s with { Verified = new VerifiedDocument(DateTimeOffset.UnixEpoch, 5, false, ["n1"], ["n2"], null, null) }),
            "node_missing" => Member(three, "n3", n => n with { Status = "LAGGING" }),
            "needs_migration" => Member(three, "n3", n => n with { Status = "NEEDS_MIGRATION", Reason = "its log was pruned." }),
            "syncing" => Member(three, "n3", n => n with { Status = "SYNCING" }),
            "api_silent" => three with { Silent = new Dictionary<string, string> { ["n3"] = "no answer within 3 s" } },
            "node_failed" => Node(three, "n3", s => s with { Failure = "its log cannot be written." }),
            "database_down" => Node(three, "n3", s => s with { Database = s.Database! with { Up = false, Fit = false } }),
            "database_unfit" => Node(three, "n3", s => s with { Database = s.Database! with { Fit = false, Reason = "the applier stands still" } }),
            "database_alarm" => Node(three, "n3", s => s with { Database = s.Database! with { Alarms = ["Only 100 MiB are free."] } }),
            "lag" => Node(three, "n3", s => s with { LagSeconds = 40, LagEntries = 7 }),
            "migration_failed" => Node(three, "n3", s => s with { Migration = new MigrationReport { From = "n1", Phase = "failed", Attempt = 1, StartedAt = DateTimeOffset.UnixEpoch, Error = "no space" } }),
            "maintenance" => Node(three, "n3", s => s with { Maintenance = true }),
            "fsync_off" => Node(three, "n3", s => s with { Warnings = ["fsync_off"] }),
            "discarded" => Node(three, "n3", s => s with { Discarded = new DiscardedReport(3, "/x", 3) }),
            _ => throw new ArgumentOutOfRangeException(nameof(code), code, "no such fault"),
        };
    }

    private static Examined Led(Examined cluster, string? leader) => cluster with { Cluster = cluster.Cluster with { Leader = leader }, Statuses = [.. cluster.Statuses.Select(s => s with { AcceptsWrites = false })] };

    private static Examined Member(Examined cluster, string id, Func<MemberReport, MemberReport> change) =>
        cluster with { Cluster = cluster.Cluster with { Nodes = [.. cluster.Cluster.Nodes.Select(n => n.Id == id ? change(n) : n)] } };

    private static Examined Node(Examined cluster, string id, Func<NodeReport, NodeReport> change) =>
        cluster with { Statuses = [.. cluster.Statuses.Select(s => s.Id == id ? change(s) : s)] };
}
