using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl events</c> on a cluster to which things happen.</summary>
public class EventsTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_new_leader_tells_of_its_election_and_why_and_who_follows_hears_it_live()
    {
        var cluster = await Fixture.HealthyAsync();
        var old = await cluster.LeaderAsync();
        var others = cluster.Facts.Nodes.Where(n => n.Id != old.Id).ToList();
        var ids = new Dictionary<string, long>();
        foreach (var node in others)
            ids[node.Id] = await LastAsync(node);
        var (begun, survivor) = (DateTimeOffset.UtcNow, cluster.ConfigurationFile(others[0].Id));
        using var follow = CommandLine.StartCtl("events", "-e", others[0].Api, "--follow", "--json", "--since", $"{ids[others[0].Id]}");
        try
        {
            _ = follow.StandardError.ReadToEndAsync();
            await cluster.SignalAsync(old.Id, Part.Node, Signal.Kill);
            var leader = await cluster.LeaderAsync(except: old.Id);

            var elected = await AwaitAsync(leader, ids[leader.Id], "elected");
            Assert.Contains($"the connection of the leader {old.Id} ended", elected.GetProperty("message").GetString(), StringComparison.Ordinal);
            Assert.Equal((old.Id, leader.Id), (elected.GetProperty("details").GetProperty("previous_leader").GetString(), elected.GetProperty("node").GetString()));
            _ = await AwaitAsync(leader, ids[leader.Id], "database_opened");

            // Whoever follows a node's events reads of the change as it happens.
            string? line;
            do
                line = await follow.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken);
            while (line is not null && JsonDocument.Parse(line).RootElement.GetProperty("kind").GetString() is not ("elected" or "leader_changed"));
            Assert.NotNull(line);
            await AssertToldAsOneAsync(survivor, begun, old.Id, leader.Id, others);
        }
        finally
        {
            Processes.Send(follow.Id, Signal.Kill);
            await follow.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await cluster.StartNodeAsync(old.Id, Part.Node);
        await cluster.AwaitHealthyAsync(Patience);
        var own = await EventsAsync(old, 0);
        Assert.Equal(2, own.Count(e => e.GetProperty("kind").GetString() == "started")); // its history outlived it
    }

    [Fact]
    public async Task A_switchover_is_told_with_who_wanted_it_and_the_pause()
    {
        var cluster = await Fixture.HealthyAsync();
        var old = await cluster.LeaderAsync();
        var next = cluster.Facts.Nodes.First(n => n.Id != old.Id);
        var (before, beforeNext) = (await LastAsync(old), await LastAsync(next));

        var promoted = await CommandLine.CtlAsync("promote", next.Id, "--yes", "-c", cluster.ConfigurationFile(old.Id));
        Assert.True(promoted.ExitCode == 0, promoted.Errors);

        var switched = await AwaitAsync(old, before, "switchover");
        var details = switched.GetProperty("details");
        Assert.Equal((old.Id, next.Id, "an operator asked for it"), (details.GetProperty("from").GetString(), details.GetProperty("to").GetString(), details.GetProperty("why").GetString()));
        Assert.True(details.GetProperty("write_pause_ms").GetInt64() > 0);
        var elected = await AwaitAsync(next, beforeNext, "elected");
        Assert.Contains($"{old.Id} handed the lead over", elected.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(await EventsAsync(next, beforeNext), e => e.GetProperty("kind").GetString() == "leader_lost");

        var table = await CommandLine.CtlAsync("events", "-e", next.Api, "--limit", "1000");
        Assert.Equal(0, table.ExitCode);
        Assert.Contains(table.Output.Split('\n'), l => l.Contains("elected", StringComparison.Ordinal) && l.Contains("handed the lead over", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_rewind_names_its_file_and_is_counted()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var old = await cluster.LeaderAsync();
        await old.Server.RunAsync("CREATE OR REPLACE TABLE demo.told (id INT PRIMARY KEY)", "INSERT INTO demo.told VALUES (1)");
        await cluster.Comparer.AwaitSamePositionAsync(Patience);
        var before = await LastAsync(old);
        await cluster.SignalAsync(old.Id, Part.Node, Signal.Stop);
        await old.Server.RunAsync("SET GLOBAL rpl_semi_sync_master_enabled = OFF", "INSERT INTO demo.told VALUES (2)", "INSERT INTO demo.told VALUES (3)");
        _ = await cluster.LeaderAsync(except: old.Id);
        await cluster.SignalAsync(old.Id, Part.Node, Signal.Continue);
        await cluster.AwaitHealthyAsync(Patience);

        _ = await AwaitAsync(old, before, "diverged");
        var rewound = (await AwaitAsync(old, before, "rewound")).GetProperty("details");
        var file = rewound.GetProperty("file").GetString()!;
        Assert.Equal(2, rewound.GetProperty("transactions").GetInt32());
        Assert.Contains(file, SavedTransactions.Files(cluster, old.Id).Select(Path.GetFullPath));
        var status = JsonDocument.Parse((await CommandLine.CtlAsync("status", "-e", old.Api, "--json")).Output).RootElement;
        Assert.Equal(2, status.GetProperty("discarded").GetProperty("rolled_back").GetInt32());
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.told", 1)]);
    }

    /// <summary>Without an endpoint the histories of all nodes are one: what both survivors saw is told once, by the new leader, and the dead node is named.</summary>
    private static async Task AssertToldAsOneAsync(string configuration, DateTimeOffset since, string dead, string leader, List<DemoNode> survivors)
    {
        string[] asked = ["events", "-c", configuration, "--since", since.ToString("O", System.Globalization.CultureInfo.InvariantCulture)];
        var ids = survivors.Select(n => n.Id).Order(StringComparer.Ordinal).ToList();
        List<JsonElement> told = [];
        await Poll.UntilAsync("both survivors to have told of it", Patience, async () =>
        {
            var all = await CommandLine.CtlAsync([.. asked, "--json"]);
            Assert.True(all.ExitCode == 0, all.Errors);
            Assert.Contains($"{dead} does not answer", all.Errors, StringComparison.Ordinal);
            told = [.. all.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
            return told.Any(e => Kind(e) == "elected" && SeenBy(e).SequenceEqual(ids)) ? null : all.Output;
        }, TimeSpan.FromMilliseconds(300));

        var term = told.Last(e => Kind(e) == "elected").GetProperty("details").GetProperty("term").GetInt64();
        var ofTerm = told.Where(e => Kind(e) is "elected" or "leader_changed" && e.GetProperty("details").GetProperty("term").GetInt64() == term).ToList();
        Assert.Equal(leader, Assert.Single(ofTerm).GetProperty("node").GetString());
        var times = told.Select(e => e.GetProperty("time").GetDateTimeOffset()).ToList();
        Assert.Equal(times.Order(), times);

        var one = await CommandLine.CtlAsync([.. asked, "--json", "--node", leader]);
        Assert.Equal((0, ""), (one.ExitCode, one.Errors));
        Assert.All(one.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement), e => Assert.Equal((leader, false), (e.GetProperty("node").GetString(), e.TryGetProperty("seen_by", out _))));
        var table = await CommandLine.CtlAsync(asked);
        Assert.Contains(table.Output.Split('\n'), l => l.Contains(string.Join(',', ids), StringComparison.Ordinal) && l.Contains(" elected ", StringComparison.Ordinal));
        var id = await CommandLine.CtlAsync("events", "-c", configuration, "--since", "5");
        Assert.Equal(2, id.ExitCode);
        Assert.Contains("--node", id.ErrorLine, StringComparison.Ordinal);
    }

    private static string? Kind(JsonElement e) => e.GetProperty("kind").GetString();

    private static IEnumerable<string?> SeenBy(JsonElement e) => e.GetProperty("seen_by").EnumerateArray().Select(n => n.GetString());

    private static async Task<long> LastAsync(DemoNode node)
    {
        var events = await EventsAsync(node, 0);
        return events.Count == 0 ? 0 : events[^1].GetProperty("id").GetInt64();
    }

    private static async Task<List<JsonElement>> EventsAsync(DemoNode node, long after)
    {
        var outcome = await CommandLine.CtlAsync("events", "-e", node.Api, "--json", "--limit", "5000", "--since", $"{after}");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        return [.. outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
    }

    private static async Task<JsonElement> AwaitAsync(DemoNode node, long after, string kind)
    {
        JsonElement? found = null;
        await Poll.UntilAsync($"{kind} in the events of {node.Id}", Patience, async () =>
        {
            var events = await EventsAsync(node, after);
            found = events.Where(e => e.GetProperty("kind").GetString() == kind).Cast<JsonElement?>().LastOrDefault();
            return found is null ? $"there are {string.Join(", ", events.Select(e => e.GetProperty("kind").GetString()))}" : null;
        }, TimeSpan.FromMilliseconds(300));
        return found!.Value;
    }
}
