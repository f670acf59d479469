using System.Text.Json;
using System.Text.Json.Serialization;
using WolfScale.Cluster.State;
using WolfScale.MariaDb.Plans;

namespace WolfScale.Server.Hosting;

/// <summary>
/// Keeps the MariaDB side's plans in the node's state database, whose writes are on the disk when they return: a rewind's journal
/// is as durable as the node's vote.
/// </summary>
internal sealed class StatePlanStore(IStateStore state) : IPlanStore
{
    private const string Prefix = "mariadb-plan/";

    public ValueTask<PlanRecord?> LoadAsync(string name, CancellationToken cancellationToken) =>
        ValueTask.FromResult(state.Get(Prefix + name) is { } text ? JsonSerializer.Deserialize(text, PlanJson.Default.PlanRecord) : null);

    public ValueTask SaveAsync(PlanRecord plan, CancellationToken cancellationToken)
    {
        state.Put(Prefix + plan.Name, JsonSerializer.Serialize(plan, PlanJson.Default.PlanRecord));
        return ValueTask.CompletedTask;
    }

    public ValueTask ClearAsync(string name, CancellationToken cancellationToken)
    {
        state.Put(Prefix + name, null);
        return ValueTask.CompletedTask;
    }
}

[JsonSerializable(typeof(PlanRecord))]
internal sealed partial class PlanJson : JsonSerializerContext;
