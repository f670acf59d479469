using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary>What <c>wolfctl</c> is on a terminal alone: colours, a question before what moves or destroys something, a view that goes on.</summary>
public sealed partial class TerminalTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private const string CtrlC = "\x03";

    [Theory]
    [InlineData(null)]
    [InlineData("NO_COLOR")]
    public async Task Statuses_are_coloured_unless_somebody_wants_none(string? variable)
    {
        var cluster = await Fixture.HealthyAsync();
        using var terminal = TerminalSession.Start(variable is null ? null : (variable, "1"), Repository.WolfCtl, "list", "servers", "-e", cluster.Facts.Nodes[0].Api);
        await terminal.SeeAsync("ACTIVE");
        Assert.Equal(0, await terminal.AwaitEndAsync());
        Assert.Equal(variable is null, Green().IsMatch(terminal.Sent));
        Assert.Contains("╭", terminal.Screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stats_take_the_whole_screen_and_give_it_back()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE TABLE IF NOT EXISTS demo.seen (id INT PRIMARY KEY AUTO_INCREMENT)", "INSERT INTO demo.seen VALUES ()");
        using var terminal = TerminalSession.Start(Repository.WolfCtl, "stats", "-e", leader.Api);
        for (var i = 0; i < 3; i++)
        {
            await terminal.SeeAsync("transactions/s");
            await terminal.SeeAsync("Ctrl+C ends it"); // it is drawn anew each second
        }

        await terminal.TypeAsync(CtrlC);
        Assert.Equal(0, await terminal.AwaitEndAsync());
        Assert.InRange(terminal.Sent.IndexOf("\e[?1049h", StringComparison.Ordinal), 0, terminal.Sent.IndexOf("transactions/s", StringComparison.Ordinal));
        Assert.InRange(terminal.Sent.IndexOf("\e[?1049l", StringComparison.Ordinal), terminal.Sent.LastIndexOf("transactions/s", StringComparison.Ordinal), terminal.Sent.Length);
    }

    [Theory]
    [InlineData("n")]
    [InlineData("y")]
    public async Task A_switchover_is_asked_about(string answer)
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var other = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        using var terminal = TerminalSession.Start(Repository.WolfCtl, "promote", other.Id, "-c", cluster.ConfigurationFile(leader.Id));
        await terminal.SeeAsync($"moves from {leader.Id} to {other.Id}");
        await terminal.AnswerAsync("Go on?", answer);
        if (answer == "y")
        {
            await terminal.SeeAsync($"{other.Id} leads, {leader.Id} follows; writes waited");
            Assert.Equal(0, await terminal.AwaitEndAsync());
            return;
        }

        await terminal.SeeAsync("Nothing was done.");
        Assert.NotEqual(0, await terminal.AwaitEndAsync());
        await cluster.RefreshAsync();
        Assert.Equal(leader.Id, (await cluster.LeaderAsync()).Id);
    }

    /// <summary>Enter alone is no name either.</summary>
    [Theory]
    [InlineData("production")]
    [InlineData("")]
    public async Task What_cannot_be_taken_back_wants_the_clusters_name(string typed)
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        var other = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        using var terminal = TerminalSession.Start(Repository.WolfCtl, "remove", other.Id, "--force", "-c", cluster.ConfigurationFile(leader.Id));
        await terminal.AnswerAsync($"Type the cluster's name ({cluster.Facts.Cluster}) to go on:", typed);
        await terminal.SeeAsync($"the cluster is called {cluster.Facts.Cluster}");
        Assert.NotEqual(0, await terminal.AwaitEndAsync());
        await cluster.AwaitHealthyAsync();
    }

    [GeneratedRegex(@"\x1b\[[0-9;]*(32|92|38;5;2)m\s*(ACTIVE|LEADER)")]
    private static partial Regex Green();
}
