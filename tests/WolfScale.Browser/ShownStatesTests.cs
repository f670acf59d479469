using WolfScale.Browser.Harness;
using WolfScale.EndToEnd.Demo;
using static Microsoft.Playwright.Assertions;

namespace WolfScale.Browser;

/// <summary>What is rare: a weakened promise, a node that must be rebuilt, data that look like markup.</summary>
public sealed class ShownStatesTests(WeakCluster fixture) : ClusterTests<WeakCluster>(fixture)
{
    [Fact]
    public async Task A_weakened_promise_is_shown_and_nothing_says_that_all_is_safe()
    {
        var node = (await Fixture.ReadyAsync()).Facts.Nodes[0];
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        await viewer.GoAsync(node.Api);

        await Expect(viewer.Page.Locator(".weak")).ToContainTextAsync("wal.fsync = false");
        await Expect(viewer.Page.Locator(".weak")).ToContainTextAsync("a power cut can lose acknowledged writes");
        await Expect(viewer.Page.Locator(".weak")).ToContainTextAsync("mode = available");
        await Expect(viewer.Page.Locator("h1")).Not.ToContainTextAsync("Your data is safe");
        await Expect(viewer.Card(node.Id).Locator(".marks")).ToContainTextAsync("fsync off");
        Assert.Empty(viewer.Complaints);
    }

    [Fact]
    public async Task A_node_that_must_be_rebuilt_says_why_and_with_which_command()
    {
        var node = (await Fixture.ReadyAsync()).Facts.Nodes[0];
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        await viewer.GoAsync(node.Api);
        var text = await viewer.Page.EvaluateAsync<string>(Synthetic + """
            const { showNode } = await import("/dashboard/node.js");
            const place = document.createElement("div");
            showNode(place, snapshot, "node-3");
            return place.textContent;
            }
            """);

        Assert.Contains("its log begins behind what its server holds", text, StringComparison.Ordinal);
        Assert.Contains("wolfctl migrate --from 10.0.0.2:8080 --replace-data", text, StringComparison.Ordinal); // a follower, not the leader
        Assert.Contains("Needs migration", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_looks_like_markup_is_text()
    {
        var node = (await Fixture.ReadyAsync()).Facts.Nodes[0];
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        const string evil = "<img src=x onerror=\"window.hit=1\"><script>window.hit=1</script>";
        await viewer.GoAsync(node.Api);
        await viewer.Page.EvaluateAsync(
            """
            async evil => {
              const { Timeline } = await import("/dashboard/timeline.js");
              const place = document.createElement("div");
              place.id = "evil";
              document.querySelector("main").append(place);
              new Timeline(place).set([{ id: 1, time: "2026-01-01T00:00:00Z", node: evil, kind: evil, message: evil, details: { why: evil, node: evil } }]);
            }
            """, evil);

        await Expect(viewer.Page.Locator("#evil")).ToContainTextAsync("<img src=x onerror=");
        Assert.Equal(0, await viewer.Page.Locator("#evil img, #evil script").CountAsync());
        Assert.False(await viewer.Page.EvaluateAsync<bool>("() => 'hit' in window"));
        Assert.Empty(viewer.Complaints);
    }

    [Theory]
    [InlineData("cluster.leader = null; cluster.nodes[1].status = 'DROPPED'; cluster.nodes[2].status = 'DROPPED'", "Writes are waiting: nobody leads", "1 of 3 voters live and 2 are needed")]
    [InlineData("cluster.leader = null", "Writes are waiting: nobody leads", "An election takes a few seconds")]
    [InlineData("cluster.nodes[2].status = 'ACTIVE'", "Your data is safe", "1 node may fail")]
    [InlineData("cluster.nodes[2].status = 'LAGGING'", "Your data is safe, with nothing in reserve", "no further node may fail")]
    [InlineData("cluster.nodes[2].status = 'DROPPED'", "Your data is safe, with nothing in reserve", "no further node may fail")]
    [InlineData("doctor.findings.push({ severity: 'Critical', code: 'different', what: 'node-2 held other rows', do: '' })", "The nodes do not hold the same data", "node-2 held other rows")]
    [InlineData("doctor.findings.push({ severity: 'Warning', code: 'lag', what: 'late', do: '' }); cluster.nodes[2].status = 'ACTIVE'", "Your data is safe, and something needs attention", "1 node may fail")]
    [InlineData("doctor.findings.push({ severity: 'Remark', code: 'fsync_off', node: 'node-1', what: '', do: '' })", "The cluster works, with less than its full promise", "in the logs")]
    public async Task The_first_sentence_is_true(string change, string headline, string sentence)
    {
        var node = (await Fixture.ReadyAsync()).Facts.Nodes[0];
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        await viewer.GoAsync(node.Api);
        var verdict = await viewer.Page.EvaluateAsync<string[]>(Synthetic + "const { cluster, doctor } = snapshot;" + change + """
            ;
            const { judge } = await import("/dashboard/verdict.js");
            const verdict = judge(snapshot);
            return [verdict.headline, verdict.sentence];
            }
            """);

        Assert.Equal(headline, verdict[0]);
        Assert.Contains(sentence, verdict[1], StringComparison.Ordinal);
    }

    /// <summary>The beginning of a function: a picture of three nodes, of which the third must be rebuilt.</summary>
    private const string Synthetic = """
        async () => {
        const member = (id, more) => ({ id, role: "FOLLOWER", status: "ACTIVE", voter: true, fit: true, api: `10.0.0.${id.slice(-1)}:8080`, lag_entries: 0, last_lsn: 9, applied_lsn: 9, last_heard_ms: 1, ...more });
        const snapshot = {
          number: 1, at: "2026-01-01T00:00:00Z", silent: {}, nodes: [], point: null, verification: null,
          cluster: {
            node: "node-1", leader: "node-1", mode: "consistent", term: 2, commit_lsn: 9,
            nodes: [member("node-1", { role: "LEADER" }), member("node-2"), member("node-3", { status: "NEEDS_MIGRATION", fit: false, reason: "its log begins behind what its server holds" })],
          },
          doctor: { findings: [], deaths: [] },
        };
        """;
}

/// <summary>One node with everything off that makes the promise strong.</summary>
public sealed class WeakCluster : ClusterFixture
{
    private bool _started;

    internal Chromium Browser { get; } = new();

    protected override int Nodes => 1;

    protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["wal.fsync=false", "cluster.mode=available"]);

    internal async Task<DemoCluster> ReadyAsync()
    {
        if (!_started)
            await Browser.InitializeAsync();
        _started = true;
        return await HealthyAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await Browser.DisposeAsync();
        await base.DisposeAsync();
    }
}
