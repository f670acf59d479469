using WolfScale.Consensus;
using WolfScale.Simulation;

namespace WolfScale.Scenarios;

/// <summary>
/// A node whose every input is a line of the script. Its log is durable only when the script says so; term and vote at once.
/// </summary>
internal sealed class ScriptedNode(NodeKey key, SimulatedLog log, HardState hardState)
{
    private HardState _hardState = hardState;
    private Fitness _fitness = Fitness.Fit;

    public NodeKey Key { get; private set; } = key;

    public string Id => Key.Id;

    public SimulatedLog Log { get; private set; } = log;

    public RaftCore? Core { get; private set; }

    public EffectList Effects { get; } = new();

    /// <summary>The names of the batches' contents are of no interest here; they only must be equal where the batches are.</summary>
    public static long PayloadOf(BatchInfo batch) => (batch.Term * 1_000_003) + batch.FirstLsn;

    public void Start(long nowMs, RaftOptions options)
    {
        Core = new RaftCore(options, Key, new RestoredState(_hardState, Log.Configurations()), Log, new Halfway());
        Core.SetFitness(_fitness, Effects);
        Core.Tick(nowMs, Effects);
    }

    /// <summary>Everything that was not synced is lost.</summary>
    public void Crash()
    {
        Core = null;
        Log.Crash(survivingWrites: 0);
    }

    public void Wipe()
    {
        Crash();
        Key = Key with { Incarnation = Key.Incarnation + 1 };
        Log = new SimulatedLog();
        _hardState = default;
    }

    public void SetFitness(Fitness fitness)
    {
        _fitness = fitness;
        Core?.SetFitness(fitness, Effects);
    }

    public void Persist(HardState state) => _hardState = state;

    public void Sync()
    {
        if (Core is null || !Log.HasUnsynced)
            return;
        Log.Sync(Log.UnsyncedCount);
        Core.LogDurable(Log.DurableLsn, Log.Generation, Effects);
    }

    /// <summary>A random source that always says one half: timeouts lie in the middle of their slices.</summary>
    private sealed class Halfway : Random
    {
        public override double NextDouble() => 0.5;
    }
}
