using System.Globalization;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Proxied;

namespace WolfScale.EndToEnd.Proxying;

/// <summary>What happens to the leader of busy clients.</summary>
public enum BusyFault
{
    KillBoth,

    /// <summary>A machine that is frozen: its connections stay, and say nothing.</summary>
    FreezeBoth,
    KillMariaDb,
    KillNode,
    FreezeNode,
}

/// <summary>
/// 64 busy sessions over all proxies when the leader goes. Every statement is answered soon: it has worked, it certainly did not happen (1213, 1053), or
/// its outcome is not known (1180); and what was said is held against the data.
/// </summary>
public sealed class FaultsUnderLoadTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private const int Sessions = 64;
    private static readonly TimeSpan Aim = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<BusyFault> Faults => Long.Form ? [.. Enum.GetValues<BusyFault>()] : [BusyFault.KillBoth, BusyFault.FreezeBoth];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task What_busy_clients_are_told_when_their_leader_goes_is_true(BusyFault fault)
    {
        for (var run = 0; run < Long.Or(5, 1); run++)
            await SurviveAsync(fault);
    }

    [Fact]
    public async Task A_planned_switchover_costs_no_busy_client_an_error()
    {
        for (var run = 0; run < Long.Or(5, 1); run++)
        {
            var (cluster, leader) = await PrepareAsync();
            await using var busy = BusySessions.Start(cluster, Sessions);
            await busy.AwaitWorkAsync(busy.Now, Patience);

            var begun = busy.Now;
            var answer = await cluster.SwitchoverAsync(leader);
            await cluster.LeaderAsync(except: leader.Id);
            await busy.AwaitWorkAsync(busy.Now, Patience);
            await busy.StopAsync();

            var during = busy.Statements.Where(s => s.Answered >= begun).ToList();
            Print(string.Create(CultureInfo.InvariantCulture,
                $"{answer}\npause: no write was acknowledged for {busy.LongestPause(begun).TotalMilliseconds:0} ms, the slowest statement took {during.Max(s => s.TakenUntil(busy.Now)).TotalMilliseconds:0} ms (aim: 250 ms); {during.Count} statements"));
            Assert.True(busy.Errors(TimeSpan.Zero).Length == 0, string.Join('\n', busy.Statements.Where(s => s.Error is not null).Take(10)));
            await AssertTrueAsync(cluster, busy);
        }
    }

    private async Task SurviveAsync(BusyFault fault)
    {
        var (cluster, leader) = await PrepareAsync();
        await using var busy = BusySessions.Start(cluster, Sessions);
        await busy.AwaitWorkAsync(busy.Now, Patience);

        var part = fault switch { BusyFault.KillBoth or BusyFault.FreezeBoth => Part.Both, BusyFault.KillMariaDb => Part.MariaDb, _ => Part.Node };
        var isFrozen = fault is BusyFault.FreezeBoth or BusyFault.FreezeNode;
        var hasProxy = fault is BusyFault.KillMariaDb; // the struck node's own clients can still be answered
        var begun = busy.Now;
        await cluster.SignalAsync(leader.Id, part, isFrozen ? Signal.Stop : Signal.Kill);
        await busy.AwaitWorkAsync(busy.Now, Patience, except: hasProxy ? null : leader.Id);
        var next = await cluster.LeaderAsync(except: leader.Id);
        var goesOn = busy.Now;

        var touched = busy.Statements.Where(s => (s.Answered is null || s.Answered >= begun) && s.Sent <= goesOn && (hasProxy || s.Node != leader.Id)).ToList();
        var slowest = touched.MaxBy(s => s.TakenUntil(goesOn))!;
        var errors = busy.Errors(begun);
        if (isFrozen)
            await cluster.SignalAsync(leader.Id, part, Signal.Continue);
        else
            await cluster.StartNodeAsync(leader.Id, part);
        await cluster.AwaitHealthyAsync(TimeSpan.FromSeconds(90));
        await busy.AwaitWorkAsync(busy.Now, Patience);
        await busy.StopAsync();

        Print(string.Create(CultureInfo.InvariantCulture,
            $"{fault} of {leader.Id}, {next.Id} took over: no write was acknowledged for {busy.LongestPause(begun).TotalSeconds:0.00} s; {touched.Count} statements, the slowest: {slowest}; errors by then: {errors}"));
        await AssertTrueAsync(cluster, busy);
        var unanswered = busy.Statements.Where(s => s.Answered is null).ToList();
        Assert.True(unanswered.Count == 0, $"without an answer: {string.Join('\n', unanswered.Take(10))}");
        var odd = busy.Statements.Where(s => s.Error is not (null or 1180 or 1213 or 1053) && (hasProxy || s.Node != leader.Id)).ToList();
        Assert.True(odd.Count == 0, $"no other answer than the three is right where a proxy lives: {string.Join('\n', odd.Take(10))}");
        var limit = Long.Or(Aim, 3 * Aim);
        Assert.True(slowest.TakenUntil(goesOn) <= limit, $"the slowest statement took too long: {slowest}");
    }

    private static async Task AssertTrueAsync(DemoCluster cluster, BusySessions busy)
    {
        await cluster.AwaitHealthyAsync();
        await cluster.Comparer.AssertIdenticalAsync([new("table", $"{cluster.Facts.Database}.{BusySessions.Table}", 1)], Patience);
        var verdict = await busy.JudgeAsync(cluster.Servers[0], cluster.Facts.Database);
        Print(verdict.ToString());
        verdict.AssertRight();
    }

    private async Task<(DemoCluster Cluster, DemoNode Leader)> PrepareAsync()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        await BusySessions.CreateTableAsync(leader.Server, cluster.Facts.Database);
        await cluster.AwaitHealthyAsync();
        return (cluster, leader);
    }
}
