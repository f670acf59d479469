namespace WolfScale.Simulation;

/// <summary>
/// What can go wrong in one run, and how often. Drawn anew for every seed, with whole classes of faults switched off at random: a run with few faults
/// gets further than one with all of them at once, and so finds other things.
/// </summary>
public sealed record SimulationProfile
{
    public int Nodes { get; init; }

    public int InitialVoters { get; init; }

    /// <summary>Probability that a message is lost, or delivered twice.</summary>
    public double Loss { get; init; }

    public double Duplication { get; init; }

    /// <summary>Usual upper bound of a message's delay in ms, and the probability and bound of a very late one.</summary>
    public int DelayMs { get; init; }

    public double LateProbability { get; init; }

    public int LateMs { get; init; }

    /// <summary>Upper bounds of a log sync and of persisting term and vote, in ms; slow disks take <see cref="SlowDiskMs"/>.</summary>
    public int SyncMs { get; init; }

    public int PersistMs { get; init; }

    public int SlowDiskMs { get; init; }

    /// <summary>Probability of a crash between two effects.</summary>
    public double CrashAtEffect { get; init; }

    /// <summary>Mean time between two faults in ms.</summary>
    public int FaultIntervalMs { get; init; }

    public bool Crashes { get; init; }

    public bool Pauses { get; init; }

    public bool Partitions { get; init; }

    public bool SlowDisks { get; init; }

    public bool Wipes { get; init; }

    public bool FitnessFlips { get; init; }

    public bool Pruning { get; init; }

    public bool MembershipChanges { get; init; }

    public bool Transfers { get; init; }

    public bool Reads { get; init; }

    /// <summary>Mean time between two batches of writes, and between two acts of the operator, in ms.</summary>
    public int WriteIntervalMs { get; init; }

    public int OperatorIntervalMs { get; init; }

    public int MaxInflightMessages { get; init; }

    public int MaxMessageBytes { get; init; }

    public int CommitUpdateDelayMs { get; init; }

    public static SimulationProfile Draw(Random random)
    {
        bool On(double probability = 0.6) => random.NextDouble() < probability;
        int nodes = random.Next(3, 7);
        return new SimulationProfile
        {
            Nodes = nodes,
            InitialVoters = random.Next(1, Math.Min(nodes, 5) + 1),
            Loss = On() ? random.NextDouble() * 0.15 : 0,
            Duplication = On() ? random.NextDouble() * 0.1 : 0,
            DelayMs = random.Next(1, 25),
            LateProbability = On() ? random.NextDouble() * 0.05 : 0,
            LateMs = random.Next(50, 1500),
            SyncMs = random.Next(1, 15),
            PersistMs = random.Next(0, 10),
            SlowDiskMs = random.Next(50, 600),
            CrashAtEffect = On(0.3) ? random.NextDouble() * 0.002 : 0,
            FaultIntervalMs = random.Next(60, 900),
            Crashes = On(0.75),
            Pauses = On(0.4),
            Partitions = On(0.7),
            SlowDisks = On(0.5),
            Wipes = On(0.4),
            FitnessFlips = On(0.5),
            Pruning = On(0.4),
            MembershipChanges = On(0.6),
            Transfers = On(0.5),
            Reads = On(0.6),
            WriteIntervalMs = random.Next(5, 60),
            OperatorIntervalMs = random.Next(60, 600),
            MaxInflightMessages = random.Next(1, 12),
            MaxMessageBytes = random.Next(100, 2000),
            CommitUpdateDelayMs = random.Next(0, 5),
        };
    }
}
