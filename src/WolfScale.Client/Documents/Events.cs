using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WolfScale.Client;

/// <summary>One thing that happened, as one node saw it.</summary>
/// <param name="Id">Rises by one with every event of that node.</param>
/// <param name="Time">By that node's clock.</param>
/// <param name="Node">Whose history it is.</param>
/// <param name="Kind">A stable word; <c>docs/events.md</c> lists them.</param>
/// <param name="Message">What happened and why, for a person.</param>
/// <param name="Details">The facts in it, an object.</param>
public sealed record EventDocument(long Id, DateTimeOffset Time, string Node, string Kind, string Message, JsonElement Details)
{
    /// <summary>Of <c>wolfctl events</c> alone, which puts the histories of all nodes together: who told of it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<string>? SeenBy { get; init; }
}

/// <summary><c>GET /events</c>, oldest first.</summary>
/// <param name="Node">Whose history it is.</param>
/// <param name="LastId">The newest event there is; 0 before the first.</param>
/// <param name="Events">Those that were asked for.</param>
public sealed record EventsDocument(string Node, long LastId, ImmutableArray<EventDocument> Events);
