using WolfScale.Client;
using WolfScale.Ctl.Commands;

namespace WolfScale.Unit.Ctl;

/// <summary>What <c>wolfctl migrate --physical</c> makes of what the node says when its server runs with the copy. Until it is in step the files of before are kept, and the lock.</summary>
public class PhysicalMigrateTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Now = Begin.AddMinutes(1);

    [Theory]
    [InlineData(null, false)] // it has not looked yet
    [InlineData("finishing", false)]
    [InlineData("failed", false)] // without an error: it waits for its files
    [InlineData("done", true)]
    public void A_node_that_runs_on_tells_of_its_copy(string? phase, bool taken) =>
        Assert.Equal(taken, PhysicalMigrate.HasTakenCopy(Node(Begin), Node(Begin, phase, "ACTIVE", Now)));

    [Fact]
    public void What_it_told_of_an_earlier_copy_does_not_count() =>
        Assert.False(PhysicalMigrate.HasTakenCopy(Node(Begin, "done", copied: Begin), Node(Begin, "done", "ACTIVE", Begin)));

    /// <summary>Restarted after it had taken the copy it tells nothing of it: waiting for that would be for ever, with the lock held.</summary>
    [Theory]
    [InlineData(null, true)]
    [InlineData("finishing", false)] // by its journal
    [InlineData("done", true)]
    public void A_node_that_was_restarted_meanwhile_goes_by_its_journal(string? phase, bool taken) =>
        Assert.Equal(taken, PhysicalMigrate.HasTakenCopy(Node(Begin, "done", copied: Begin), Node(Now, phase, "SYNCING", Now)));

    [Theory]
    [InlineData("failed", "ACTIVE", "no such ticket")]
    [InlineData("done", "NEEDS_MIGRATION", "pruned past it")]
    [InlineData(null, "NEEDS_MIGRATION", "pruned past it")]
    public void A_node_that_cannot_go_on_from_it_is_an_error(string? phase, string status, string why)
    {
        var now = Node(Now, phase, status, Now, "no such ticket") with { Reason = "pruned past it" };
        Assert.Contains(why, Assert.Throws<RefusedException>(() => PhysicalMigrate.HasTakenCopy(Node(Begin), now)).Message, StringComparison.Ordinal);
    }

    private static NodeReport Node(DateTimeOffset started, string? phase = null, string status = "NEEDS_MIGRATION", DateTimeOffset copied = default, string? error = null) => new()
    {
        Id = "node-1", Mode = "consistent", Version = "1", Pid = 1, StartedAt = started, Status = status,
        Migration = phase is null ? null : new MigrationReport { From = "node-2", Phase = phase, StartedAt = copied, Error = phase == "failed" ? error : null },
    };
}
