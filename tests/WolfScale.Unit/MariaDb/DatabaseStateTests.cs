using WolfScale.MariaDb;

namespace WolfScale.Unit.MariaDb;

/// <summary>What a node shows itself as: reads go to ACTIVE nodes alone.</summary>
public class DatabaseStateTests
{
    [Theory]
    [InlineData(DatabasePhase.Starting, "SYNCING")]
    [InlineData(DatabasePhase.Down, "OFFLINE")]
    [InlineData(DatabasePhase.Refused, "OFFLINE")]
    [InlineData(DatabasePhase.Waiting, "SYNCING")]
    [InlineData(DatabasePhase.Promoting, "SYNCING")]
    [InlineData(DatabasePhase.Demoting, "SYNCING")]
    [InlineData(DatabasePhase.Rewinding, "SYNCING")]
    [InlineData(DatabasePhase.NeedsMigration, "NEEDS_MIGRATION")]
    [InlineData(DatabasePhase.Serving, "ACTIVE")]
    public void Only_a_server_that_serves_or_follows_in_step_is_ACTIVE(DatabasePhase phase, string status) =>
        Assert.Equal(status, new DatabaseState { Phase = phase, Fit = true }.NodeStatus);

    [Fact]
    public void A_follower_is_ACTIVE_when_it_is_fit_and_LAGGING_when_it_was()
    {
        var following = new DatabaseState { Phase = DatabasePhase.Following };
        Assert.Equal("SYNCING", following.NodeStatus);
        Assert.Equal("ACTIVE", (following with { Fit = true }).NodeStatus);
        Assert.Equal("LAGGING", (following with { IsLagging = true }).NodeStatus);
    }
}
