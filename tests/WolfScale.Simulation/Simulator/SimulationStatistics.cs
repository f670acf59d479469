namespace WolfScale.Simulation;

/// <summary>How much of what there is to exercise a run has exercised.</summary>
public sealed class SimulationStatistics
{
    public long Elections { get; set; }

    public long Proposals { get; set; }

    public long AcknowledgedWrites { get; set; }

    public long Truncations { get; set; }

    public long ConfigurationChanges { get; set; }

    public long Transfers { get; set; }

    public long Reads { get; set; }

    public long Wipes { get; set; }

    public long Crashes { get; set; }

    public long Migrations { get; set; }

    /// <summary>Mode "available": acknowledged batches that the final log does not hold.</summary>
    public long Lost { get; set; }

    public void Add(SimulationStatistics other)
    {
        Elections += other.Elections;
        Proposals += other.Proposals;
        AcknowledgedWrites += other.AcknowledgedWrites;
        Truncations += other.Truncations;
        ConfigurationChanges += other.ConfigurationChanges;
        Transfers += other.Transfers;
        Reads += other.Reads;
        Wipes += other.Wipes;
        Crashes += other.Crashes;
        Migrations += other.Migrations;
        Lost += other.Lost;
    }

    public override string ToString() =>
        $"{Elections} elections, {AcknowledgedWrites} of {Proposals} writes acknowledged, {Truncations} truncations, {ConfigurationChanges} configuration changes seen, "
        + $"{Transfers} transfers, {Reads} strong reads, {Crashes} crashes, {Wipes} disks wiped, {Migrations} migrations{(Lost > 0 ? $", {Lost} acknowledged batches discarded" : "")}";
}
