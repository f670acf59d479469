using System.Diagnostics;
using System.Globalization;
using Microsoft.Playwright;
using WolfScale.Browser.Harness;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using static Microsoft.Playwright.Assertions;

namespace WolfScale.Browser;

/// <summary>The dashboard of a real cluster, in a real browser.</summary>
public sealed class DashboardTests(DashboardFixture fixture) : ClusterTests<DashboardFixture>(fixture)
{
    private const float Patience = 60_000;
    private const int TransferLimit = 300 * 1024;

    [Fact]
    public async Task It_says_that_the_data_are_safe_and_shows_who_leads()
    {
        var (cluster, leader, follower) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        await viewer.GoAsync(follower.Api);

        await Expect(viewer.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Your data is safe", new() { Timeout = Patience });
        await Expect(viewer.Page.Locator(".verdict-text p")).ToContainTextAsync($"{leader.Id} leads and takes writes. Every acknowledged write is on the disks of at least 2 of 3 nodes; 1 node may fail.");
        await Expect(viewer.Card(leader.Id).Locator(".role")).ToHaveTextAsync("LEADER");
        foreach (var node in cluster.Facts.Nodes.Where(n => n.Id != leader.Id))
        {
            await Expect(viewer.Card(node.Id).Locator(".role")).ToHaveTextAsync("FOLLOWER");
            await Expect(viewer.Page.Locator($".flow-label[data-label=\"{node.Id}\"]")).ToHaveTextAsync("in step", new() { Timeout = Patience });
        }

        await Expect(viewer.Page.Locator("#timeline")).ToContainTextAsync($"{leader.Id}");
        await Expect(viewer.Page.Locator("#deaths tbody tr")).ToHaveCountAsync(3);
        Assert.Empty(viewer.Complaints);
    }

    [Fact]
    public async Task All_of_it_comes_from_the_node_and_is_small()
    {
        var (_, leader, _) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        await viewer.GoAsync(leader.Api);
        await Expect(viewer.Page.Locator("#chart-commits canvas")).ToBeVisibleAsync(new() { Timeout = Patience });

        var sizes = await viewer.Page.EvaluateAsync<double[]>(
            "() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(e => Math.max(e.transferSize, e.decodedBodySize))");
        Print(string.Create(CultureInfo.InvariantCulture, $"{sizes.Length} files, {sizes.Sum():0} bytes before compression"));
        Assert.InRange(sizes.Sum(), 1, TransferLimit);
        Assert.All(viewer.Asked, address => Assert.StartsWith(leader.Api, address, StringComparison.Ordinal));
        Assert.Empty(viewer.Complaints);
    }

    [Fact]
    public async Task A_leader_that_is_killed_is_seen_within_two_seconds_of_what_the_node_knows()
    {
        var (cluster, old, follower) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        await viewer.GoAsync(follower.Api);
        await Expect(viewer.Card(old.Id)).ToHaveClassAsync(new System.Text.RegularExpressions.Regex("leader"), new() { Timeout = Patience });
        // What a person sees, written down by the page itself: a driver's question takes its own time.
        await viewer.Page.EvaluateAsync(
            """
            old => {
              window.seen = { said: "" };
              new MutationObserver(() => { seen.said += document.getElementById("said").textContent; }).observe(document.getElementById("said"), { childList: true, characterData: true, subtree: true });
              const look = () => {
                const leader = document.querySelector(".card.leader")?.dataset.node ?? null;
                if (leader !== old) seen.changed ??= Date.now();
                if (leader !== null && leader !== old) seen.next ??= Date.now();
              };
              new MutationObserver(look).observe(document.getElementById("picture"), { subtree: true, childList: true, attributes: true, characterData: true });
            }
            """, old.Id);

        var killed = DateTimeOffset.UtcNow;
        await cluster.SignalAsync(old.Id, Part.Both, Signal.Kill);
        DateTimeOffset? known = null;
        string? next = null;
        await Poll.UntilAsync("another leader in the node's view", TimeSpan.FromSeconds(60), async () =>
        {
            next = (await cluster.StatusAsync(follower.Id))?.Leader;
            if (next is null || next == old.Id)
                return $"the leader is {next ?? "nobody"}";
            known = DateTimeOffset.UtcNow;
            return null;
        }, TimeSpan.FromMilliseconds(10));
        await Expect(viewer.Card(next!)).ToHaveClassAsync(new System.Text.RegularExpressions.Regex("leader"), new() { Timeout = Patience });

        var seen = await viewer.Page.EvaluateAsync<double[]>("() => [seen.changed, seen.next]");
        var (changed, shown) = (seen[0] - killed.ToUnixTimeMilliseconds(), seen[1] - known!.Value.ToUnixTimeMilliseconds());
        Print(string.Create(CultureInfo.InvariantCulture, $"after the kill: {changed:0} ms until the page showed that {old.Id} leads no more, {(known.Value - killed).TotalMilliseconds:0} ms until {follower.Id} knew {next}, and {shown:0} ms from there until the page showed it"));
        Assert.InRange(shown, double.NegativeInfinity, 2000);
        _ = await viewer.Page.WaitForFunctionAsync("leads => seen.said.includes(leads)", $"{next} leads"); // what a screen reader tells
        await Expect(viewer.Page.Locator(".findings").First).ToContainTextAsync(old.Id, new() { Timeout = Patience });
        await Expect(viewer.Page.Locator("#timeline .why").First).ToBeVisibleAsync(new() { Timeout = Patience });
        Assert.Empty(viewer.Complaints);

        await cluster.StartNodeAsync(old.Id);
        await Expect(viewer.Page.Locator("#picture .card.good")).ToHaveCountAsync(3, new() { Timeout = Patience });
    }

    [Fact]
    public async Task The_lead_moves_by_a_click_a_token_and_a_confirmation()
    {
        var (cluster, old, follower) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        var page = viewer.Page;
        await viewer.GoAsync(follower.Api); // which must ask the leader
        await page.GetByRole(AriaRole.Button, new() { Name = $"Make leader: {follower.Id}" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync($"moves from {old.Id} to {follower.Id}");
        Assert.Equal(old.Id, (await cluster.LeaderAsync()).Id); // nothing before it is confirmed
        await page.GetByLabel("Token").FillAsync(cluster.Facts.Token);
        await page.GetByRole(AriaRole.Button, new() { Name = $"Move the lead to {follower.Id}" }).ClickAsync();

        await Expect(page.Locator(".outcome")).ToContainTextAsync($"{follower.Id} leads. Writes waited", new() { Timeout = Patience });
        Assert.Equal(follower.Id, (await cluster.LeaderAsync()).Id);
        await page.GetByRole(AriaRole.Button, new() { Name = "Close" }).ClickAsync();
        await Expect(viewer.Card(follower.Id).Locator(".role")).ToHaveTextAsync("LEADER", new() { Timeout = Patience });
        await Expect(page.Locator("#timeline")).ToContainTextAsync("an operator asked for it", new() { Timeout = Patience });
        Assert.Equal(cluster.Facts.Token, await page.EvaluateAsync<string>("() => sessionStorage.getItem('wolfscale.token')"));
        Assert.Null(await page.EvaluateAsync<string?>("() => localStorage.getItem('wolfscale.token')"));
        Assert.DoesNotContain(viewer.Asked, address => address.Contains(cluster.Facts.Token, StringComparison.Ordinal));
        Assert.Empty(viewer.Complaints);
    }

    [Fact]
    public async Task A_wrong_token_is_told_and_moves_nothing()
    {
        var (cluster, leader, follower) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Phone);
        var page = viewer.Page;
        await viewer.GoAsync(leader.Api);
        await page.GetByRole(AriaRole.Button, new() { Name = $"Make leader: {follower.Id}" }).ClickAsync();
        await page.GetByLabel("Token").FillAsync("guess");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Alert)).ToContainTextAsync("does not know this token", new() { Timeout = Patience });
        await Expect(page.GetByLabel("Token")).ToBeFocusedAsync();
        Assert.Null(await page.EvaluateAsync<string?>("() => sessionStorage.getItem('wolfscale.token')"));
        Assert.Equal(leader.Id, (await cluster.LeaderAsync()).Id);
        Assert.All(viewer.Complaints, c => Assert.Contains("401", c, StringComparison.Ordinal)); // the browser's own remark on the answer
    }

