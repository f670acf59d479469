using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WolfScale.Browser.Harness;
using WolfScale.EndToEnd.Demo;
using static Microsoft.Playwright.Assertions;

namespace WolfScale.Browser;

/// <summary>axe-core on every view, in both schemes, on a desk and on a phone.</summary>
public sealed class AccessibilityTests(DashboardFixture fixture) : ClusterTests<DashboardFixture>(fixture)
{
    [Theory]
    [InlineData("desk", false)]
    [InlineData("desk", true)]
    [InlineData("phone", false)]
    [InlineData("phone", true)]
    public async Task Nothing_keeps_anybody_out(string size, bool dark)
    {
        var (_, leader, follower) = await Fixture.ReadyAsync();
        var look = Look.Of(size, dark);
        await using var viewer = await Fixture.Browser.OpenAsync(look, bypassPolicy: true); // axe-core is put into the page as text
        var page = viewer.Page;
        await viewer.GoAsync(leader.Api);
        await Expect(page.Locator("#chart-commits canvas")).ToBeVisibleAsync();
        await CheckAsync(page, "the overview");
        Assert.Equal(look.Width, await page.EvaluateAsync<int>("() => document.scrollingElement.scrollWidth")); // nothing is wider than the screen

        await page.GetByRole(AriaRole.Button, new() { Name = $"Make leader: {follower.Id}" }).ClickAsync();
        await CheckAsync(page, "the question");
        await page.Keyboard.PressAsync("Escape");
        await page.Locator($"a[href='#/node/{follower.Id}']").ClickAsync();
        await Expect(page.Locator("#node h1")).ToHaveTextAsync(follower.Id);
        await CheckAsync(page, "a node's page");
        Assert.Equal(look.Width, await page.EvaluateAsync<int>("() => document.scrollingElement.scrollWidth"));
    }

    [Fact]
    public async Task The_switch_overrides_the_systems_colours_and_is_remembered()
    {
        var (_, leader, _) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk with { Dark = true });
        await viewer.GoAsync(leader.Api);
        var dark = await GroundAsync(viewer.Page);
        await viewer.Page.GetByLabel("Colours").SelectOptionAsync("light");
        var light = await GroundAsync(viewer.Page);
        Assert.NotEqual(dark, light);
        await viewer.GoAsync(leader.Api);
        Assert.Equal(light, await GroundAsync(viewer.Page));
        await viewer.Page.GetByLabel("Colours").SelectOptionAsync("auto");
        Assert.Equal(dark, await GroundAsync(viewer.Page));
    }

    [Fact]
    public async Task Who_wants_no_motion_gets_none()
    {
        var (_, leader, _) = await Fixture.ReadyAsync();
        await using var viewer = await Fixture.Browser.OpenAsync(Look.Desk with { ReducedMotion = true });
        await viewer.GoAsync(leader.Api);
        await Expect(viewer.Page.Locator(".flow").First).ToBeAttachedAsync();
        Assert.Equal(0, await viewer.Page.EvaluateAsync<int>("() => document.getAnimations().length"));
    }

    private static Task<string> GroundAsync(IPage page) => page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");

    private static async Task CheckAsync(IPage page, string what)
    {
        var found = (await page.RunAxe()).Violations;
        foreach (var violation in found)
            Print($"{what}: {violation.Impact} {violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Select(n => n.Html))}");
        Assert.True(found.Length == 0, $"{what}: {string.Join(", ", found.Select(v => $"{v.Impact} {v.Id} at {string.Join(" | ", v.Nodes.Select(n => n.Html))}"))}");
    }
}
