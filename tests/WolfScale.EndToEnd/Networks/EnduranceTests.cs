using System.Diagnostics;
using System.Globalization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Networks;

/// <summary>What goes on for minutes, on three machines: with <c>--long</c>.</summary>
public sealed class EnduranceTests(EnduranceTests.ThreeMachines fixture) : IClassFixture<EnduranceTests.ThreeMachines>, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

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

    public async ValueTask DisposeAsync() => await fixture.AfterTestAsync();

    public sealed class ThreeMachines : NetworkFixture
    {
        internal override Task<NetworkCluster> StartAsync() => NetworkCluster.StartAsync(3, spares: 1);
    }
}
