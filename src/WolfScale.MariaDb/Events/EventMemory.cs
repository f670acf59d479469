using WolfScale.MariaDb.Plans;

namespace WolfScale.MariaDb.Events;

/// <summary>Remembers what the leader last told about its events, over restarts of the node: when it is needed, the leader is gone.</summary>
internal sealed class EventMemory(ServerContext context)
{
    private const string RecordName = "events";

    private EventKnowledge? _last;

    /// <summary>Takes what the present leader tells; cheap when it is nothing new.</summary>
    public async Task ListenAsync(CancellationToken cancellationToken)
    {
        if (context.Options.Peers().FirstOrDefault(p => p.Leads)?.Events is not { } told || told.Equals(_last))
            return;
        await context.Store.SaveAsync(new PlanRecord(RecordName, "told", told.ToJson()), cancellationToken);
        _last = told;
    }

    public async Task<EventKnowledge?> RecallAsync(CancellationToken cancellationToken) =>
        _last ?? (await context.Store.LoadAsync(RecordName, cancellationToken) is { } record ? EventKnowledge.FromJson(record.Data) : null);
}
