namespace WolfScale.Simulation;

/// <summary>
/// The runs that every test run repeats. The whole core must pass them all, and a core with any one rule taken out must fail one of them.
/// </summary>
public static class FixedSeeds
{
    public const int First = 1;
    public const int Count = 400;
    public const int Steps = 20_000;
}
