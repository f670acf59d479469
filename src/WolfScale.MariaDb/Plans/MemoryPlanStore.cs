using System.Collections.Concurrent;

namespace WolfScale.MariaDb.Plans;

/// <summary>Plans that survive nothing: for tests, where the store outlives the controller.</summary>
public sealed class MemoryPlanStore : IPlanStore
{
    private readonly ConcurrentDictionary<string, PlanRecord> _plans = new();

    public ValueTask<PlanRecord?> LoadAsync(string name, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_plans.GetValueOrDefault(name));

    public ValueTask SaveAsync(PlanRecord plan, CancellationToken cancellationToken)
    {
        _plans[plan.Name] = plan;
        return ValueTask.CompletedTask;
    }

    public ValueTask ClearAsync(string name, CancellationToken cancellationToken)
    {
        _plans.TryRemove(name, out _);
        return ValueTask.CompletedTask;
    }
}
