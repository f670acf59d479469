using WolfScale.EndToEnd.Comparing;
using WolfScale.EndToEnd.Harness;
using WolfScale.EndToEnd.Workloads.Acked;

namespace WolfScale.EndToEnd.Networks;

/// <summary>A cluster in mode "available", whose lost writes must add up (<see cref="LostWrites"/>). Patient, so that a busy machine is not taken for a dead leader.</summary>
public abstract class AvailableFixture : NetworkFixture
{
    internal static readonly (string Key, string Value)[] Settings =
    [
        ("cluster.mode", NodeProcess.Text("available")), ("cluster.election_timeout_min_ms", "2500"), ("cluster.election_timeout_max_ms", "4000"),
    ];

    /// <summary>Acknowledged inserts that the last story has cost.</summary>
    internal int Lost { get; private set; }

    internal override async Task JudgeAsync(NetworkCluster cluster, AckedWriter writer)
    {
        await cluster.AwaitHealthyAsync();
        await cluster.Comparer.AssertIdenticalAsync(
            [new("table", $"{NetworkCluster.Database}.{AckedWriter.Table}", 1), new("table", $"{NetworkCluster.Database}.{AckedWriter.KeylessTable}", 1)], TimeSpan.FromSeconds(120));
        Lost = await LostWrites.JudgeAsync(cluster.Nodes, cluster.Servers[0], NetworkCluster.Database, [writer]);
    }
}
