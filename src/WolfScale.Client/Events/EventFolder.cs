using System.Text.Json;

namespace WolfScale.Client.Events;

/// <summary>
/// Makes one history of several nodes': in order of time, and what several saw told once, with those who saw it. Pure.
/// <para>
/// Two nodes tell of the same when they tell the same fact (who leads which term, who has joined, who is silent) within <see cref="SameTime"/>, by each one's clock. What a node tells of
/// itself alone (its process, its MariaDB, its alarms) is never folded.
/// </para>
/// </summary>
public sealed class EventFolder
{
    /// <summary>Nodes notice a silence some seconds apart, and their clocks may differ a little. One node never tells of one thing twice: then it happened again.</summary>
    public static readonly TimeSpan SameTime = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, Seen> _latest = new(StringComparer.Ordinal);

    /// <summary>Takes the next event.</summary>
    /// <returns>What happened; null when it was taken before from another node.</returns>
    public Seen? Take(EventDocument e)
    {
        if (FactOf(e) is not { } fact)
            return new Seen(e);
        if (_latest.TryGetValue(fact, out var seen) && (e.Time - seen.First).Duration() <= SameTime && seen.TryAdd(e))
            return null;
        return _latest[fact] = new Seen(e);
    }

    /// <summary>All of them, oldest first.</summary>
    public static IReadOnlyList<EventDocument> Fold(IEnumerable<EventDocument> events)
    {
        var folder = new EventFolder();
        List<Seen> all = [.. events.OrderBy(e => e.Time).ThenBy(e => e.Node, StringComparer.Ordinal).ThenBy(e => e.Id).Select(folder.Take).OfType<Seen>()];
        return [.. all.Select(s => s.Document).OrderBy(e => e.Time)];
    }

    /// <summary>What happened, in words that are alike on all nodes that saw it; null where it is that node's own.</summary>
    private static string? FactOf(EventDocument e) => e.Kind switch
    {
        "elected" or "leader_changed" => $"leads {Detail(e, "leader")} {Detail(e, "term")}",
        "leader_lost" => $"{e.Kind} {Detail(e, "previous_leader")} {Detail(e, "term")}",
        "node_joined" or "node_votes" or "node_lost_vote" or "node_moved" or "node_left" => $"{e.Kind} {Detail(e, "node")} {Detail(e, "incarnation")} {Detail(e, "address")}",
        "node_dropped" or "node_offline" or "node_returned" or "node_needs_migration" => $"{e.Kind} {Subject(e)}",
        "verified" or "different" => $"{e.Kind} {Detail(e, "lsn")}",
        _ => null,
    };

    /// <summary>Whom it is about; a node calls itself <c>self</c>.</summary>
    private static string Subject(EventDocument e) => Detail(e, "node") is var node && node == "self" ? e.Node : node;

    private static string Detail(EventDocument e, string name) =>
        e.Details.ValueKind == JsonValueKind.Object && e.Details.TryGetProperty(name, out var value) ? value.ToString() : "";

    /// <summary>One thing that happened.</summary>
    public sealed class Seen(EventDocument e)
    {
        private readonly List<string> _by = [e.Node];
        private EventDocument _told = e;

        /// <summary>When it was seen first.</summary>
        public DateTimeOffset First { get; } = e.Time;

        /// <summary>As it was told: by whom it is about, else by who saw it first.</summary>
        public EventDocument Document => _told with { SeenBy = [.. _by.Order(StringComparer.Ordinal)] };

        public bool TryAdd(EventDocument e)
        {
            if (_by.Contains(e.Node))
                return false;
            _by.Add(e.Node);
            if (e.Kind == "elected" || (e.Kind == "node_needs_migration" && Subject(e) == e.Node))
                _told = e;
            return true;
        }
    }
}
