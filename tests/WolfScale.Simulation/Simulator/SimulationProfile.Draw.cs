namespace WolfScale.Simulation;

/// <summary>Which kinds of faults a run concentrates on.</summary>
public enum Weather
{
    /// <summary>Everything, in any mixture.</summary>
    Usual,

    /// <summary>Leaders die with half-replicated tails.</summary>
    Storm,

    /// <summary>Two candidates in every election, and voters that crash after their answer.</summary>
    Duel,

    /// <summary>Membership changes in shifting partitions.</summary>
    Reshuffle,

    /// <summary>Nothing fails but what a test makes fail. Never drawn.</summary>
    Calm,
}

/// <summary>The weathers a run may meet.</summary>
public sealed partial record SimulationProfile
{
    public static SimulationProfile Draw(Random random, Weather? weather = null) => (weather ?? Any(random)) switch
    {
        Weather.Storm => DrawStorm(random),
        Weather.Duel => DrawDuel(random),
        Weather.Reshuffle => DrawReshuffle(random),
        Weather.Calm => DrawCalm(random),
        _ => DrawUsual(random),
    };

    /// <summary>Two in five are usual.</summary>
    private static Weather Any(Random random) => (Weather)Math.Max(0, random.Next(5) - 1);

    private static bool On(Random random, double probability = 0.6) => random.NextDouble() < probability;

    private static SimulationProfile DrawCalm(Random random)
    {
        int nodes = random.Next(3, 6);
        return new SimulationProfile
        {
            Nodes = nodes,
            InitialVoters = nodes,
            DelayMs = 3,
            SyncMs = 3,
            PersistMs = 3,
            MaxDownMs = 1000,
            MaxPartitionMs = 1000,
            FaultIntervalMs = 1000,
            WriteIntervalMs = 20,
            OperatorIntervalMs = 1000,
            MaxInflightMessages = 64,
            MaxMessageBytes = 10_000,
            HeartbeatMs = 50,
            ElectionMinMs = 150,
            ElectionMaxMs = 300,
        };
    }

    /// <summary>Everything that happens in a bad year, in any mixture.</summary>
    private static SimulationProfile DrawUsual(Random random)
    {
        int nodes = random.Next(3, 7);
        return new SimulationProfile
        {
            Nodes = nodes,
            InitialVoters = random.Next(1, Math.Min(nodes, 5) + 1),
            Loss = On(random) ? random.NextDouble() * 0.15 : 0,
            Duplication = On(random) ? random.NextDouble() * 0.1 : 0,
            DelayMs = random.Next(1, 25),
            LateProbability = On(random) ? random.NextDouble() * 0.05 : 0,
            LateMs = random.Next(50, 1500),
            SyncMs = random.Next(1, 15),
            PersistMs = random.Next(0, 10),
            SlowDiskMs = random.Next(50, 600),
            CrashAtEffect = On(random, 0.3) ? random.NextDouble() * 0.002 : 0,
            FaultIntervalMs = random.Next(60, 900),
            MaxDownMs = random.Next(10, 1500),
            MaxPartitionMs = 2000,
            Crashes = On(random, 0.75),
            Pauses = On(random, 0.4),
            Partitions = On(random, 0.7),
            SlowDisks = On(random, 0.5),
            Wipes = On(random, 0.4),
            FitnessFlips = On(random, 0.5),
            Pruning = On(random, 0.4),
            MembershipChanges = On(random),
            Transfers = On(random, 0.5),
            Reads = On(random),
            WriteIntervalMs = random.Next(5, 60),
            OperatorIntervalMs = random.Next(60, 600),
            MaxInflightMessages = random.Next(1, 12),
            MaxMessageBytes = random.Next(100, 2000),
            CommitUpdateDelayMs = random.Next(0, 5),
            HeartbeatMs = 50,
            ElectionMinMs = 150,
            ElectionMaxMs = 300,
        };
    }

    /// <summary>
    /// Leaders die with half-replicated tails, nodes come back at once, every batch travels and is synced alone: where figure 8 of the Raft
    /// paper lives.
    /// </summary>
    private static SimulationProfile DrawStorm(Random random)
    {
        int nodes = random.Next(3, 6);
        return DrawUsual(random) with
        {
            Nodes = nodes,
            InitialVoters = random.Next(3, nodes + 1),
            DelayMs = random.Next(5, 40),
            SyncMs = On(random, 0.5) ? random.Next(5, 40) : random.Next(40, 200),
            PersistMs = random.Next(0, 5),
            FaultIntervalMs = random.Next(60, 200),
            CrashAtEffect = On(random, 0.3) ? random.NextDouble() * 0.005 : 0,
            Crashes = On(random, 0.5),
            Pauses = false,
            SlowDisks = false,
            Wipes = false,
            FitnessFlips = false,
            MembershipChanges = false,
            Transfers = false,
            ShiftingPartitions = true,
            MaxDownMs = random.Next(5, 200),
            MaxPartitionMs = random.Next(100, 600),
            ElectionMinMs = 60,
            ElectionMaxMs = random.Next(80, 160),
            HeartbeatMs = 20,
            WriteIntervalMs = random.Next(10, 40),
            MaxMessageBytes = 100,
            MaxInflightMessages = random.Next(1, 5),
        };
    }

    /// <summary>
    /// Two candidates in every election, on a network slower than their patience, and voters that crash right after they have answered:
    /// where double votes live.
    /// </summary>
    private static SimulationProfile DrawDuel(Random random) => DrawUsual(random) with
    {
        Nodes = 3,
        InitialVoters = 3,
        DelayMs = random.Next(30, 120),
        PersistMs = random.Next(0, 3),
        FaultIntervalMs = random.Next(100, 500),
        Bridge = On(random, 0.8),
        Partitions = false,
        Transfers = false,
        CrashAtEffect = 0,
        CrashAfterVote = 0.1 + (random.NextDouble() * 0.4),
        Crashes = true,
        Pauses = false,
        SlowDisks = false,
        Wipes = false,
        MembershipChanges = false,
        Pruning = false,
        MaxDownMs = random.Next(2, 20),
        MaxPartitionMs = 200,
        ElectionMinMs = 250,
        ElectionMaxMs = random.Next(251, 280),
        HeartbeatMs = 60,
        WriteIntervalMs = random.Next(20, 60),
    };

    /// <summary>
    /// Every leader changes the membership as soon as it leads, and is cut off with a friend: where overlapping majorities are lost.
    /// </summary>
    private static SimulationProfile DrawReshuffle(Random random)
    {
        bool onlyVotesChange = On(random, 0.8);
        return DrawUsual(random) with
        {
            Nodes = onlyVotesChange ? 4 : 5,
            InitialVoters = 4,
            OnlyVotesChange = onlyVotesChange,
            ChangesAtTheWorstTime = true,
            DelayMs = random.Next(3, 20),
            SyncMs = random.Next(1, 10),
            FaultIntervalMs = random.Next(100, 300),
            Crashes = On(random, 0.3),
            Pauses = false,
            SlowDisks = false,
            Pruning = false,
            Transfers = false,
            ShiftingPartitions = true,
            MembershipChanges = true,
            Wipes = false,
            FitnessFlips = false,
            MaxPartitionMs = random.Next(120, 600),
            MaxDownMs = random.Next(5, 200),
            ElectionMinMs = 60,
            ElectionMaxMs = random.Next(80, 180),
            HeartbeatMs = 20,
            WriteIntervalMs = random.Next(30, 100),
            OperatorIntervalMs = random.Next(50, 300),
        };
    }
}
