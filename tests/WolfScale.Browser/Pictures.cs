using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;
using MySqlConnector;
using WolfScale.Browser.Harness;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;
using static Microsoft.Playwright.Assertions;

namespace WolfScale.Browser;

/// <summary>Takes the pictures of docs/dashboard.md, of a cluster under load whose leader dies: <c>WOLFSCALE_PICTURES=docs/images</c>. It takes six minutes, because the charts hold five.</summary>
public sealed class Pictures(DashboardFixture fixture) : ClusterTests<DashboardFixture>(fixture)
{
    private const string Variable = "WOLFSCALE_PICTURES";
    private const int Writers = 6;
    private static readonly TimeSpan Filled = TimeSpan.FromMinutes(7);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_the_documentation()
    {
        var folder = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipUnless(folder is { Length: > 0 }, $"Only on request: set {Variable} to a folder.");
        var (cluster, leader, _) = await Fixture.ReadyAsync();
        await leader.Server.RunAsync("CREATE TABLE demo.orders (id BIGINT PRIMARY KEY AUTO_INCREMENT, customer INT, amount DECIMAL(10,2), note VARCHAR(200))");
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var load = Enumerable.Range(0, Writers).Select(i => WriteAsync(cluster.Facts, i, end.Token)).ToList();

        await using var watching = await Fixture.Browser.OpenAsync(Look.Desk); // so that the nodes are asked for their sessions all along
        await watching.GoAsync(leader.Api);
        await CompareAsync(watching.Page, cluster.Facts.Token);
        await AwaitPointsAsync(leader, 295);
        await TakeAsync(leader.Api, "", Look.Desk, Path.Combine(folder!, "dashboard-desk-light.png"));
        await TakeAsync(leader.Api, "", Look.Desk, Path.Combine(folder!, "dashboard-desk-charts.png"), "#charts-title");
        await TakeAsync(leader.Api, "", Look.Phone with { Dark = true }, Path.Combine(folder!, "dashboard-phone-dark.png"));
        await TakeAsync(leader.Api, $"#/node/{leader.Id}", Look.Phone, Path.Combine(folder!, "dashboard-node-phone-light.png"));

        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        var next = await cluster.LeaderAsync(except: leader.Id);
        await using var after = await Fixture.Browser.OpenAsync(Look.Desk with { Dark = true });
        await after.GoAsync(next.Api);
        await Expect(after.Page.Locator(".findings")).ToContainTextAsync(leader.Id, new() { Timeout = 60_000 });
        var points = await CountAsync(next);
        await Poll.UntilAsync("half a minute of commits under the new leader", Filled, async () => await SinceAsync(next) is var seconds && seconds > 30 ? null : $"{seconds} s of {points}");
        await TakeAsync(next.Api, "", Look.Desk with { Dark = true }, Path.Combine(folder!, "dashboard-desk-dark.png"));

        await end.CancelAsync();
        await Task.WhenAll(load);
        await cluster.StartNodeAsync(leader.Id);
    }

    private static async Task CompareAsync(IPage page, string token)
    {
        await page.Locator("[data-action='verify']").ClickAsync();
        await page.GetByLabel("Token").FillAsync(token);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".outcome")).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await page.Keyboard.PressAsync("Escape");
    }

    private async Task TakeAsync(string api, string hash, Look look, string file, string? from = null)
    {
        await using var viewer = await Fixture.Browser.OpenAsync(look);
        await viewer.GoAsync(api, hash);
        if (hash.Length == 0)
            await Expect(viewer.Page.Locator("#chart-sessions .legend strong").Filter(new() { HasNotText = "–" }).First).ToBeVisibleAsync(new() { Timeout = 60_000 });
        if (from is not null)
            await viewer.Page.Locator(from).EvaluateAsync("place => scrollTo(0, place.getBoundingClientRect().top + scrollY - 90)");
        _ = await viewer.Page.ScreenshotAsync(new PageScreenshotOptions { Path = file });
    }

    private static Task<TimeSpan> AwaitPointsAsync(DemoNode node, int points) =>
        Poll.UntilAsync("charts that are full", Filled, async () => await CountAsync(node) is var count && count >= points ? null : $"{count} points");

    private static async Task<int> CountAsync(DemoNode node) => (await HistoryAsync(node)).GetArrayLength();

    /// <summary>Seconds with commits since the last one without.</summary>
    private static async Task<int> SinceAsync(DemoNode node) =>
        (await HistoryAsync(node)).EnumerateArray().Reverse().TakeWhile(p => p.GetProperty("commits_per_second").GetDouble() > 0).Count();

    private static async Task<JsonElement> HistoryAsync(DemoNode node)
    {
        using var http = new HttpClient();
        return JsonDocument.Parse(await http.GetStringAsync(new Uri(new Uri(node.Api), "/dashboard/history"), Cancelled)).RootElement;
    }

    /// <summary>A client that comes through a node's proxy, writes and reads at a pace that rises and falls, and comes again when its node dies.</summary>
    private static async Task WriteAsync(DemoFacts facts, int number, CancellationToken cancellationToken)
    {
        var node = number;
        var random = new Random(number);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var proxy = facts.Nodes[node % facts.Nodes.Count].Proxy;
                await using var connection = new MySqlConnection(string.Create(
                    CultureInfo.InvariantCulture, $"Server={proxy.Host};Port={proxy.Port};User ID={facts.User};Password={facts.Password};Database=demo;Pooling=false"));
                await connection.OpenAsync(cancellationToken);
                for (var round = 0; ; round++)
                {
                    using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20 + (60 * (1 + Math.Sin((round / 300.0) + number))) + random.Next(30)));
                    _ = await pause.WaitForNextTickAsync(cancellationToken);
                    await connection.RunAsync($"INSERT INTO orders (customer, amount, note) VALUES ({random.Next(1000)}, {random.Next(100)}.50, REPEAT('x', {random.Next(200)}))");
                    _ = await connection.ScalarAsync("SELECT COUNT(*) FROM orders WHERE customer = 7");
                }
            }
            catch (Exception e) when (e is MySqlException or OperationCanceledException or IOException)
            {
                node++; // another node's proxy, as a driver with several hosts does
            }
        }
    }
}
