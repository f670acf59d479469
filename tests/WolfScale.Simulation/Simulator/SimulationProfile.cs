namespace WolfScale.Simulation;

/// <summary>
/// What can go wrong in one run, and how often. Drawn anew for every seed, with whole classes of faults switched off at random: a run with
/// few faults gets further than one with all of them at once, and so finds other things.
/// </summary>
public sealed partial record SimulationProfile
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

    /// <summary>Probability of a crash right after a vote has left.</summary>
    public double CrashAfterVote { get; init; }

    /// <summary>Mean time between two faults in ms.</summary>
    public int FaultIntervalMs { get; init; }

    public bool Crashes { get; init; }

    public bool Pauses { get; init; }

    public bool Partitions { get; init; }

    /// <summary>One partition follows the other without a pause, so that every pair of majorities gets its chance.</summary>
    public bool ShiftingPartitions { get; init; }

    /// <summary>The first two nodes hear one another through the third only, so that both ask for its vote.</summary>
    public bool Bridge { get; init; }

    public bool SlowDisks { get; init; }

    public bool Wipes { get; init; }

    public bool FitnessFlips { get; init; }

    public bool Pruning { get; init; }

    public bool MembershipChanges { get; init; }

    /// <summary>The membership is also changed right after every election, and right after a leader was cut off.</summary>
    public bool ChangesAtTheWorstTime { get; init; }

    /// <summary>Membership changes only give and take votes; nobody leaves or is renamed.</summary>
    public bool OnlyVotesChange { get; init; }

    public bool Transfers { get; init; }

    public bool Reads { get; init; }

    /// <summary>Mean time between two batches of writes, and between two acts of the operator, in ms.</summary>
    public int WriteIntervalMs { get; init; }

    public int OperatorIntervalMs { get; init; }

    public int MaxInflightMessages { get; init; }

    public int MaxMessageBytes { get; init; }

    public int CommitUpdateDelayMs { get; init; }

    /// <summary>Longest time a crashed node stays down, in ms.</summary>
    public int MaxDownMs { get; init; }

    /// <summary>Times of the core, in ms.</summary>
    public int HeartbeatMs { get; init; }

    public int ElectionMinMs { get; init; }

    public int ElectionMaxMs { get; init; }

    /// <summary>Longest time a partition lasts, in ms.</summary>
    public int MaxPartitionMs { get; init; }
}
