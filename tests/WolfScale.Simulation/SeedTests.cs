namespace WolfScale.Simulation;

public class SeedTests
{
    [Fact]
    public void Same_seed_same_run() => Assert.Equal(Simulator.Run(7, 5_000).Digest, Simulator.Run(7, 5_000).Digest);
}
