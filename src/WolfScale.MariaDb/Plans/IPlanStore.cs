namespace WolfScale.MariaDb.Plans;

/// <summary>
/// Where plans survive a crash. A plan is saved before the first statement that belongs to its step, and the save is durable (synced)
/// when it returns: the rewind's exactness rests on that.
/// </summary>
public interface IPlanStore
{
    /// <summary>The plan of that name, or null when none is open.</summary>
    ValueTask<PlanRecord?> LoadAsync(string name, CancellationToken cancellationToken);

    /// <summary>Saves the plan, replacing the one of its name.</summary>
    ValueTask SaveAsync(PlanRecord plan, CancellationToken cancellationToken);

    /// <summary>The plan is done: forgets it. Nothing happens where none is open.</summary>
    ValueTask ClearAsync(string name, CancellationToken cancellationToken);
}

/// <summary>One open plan.</summary>
/// <param name="Name">Which plan: <c>rewind</c>, <c>demotion</c>, ….</param>
/// <param name="Step">The step that has been begun; everything before it is done.</param>
/// <param name="Data">What the steps need, as JSON.</param>
public sealed record PlanRecord(string Name, string Step, string Data);
