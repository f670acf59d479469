using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WolfScale.MariaDb;

/// <summary>
/// What a node tells the others about its server: travels as one opaque text with the node's other gossip (<see cref="DatabaseState.Announcement"/>), and
/// comes back through <see cref="DatabaseOptions.Peers"/>.
/// </summary>
/// <param name="ServerId">Its <c>server_id</c>.</param>
/// <param name="Version">Its <c>@@version</c>.</param>
/// <param name="LowerCaseTableNames">Its <c>lower_case_table_names</c>.</param>
/// <param name="Events">Of a leader: which events are not enabled. Null on others, and where there are too many to tell.</param>
internal sealed record DatabaseAnnouncement(uint ServerId, string Version, int? LowerCaseTableNames, EventKnowledge? Events)
{
    public override string ToString() => JsonSerializer.Serialize(this, AnnouncementContext.Default.DatabaseAnnouncement);

    /// <returns>Null for a text that is none: of a node that has not looked at its server yet, or of another version of this program.</returns>
    public static DatabaseAnnouncement? TryParse(string text)
    {
        try
        {
            return text.Length == 0 ? null : JsonSerializer.Deserialize(text, AnnouncementContext.Default.DatabaseAnnouncement);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>
/// Which events the leader has not enabled. A follower cannot tell: MariaDB stores replicated events as SLAVESIDE_DISABLED, whether they were
/// enabled or disabled on the leader (<c>Event_parse_data::check_originator_id</c>; measured).
/// </summary>
/// <param name="AsOf">The leader's clock, in UTC as <c>yyyy-MM-dd HH:mm:ss</c>: an event that was altered then or later may be otherwise.</param>
/// <param name="LastAltered">When an event was altered last; before <paramref name="AsOf"/>, so that this tells of all there were.</param>
/// <param name="NotEnabled"><c>schema.event</c>, of those not enabled.</param>
internal sealed record EventKnowledge(string AsOf, string LastAltered, ImmutableArray<string> NotEnabled)
{
    public string ToJson() => JsonSerializer.Serialize(this, AnnouncementContext.Default.EventKnowledge);

    /// <exception cref="JsonException">Not such knowledge.</exception>
    public static EventKnowledge? FromJson(string json) => JsonSerializer.Deserialize(json, AnnouncementContext.Default.EventKnowledge);

    public bool Equals(EventKnowledge? other) =>
        other is not null && AsOf == other.AsOf && LastAltered == other.LastAltered && NotEnabled.AsSpan().SequenceEqual(other.NotEnabled.AsSpan());

    public override int GetHashCode() => AsOf.GetHashCode(StringComparison.Ordinal);
}

[JsonSerializable(typeof(DatabaseAnnouncement))]
internal sealed partial class AnnouncementContext : JsonSerializerContext;
