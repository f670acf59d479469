using WolfScale.Consensus;

namespace WolfScale.Simulation;

/// <summary>What a run has shown.</summary>
public sealed record SimulationResult(long Seed, long Steps, long VirtualMs, ulong Digest, SimulationStatistics Statistics);

/// <summary>One run: a seed and a number of steps say everything about it.</summary>
public static class Simulator
{
    /// <exception cref="InvariantViolationException">With the command that repeats it.</exception>
    public static SimulationResult Run(long seed, int steps, Action<string>? trace = null, Weather? weather = null, ClusterMode mode = ClusterMode.Consistent)
    {
        var cluster = new Cluster(seed, weather, trace, mode);
        try
        {
            cluster.Run(steps);
            Recovery.Run(cluster);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            string command = $"./run.sh simulate --seed {seed} --steps {steps}{(weather is null ? "" : $" --weather {weather}")}{(mode == ClusterMode.Available ? " --available" : "")} --trace";
            string where = $"seed {seed}, step {cluster.Steps}, at {cluster.NowMs} ms";
            throw new InvariantViolationException($"{where}: {e.Message}\nrepeat with: {command}\n{(e is InvariantViolationException ? "" : e)}");
        }

        return new SimulationResult(seed, cluster.Steps, cluster.NowMs, cluster.Checker.Digest, cluster.Checker.Statistics);
    }
}
