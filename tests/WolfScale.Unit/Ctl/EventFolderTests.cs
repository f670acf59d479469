using System.Text.Json;
using WolfScale.Client;
using WolfScale.Client.Events;

namespace WolfScale.Unit.Ctl;

/// <summary>The histories of several nodes as one.</summary>
public class EventFolderTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_several_nodes_saw_is_told_once_by_whom_it_is_about_and_in_order_of_time()
    {
        var folded = EventFolder.Fold(
        [
            Event(41, "node-3", 1.2, "leader_changed", "node-2 leads term 8", new { leader = "node-2", term = 8, why = "silence" }),
            Event(40, "node-3", 0.9, "leader_lost", "of node-3", new { previous_leader = "node-1", term = 7, why = "silence" }),
            Event(12, "node-2", 0.5, "leader_lost", "of node-2", new { previous_leader = "node-1", term = 7, why = "it hung up" }),
            Event(13, "node-2", 1.3, "elected", "this node was elected", new { leader = "node-2", term = 8, why = "it hung up" }),
            Event(14, "node-2", 1.4, "database_opened", "open", new { term = 8 }),
            Event(7, "node-1", 30, "started", "up again", new { pid = 1 }),
        ]);

        Assert.Equal(
            ["of node-2 (node-2 node-3)", "this node was elected (node-2 node-3)", "open (node-2)", "up again (node-1)"],
            folded.Select(e => $"{e.Message} ({string.Join(' ', e.SeenBy!.Value)})"));
    }

    [Fact]
    public void What_happens_again_is_told_again()
    {
        var node = new { node = "node-3", reason = "silent" };
        var folded = EventFolder.Fold(
        [
            Event(1, "node-1", 0, "node_dropped", "first", node), Event(1, "node-2", 3, "node_dropped", "first", node),
            Event(2, "node-1", 5, "node_dropped", "again", node),           // one node tells of it twice
            Event(2, "node-2", 5 + 31, "node_dropped", "much later", node), // longer after than clocks and silences differ
        ]);

        Assert.Equal(["first", "again", "much later"], folded.Select(e => e.Message));
    }

    [Fact]
    public void Different_facts_of_one_kind_and_what_a_node_tells_of_itself_stay_apart()
    {
        var folded = EventFolder.Fold(
        [
            Event(1, "node-1", 0, "leader_changed", "", new { leader = "node-2", term = 8 }), Event(1, "node-3", 0, "leader_changed", "", new { leader = "node-2", term = 9 }),
            Event(2, "node-1", 1, "node_joined", "", new { node = "node-4", incarnation = "a" }), Event(2, "node-3", 1, "node_joined", "", new { node = "node-5", incarnation = "b" }),
            Event(3, "node-1", 2, "alarm", "disk", new { }), Event(3, "node-3", 2, "alarm", "disk", new { }),
            Event(4, "node-1", 3, "of a later version", "", new { term = 8 }), Event(4, "node-3", 3, "of a later version", "", new { term = 8 }),
        ]);

        Assert.Equal(8, folded.Count);
    }

    [Fact]
    public void A_node_that_says_of_itself_that_it_needs_a_migration_is_heard_before_the_others()
    {
        var folded = Assert.Single(EventFolder.Fold(
        [
            Event(1, "node-1", 0, "node_needs_migration", "node-3 is NEEDS_MIGRATION", new { node = "node-3", reason = "…" }),
            Event(9, "node-3", 1, "node_needs_migration", "this node's MariaDB strayed", new { node = "self", reason = "…" }),
        ]));

        Assert.Equal(("this node's MariaDB strayed", "node-3"), (folded.Message, folded.Node));
        Assert.Equal(["node-1", "node-3"], folded.SeenBy!.Value);
    }

    /// <summary>Live, they come as they come.</summary>
    [Fact]
    public void Who_follows_hears_it_from_the_first_who_tells()
    {
        var folder = new EventFolder();
        Assert.NotNull(folder.Take(Event(2, "node-3", 1.2, "leader_changed", "late clock", new { leader = "node-2", term = 8 })));
        Assert.Null(folder.Take(Event(9, "node-1", 0.8, "leader_changed", "", new { leader = "node-2", term = 8 })));
        Assert.NotNull(folder.Take(Event(10, "node-1", 0.9, "started", "", new { pid = 2 })));
    }

    private static EventDocument Event(long id, string node, double seconds, string kind, string message, object details) =>
        new(id, Noon.AddSeconds(seconds), node, kind, message, JsonSerializer.SerializeToElement(details));
}