    [Fact]
    public async Task Maintenance_and_a_comparison_are_ordered_by_keyboard_alone()
    {
        var (cluster, leader, follower) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        var page = viewer.Page;
        await viewer.GoAsync(leader.Api);

        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByText("To the content")).ToBeFocusedAsync();
        await PressUntilAsync(page, "Tab", $"a[href='#/node/{follower.Id}']");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(follower.Id);
        await PressUntilAsync(page, "Tab", "[data-action='maintenance']");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByLabel("Token")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await Expect(page.Locator("[data-action='maintenance']")).ToBeFocusedAsync(); // where it came from

        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.TypeAsync(cluster.Facts.Token);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".outcome")).ToContainTextAsync($"{follower.Id} is in maintenance", new() { Timeout = Patience });
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "End maintenance …" })).ToBeVisibleAsync(new() { Timeout = Patience });
        await Expect(page.Locator("#why-not")).ToContainTextAsync("in maintenance");
        await PressUntilAsync(page, "Tab", "[data-action='maintenance'][data-on='false']");
        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.PressAsync("Enter"); // the token is known by now, so the focus is on the confirmation
        await Expect(page.Locator(".outcome")).ToContainTextAsync("no longer in maintenance", new() { Timeout = Patience });
        await page.Keyboard.PressAsync("Escape");

        await PressUntilAsync(page, "Shift+Tab", ".back a");
        await page.Keyboard.PressAsync("Enter");
        await PressUntilAsync(page, "Tab", "[data-action='verify']");
        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".outcome")).ToContainTextAsync("has begun", new() { Timeout = Patience });
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator("#verify-result")).ToContainTextAsync("found all nodes identical", new() { Timeout = Patience });
        Assert.Empty(viewer.Complaints);
    }

    [Fact]
    public async Task When_its_node_dies_the_page_says_so_and_goes_on_with_another()
    {
        var (cluster, leader, follower) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        await viewer.GoAsync(follower.Api);
        await cluster.SignalAsync(follower.Id, Part.Node, Signal.Kill);

        await Expect(viewer.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync($"{follower.Id} does not answer since", new() { Timeout = Patience });
        await Expect(viewer.Page.GetByRole(AriaRole.Alert).GetByRole(AriaRole.Button, new() { Name = "Stay here" })).ToBeVisibleAsync(new() { Timeout = Patience });
        foreach (var other in cluster.Facts.Nodes.Where(n => n.Id != follower.Id))
            await Expect(viewer.Page.Locator($"#silence a[href^='{other.Api}/']")).ToBeVisibleAsync();
        await Expect(viewer.Page.Locator("#where")).Not.ToContainTextAsync($"as {follower.Id} sees it", new() { Timeout = Patience });
        await Expect(viewer.Page.Locator("#live.live")).ToBeVisibleAsync(new() { Timeout = Patience });
        Assert.DoesNotContain(follower.Api, viewer.Page.Url, StringComparison.Ordinal);
        await cluster.StartNodeAsync(follower.Id);
        await Expect(viewer.Page.Locator("#picture .card.good")).ToHaveCountAsync(3, new() { Timeout = Patience });
        Assert.True(leader.Id.Length > 0);
    }

    [Fact]
    public async Task Who_stays_sees_the_node_come_back()
    {
        var (cluster, _, follower) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk);
        await viewer.GoAsync(follower.Api);
        await cluster.SignalAsync(follower.Id, Part.Node, Signal.Stop); // frozen: no connection ends
        await viewer.Page.GetByRole(AriaRole.Button, new() { Name = "Stay here" }).ClickAsync(new() { Timeout = Patience });
        await cluster.SignalAsync(follower.Id, Part.Node, Signal.Continue);

        await Expect(viewer.Page.Locator("#live.live")).ToBeVisibleAsync(new() { Timeout = Patience });
        await Expect(viewer.Page.Locator("#silence")).ToBeHiddenAsync();
        Assert.StartsWith(follower.Api, viewer.Page.Url, StringComparison.Ordinal);
    }

    /// <summary>Presses a key until what is looked for has the focus, as a person would who sees where it is.</summary>
    private static async Task PressUntilAsync(IPage page, string key, string selector)
    {
        for (var presses = 0; presses < 80; presses++)
        {
            await page.Keyboard.PressAsync(key);
            if (await page.EvaluateAsync<bool>("selector => document.activeElement?.matches(selector) ?? false", selector))
                return;
        }

        Assert.Fail($"{selector} is not reached with {key}; the focus is on {await page.EvaluateAsync<string>("() => document.activeElement?.outerHTML?.slice(0, 200) ?? 'nothing'")}");
    }
}
