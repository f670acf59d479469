using System.Collections.Concurrent;

namespace WolfScale.Simulation;

/// <summary>
/// The production core under loss, duplication, reordering, crashes, partitions, slow and emptied disks: see <see cref="Checker"/> for what
/// is checked after every step.
/// </summary>
public class SeedTests
{
    [Fact]
    public void The_same_seed_is_the_same_run()
    {
        SimulationResult first = Simulator.Run(7, 5_000);
        SimulationResult second = Simulator.Run(7, 5_000);
        Assert.Equal((first.Digest, first.Steps, first.VirtualMs), (second.Digest, second.Steps, second.VirtualMs));
        Assert.NotEqual(first.Digest, Simulator.Run(8, 5_000).Digest);
    }

    [Fact]
    public void Nothing_is_violated_on_the_fixed_seeds()
    {
        var results = new ConcurrentBag<SimulationResult>();
        Parallel.For(FixedSeeds.First, FixedSeeds.First + FixedSeeds.Count, new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
            results.Add(Simulator.Run(seed, FixedSeeds.Steps)));

        var total = new SimulationStatistics();
        foreach (SimulationResult result in results)
            total.Add(result.Statistics);
        TestContext.Current.TestOutputHelper?.WriteLine(total.ToString());

        // A run in which nothing happens violates nothing. These are well below what the seeds do.
        Assert.True(total.AcknowledgedWrites > 50_000, total.ToString());
        Assert.True(total.Elections > 5_000, total.ToString());
        Assert.True(total.Truncations > 500, total.ToString());
        Assert.True(total.ConfigurationChanges > 5_000, total.ToString());
        Assert.True(total.Transfers > 300, total.ToString());
        Assert.True(total.Reads > 10_000, total.ToString());
        Assert.True(total.Wipes > 200, total.ToString());
        Assert.True(total.Migrations > 30, total.ToString());
    }

    [Fact]
    public void Nothing_is_violated_on_a_seed_that_nobody_has_seen()
    {
        int seed = Random.Shared.Next();
        Console.WriteLine($"simulation: fresh seed {seed}; repeat with ./run.sh simulate --seed {seed} --steps 200000");
        SimulationResult result = Simulator.Run(seed, 200_000);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {result.Statistics}");
    }
}
