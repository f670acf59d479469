namespace WolfScale.MariaDb.Plans;

/// <summary>One step of a plan. Doing it twice is the same as doing it once.</summary>
internal sealed record PlanStep(string Name, Func<CancellationToken, Task> RunAsync);

/// <summary>
/// Runs plans step by step, each saved before it is begun, so that after a crash the next run knows how far the last one came.
/// </summary>
internal sealed class PlanRunner(IPlanStore store)
{
    /// <summary>Called after every step with plan and step; the tests crash here.</summary>
    public Func<string, string, Task>? AfterStep { get; init; }

    /// <param name="name">The plan's name.</param>
    /// <param name="data">What a resumption needs, as JSON.</param>
    /// <param name="steps">The steps, in order.</param>
    /// <param name="from">The step to begin with; null for the first.</param>
    /// <param name="cancellationToken">Ends the run between two steps; the plan stays open.</param>
    public Task RunAsync(string name, string data, IReadOnlyList<PlanStep> steps, string? from, CancellationToken cancellationToken) =>
        RunAsync(name, () => data, steps, from, cancellationToken);

    /// <summary>As above, for steps that learn what later ones need: <paramref name="data"/> is asked before each.</summary>
    public async Task RunAsync(string name, Func<string> data, IReadOnlyList<PlanStep> steps, string? from, CancellationToken cancellationToken)
    {
        foreach (var step in steps.SkipWhile(s => from is not null && s.Name != from))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await store.SaveAsync(new PlanRecord(name, step.Name, data()), cancellationToken);
            await RunAsync(name, step, cancellationToken);
        }

        await store.ClearAsync(name, cancellationToken);
    }

    /// <summary>For a plan that is never resumed: that it is open is saved once, and not how far it has come, because a save is a sync and clients wait.</summary>
    public async Task RunAsOneAsync(string name, IReadOnlyList<PlanStep> steps, CancellationToken cancellationToken)
    {
        await store.SaveAsync(new PlanRecord(name, steps[0].Name, "{}"), cancellationToken);
        foreach (var step in steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await RunAsync(name, step, cancellationToken);
        }

        await store.ClearAsync(name, cancellationToken);
    }

    private async Task RunAsync(string name, PlanStep step, CancellationToken cancellationToken)
    {
        await step.RunAsync(cancellationToken);
        if (AfterStep is { } probe)
            await probe(name, step.Name);
    }
}
