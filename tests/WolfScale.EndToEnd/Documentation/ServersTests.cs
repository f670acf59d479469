using System.Text.RegularExpressions;

namespace WolfScale.EndToEnd.Documentation;

/// <summary>The chapters whose commands want a cluster of servers, on the one that <c>docs/three-servers.md</c> makes.</summary>
public sealed partial class ServersTests(ServersFixture fixture) : IClassFixture<ServersFixture>
{
    [Fact]
    [Runs("three-servers.md", "settings", "first", "others", "application", "use", "kill", "after", "return", "promote")]
    public async Task Three_servers_become_a_cluster_that_survives_its_leader()
    {
        var machines = await HealthyAsync();
        Assert.Contains("is valid", fixture.Printed["first"], StringComparison.Ordinal);
        Assert.Contains("Ada", await fixture.RunAsync("use"), StringComparison.Ordinal);
        _ = await fixture.RunAsync("kill");
        Assert.Contains("Bob", await fixture.RunAsync("after"), StringComparison.Ordinal);
        Assert.Equal(3, Active().Count(await fixture.RunAsync("return")));
        _ = await fixture.RunAsync("promote");
        Assert.Matches("leader +node-1", await machines["node-2"].RunAsync("wolfctl list servers"));
        await HealthyAsync();
    }

    [Fact]
    [Runs("proxy.md", "balancer")]
    [Runs("installation.md", "balancer")]
    public async Task A_load_balancer_on_a_machine_of_its_own()
    {
        var machines = await HealthyAsync();
        _ = await machines["balancer"].RunAsync("systemctl stop mariadb"); // such a machine has none
        _ = await machines["balancer"].RunAsync($"""
            exec {Book.Commands("proxy.md", "balancer").Text.Trim()} &
            trap "kill $!" EXIT
            until mariadb -h 127.0.0.1 -P 3306 -u app -pchoose-one -e 'SELECT 1'; do kill -0 $!; sleep 0.2; done
            """);
        Assert.Contains("active", await machines.RunAsync("installation.md", "balancer", "balancer"), StringComparison.Ordinal);
        Assert.Equal("1", (await machines["balancer"].RunAsync("mariadb -h 127.0.0.1 -P 3306 -u app -pchoose-one -Ne 'SELECT 1'")).Trim());
    }

    [Fact]
    [Runs("wolfctl.md", "look")]
    [Runs("events.md", "newest")]
    [Runs("tuning.md")]
    [Runs("node-ids.md")]
    [Runs("geo-distribution.md")]
    public async Task What_is_looked_at_on_a_node()
    {
        var machines = await HealthyAsync();
        Assert.Equal(3, Active().Count(await machines.RunAsync("wolfctl.md", "look", "node-1")));
        Assert.StartsWith("TIME", await machines.RunAsync("events.md", "newest", "node-1"), StringComparison.Ordinal);
        foreach (var block in Book.Blocks.Where(b => b.IsCommands && b.Document is "tuning.md" or "node-ids.md" or "geo-distribution.md"))
            TestContext.Current.TestOutputHelper!.WriteLine($"{block}\n{await machines.RunAsync(block.Document, block.Name)}");
    }

    [Fact]
    [Runs("http-clients.md")]
    public async Task Programs_that_write_over_HTTP()
    {
        var machines = await HealthyAsync();
        machines.WriteProgramsOf("http-clients.md", "node-2");
        _ = await machines.RunAsync("http-clients.md", "table");
        var exports = Book.Commands("http-clients.md", "table").Text.Split('\n')[0]; // as in one terminal
        foreach (var language in (string[])["csharp", "python", "php"])
            Assert.Contains("Ada", await machines["node-2"].RunAsync($"{exports}\n{Book.Commands("http-clients.md", language).Text}"), StringComparison.Ordinal);
    }

    [Fact]
    [Runs("migration.md", "logical", "physical")]
    public async Task A_node_is_rebuilt_from_another()
    {
        var machines = await HealthyAsync();
        _ = await machines.RunAsync("migration.md", "logical");
        await HealthyAsync();
        _ = await machines.RunAsync("migration.md", "physical");
        await HealthyAsync();
        Assert.Contains("identical", await machines["node-1"].RunAsync("wolfctl verify"), StringComparison.Ordinal);
    }

    private async Task<Machines> HealthyAsync()
    {
        var machines = await fixture.FormedAsync();
        // The machine's shell waits, and not the test: on a busy computer a look alone takes seconds.
        _ = await machines["node-1"].RunAsync("""
            until listed=$(wolfctl list servers) && [ "$(grep -cE 'node-[0-9] .* ACTIVE ' <<<"$listed")" = 3 ] && grep -q ' LEADER ' <<<"$listed"; do sleep 1; done
            """);
        return machines;
    }

    [GeneratedRegex(@"^[* ]?\s*node-\d\s.*\bACTIVE\b", RegexOptions.Multiline)]
    private static partial Regex Active();
}
