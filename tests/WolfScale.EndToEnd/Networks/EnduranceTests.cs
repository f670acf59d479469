using System.Diagnostics;
using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Networks;

/// <summary>What goes on for long, on three machines: most of it with <c>--long</c>.</summary>
public sealed class EnduranceTests(EnduranceTests.ThreeMachines fixture) : IClassFixture<EnduranceTests.ThreeMachines>, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan ShortestElectionTimeout = TimeSpan.FromMilliseconds(1500); // the defaults
    private static readonly TimeSpan LongestElectionTimeout = TimeSpan.FromMilliseconds(3000);

    [Fact]
    public Task A_hundred_joins_and_leaves_in_a_row_under_load()
    {
        Assert.SkipUnless(Long.Form, "some ten minutes: runs with --long");
        return fixture.UnderLoadAsync(async (cluster, writer) =>
        {
            var node = await cluster.CreateNodeAsync(cluster.Bed.Hosts[3]);
            await using (node)
            {
                for (var round = 1; round <= 100; round++)
                {
                    await node.StartAsync();
                    await node.AwaitAsync("ACTIVE, a voter", s => s is { Status: "ACTIVE", Role: "FOLLOWER" });
                    var left = await node.CtlAsync("leave", "--yes");
                    Assert.True(left.ExitCode == 0, left.ToString());
                    await node.StopAsync();
                    // It comes again as one that nobody knows, with the data that it has.
                    Directory.Delete(node.DataFolder, recursive: true);
                    await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 10);
                }
            }
            await cluster.AwaitHealthyAsync();
            await cluster.AwaitMembersAsync(3);
        });
    }

    /// <summary>Every machine's cable is pulled again and again, for less than an election takes.</summary>
    [Fact]
    public Task A_flapping_network_causes_at_most_one_election_a_minute()
    {
        Assert.SkipUnless(Long.Form, "five minutes: runs with --long");
        return fixture.UnderLoadAsync(async (cluster, writer) =>
        {
            var minutes = 5;
            var term = await cluster.TermAsync();
            var clock = Stopwatch.StartNew();
            var flaps = 0;
            while (clock.Elapsed < TimeSpan.FromMinutes(minutes))
            {
                var host = cluster.Bed.Hosts[flaps++ % 3];
                await cluster.Bed.UnplugAsync(host);
                await Task.Delay(Random.Shared.Next(100, 900));
                await cluster.Bed.PlugInAsync(host);
                await Task.Delay(Random.Shared.Next(100, 1500));
            }
            await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
            var elections = await cluster.TermAsync() - term;
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{flaps} interruptions in {minutes} minutes, {elections} new terms"));
            Assert.True(elections <= minutes, $"{elections} new terms in {minutes} minutes");
        });
    }

    /// <summary>
    /// The leader's cable is pulled again and again, now for less than an election takes, now for longer. The first long interruption costs it the lead, which cannot be otherwise; nothing that it does afterwards
    /// costs another election, and it does not get the lead back. In the next round it is its successor's turn.
    /// </summary>
    [Fact]
    public Task A_leader_whose_network_flaps_loses_the_lead_once_and_disturbs_nobody_afterwards() => fixture.UnderLoadAsync(async (cluster, writer) =>
    {
        var (rounds, length) = Long.Or((5, TimeSpan.FromMinutes(1)), (1, TimeSpan.FromSeconds(40)));
        for (var round = 1; round <= rounds; round++)
        {
            await cluster.AwaitHealthyAsync();
            var (leader, term, clock) = (await cluster.LeaderAsync(), await cluster.TermAsync(), Stopwatch.StartNew());
            var outages = await FlapAsync(cluster, cluster.HostOf(leader), length);
            await writer.AwaitAcknowledgedAsync(writer.Now, Patience, count: 50);
            await cluster.AwaitHealthyAsync();
            var (next, elections) = (await cluster.LeaderAsync(), await cluster.TermAsync() - term);
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{leader.Id} was cut off {outages.Count} times in {clock.Elapsed.TotalSeconds:0} s, {outages.Count(o => o > LongestElectionTimeout)} times for longer than any election timeout: {elections} new terms, {next.Id} leads"));
            Assert.True(outages.Count(o => o > LongestElectionTimeout) > 2 && outages.Count(o => o < ShortestElectionTimeout) > 2, $"both kinds are meant: {string.Join(", ", outages)}");
            Assert.True(elections == 1, $"{elections} new terms");
            Assert.NotEqual(leader.Id, next.Id);
        }
    });

    /// <summary>Three short interruptions to a long one.</summary>
    /// <returns>How long each was.</returns>
    private static async Task<IReadOnlyList<TimeSpan>> FlapAsync(NetworkCluster cluster, NetworkHost host, TimeSpan during)
    {
        var outages = new List<TimeSpan>();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < during;)
        {
            var isLong = outages.Count % 4 == 3;
            var outage = Stopwatch.StartNew();
            await cluster.Bed.UnplugAsync(host);
            await Task.Delay(isLong ? Random.Shared.Next(3500, 6000) : Random.Shared.Next(100, 900));
            await cluster.Bed.PlugInAsync(host);
            outages.Add(outage.Elapsed);
            await Task.Delay(Random.Shared.Next(100, 1500));
        }
        return outages;
    }

    public async ValueTask DisposeAsync() => await fixture.AfterTestAsync();

    public sealed class ThreeMachines : NetworkFixture
    {
        internal override Task<NetworkCluster> StartAsync() => NetworkCluster.StartAsync(3, spares: 1);
    }
}
