using Microsoft.Playwright;

namespace WolfScale.Browser.Harness;

/// <summary>Debian's Chromium, driven by Playwright: one for all tests of the run that share the fixture.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private const string Program = "/usr/bin/chromium";

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        Assert.True(File.Exists(Program), $"{Program} is missing; ./run.sh test Browser installs it.");
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Program,
            Headless = true,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"], // root has no sandbox
        });
    }

    /// <summary>A page of its own, as of a person who comes for the first time.</summary>
    internal async Task<Viewer> OpenAsync(Look look, bool bypassPolicy = false)
    {
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = look.Width, Height = look.Height },
            ColorScheme = look.Dark ? ColorScheme.Dark : ColorScheme.Light,
            ReducedMotion = look.ReducedMotion ? ReducedMotion.Reduce : ReducedMotion.NoPreference,
            BypassCSP = bypassPolicy,
        });
        return new Viewer(context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is { } browser)
            await browser.DisposeAsync();
        _playwright?.Dispose();
    }
}

/// <summary>How a page is looked at.</summary>
internal sealed record Look(int Width, int Height, bool Dark = false, bool ReducedMotion = false)
{
    public static Look Desk { get; } = new(1440, 900);

    public static Look Phone { get; } = new(390, 844);

    public static Look Of(string name, bool dark) => (name == "phone" ? Phone : Desk) with { Dark = dark };
}

/// <summary>A person's page, and what the browser complained about meanwhile.</summary>
internal sealed class Viewer : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _complaints = [];

    public Viewer(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.SetDefaultTimeout(30_000);
        page.Console += (_, message) => Note(message.Type is "error" or "warning" ? $"console: {message.Text}" : null);
        page.PageError += (_, error) => Note($"error: {error}");
        page.Request += (_, request) =>
        {
            lock (_complaints)
                Asked.Add(request.Url);
        };
    }

    public IPage Page { get; }

    /// <summary>Every address the page has asked for.</summary>
    public List<string> Asked { get; } = [];

    public IReadOnlyList<string> Complaints
    {
        get
        {
            lock (_complaints)
                return [.. _complaints];
        }
    }

    /// <summary>Opens a node's dashboard and waits until it shows the cluster.</summary>
    public async Task GoAsync(string api, string hash = "")
    {
        _ = await Page.GotoAsync($"{api}/{hash}", new PageGotoOptions { WaitUntil = WaitUntilState.DOMContentLoaded });
        await Assertions.Expect(Page.Locator("#live.live")).ToBeVisibleAsync(new() { Timeout = 30_000 });
    }

    /// <summary>The card of a node in the picture.</summary>
    public ILocator Card(string node) => Page.Locator($".card[data-node=\"{node}\"]");

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();

    private void Note(string? complaint)
    {
        lock (_complaints)
        {
            if (complaint is not null)
                _complaints.Add(complaint);
        }
    }
}
