using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Client;
using WolfScale.Client.Doctor;
using WolfScale.Cluster.History;
using WolfScale.Server.Dashboard;
using WolfScale.Server.Http;
using WolfScale.Server.Metrics;
using WolfScale.Settings;
using WolfScale.Wal;

namespace WolfScale.Unit.Server;

/// <summary>The dashboard over a real socket: its files, and the stream of pictures of a node of our own making. Time stands still unless a test moves it.</summary>
public sealed class DashboardTests : IAsyncLifetime
{
    private const int Limit = 300 * 1024;

    private readonly TempFolder _folder = new("dashboard");
    private readonly CancellationTokenSource _stopping = new();
    private readonly FakeTimeProvider _time = new();
    private readonly Source _source = new();
    private readonly OtherNodes _others = new(address => new NodeClient($"http://{address}", "", TimeSpan.FromSeconds(30)));
    private EventHistory _history = null!;
    private DashboardFeed _feed = null!;
    private Task _running = null!;
    private ApiServer _api = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _history = EventHistory.Open(_folder.Path, "node-1", TimeProvider.System, NullLogger.Instance);
        _feed = new DashboardFeed(_source, _others, _history, () => null, new Timing(500, 3000), _time);
        _running = _feed.RunAsync(_stopping.Token);
        _api = await ApiServer.StartAsync(
            new ApiSection { BindAddress = "127.0.0.1:0" }, NullLoggerFactory.Instance,
            routes => DashboardEndpoints.Map(routes, _feed, () => ["http://10.0.0.2:8080"], _stopping.Token), Cancelled);
        _http = new HttpClient { BaseAddress = _api.Address };
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _http.Dispose();
        await _api.DisposeAsync();
        _others.Dispose();
        await _history.DisposeAsync();
        _stopping.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void All_of_it_is_small_and_asks_nobody_else_for_anything()
    {
        Assert.InRange(DashboardAssets.All.Values.Sum(a => a.Bytes.Length), 1, Limit);
        foreach (var (name, asset) in DashboardAssets.All.Where(a => a.Key is not ("uplot.js" or "uplot.LICENSE.txt")))
        {
            var text = Encoding.UTF8.GetString(asset.Bytes).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal); // a name, not an address
            Assert.False(text.Contains("http://", StringComparison.Ordinal) || text.Contains("https://", StringComparison.Ordinal), $"{name} names another place.");
        }
    }

    /// <summary>What comes from the cluster (ids, reasons, messages) is put in as text alone. The page's policy forbids the rest once more.</summary>
    [Theory]
    [InlineData("innerHTML")]
    [InlineData("outerHTML")]
    [InlineData("insertAdjacentHTML")]
    [InlineData("document.write")]
    [InlineData("eval(")]
    [InlineData("style=")]
    public void Nothing_makes_markup_of_data(string way) =>
        Assert.DoesNotContain(DashboardAssets.All, a => !a.Key.StartsWith("uplot", StringComparison.Ordinal) && Encoding.UTF8.GetString(a.Value.Bytes).Contains(way, StringComparison.Ordinal));

    [Fact]
    public async Task The_page_runs_its_own_files_alone_and_stands_in_no_frame()
    {
        using var answer = await _http.GetAsync(new Uri("/", UriKind.Relative), Cancelled);

        Assert.Equal((HttpStatusCode.OK, "text/html"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var policy = Header(answer, "Content-Security-Policy").Split("; ");
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains("script-src 'self'", policy);
        Assert.Contains("style-src 'self'", policy);
        Assert.Contains("connect-src 'self' http://10.0.0.2:8080", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.Contains("require-trusted-types-for 'script'", policy);
        Assert.DoesNotContain("unsafe", string.Join(' ', policy), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/dashboard/app.js")]
    [InlineData("/dashboard/history")]
    [InlineData("/nowhere")]
    public async Task Every_answer_has_the_headers_that_keep_browsers_out_of_mischief(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Origin", "https://elsewhere.example");
        using var answer = await _http.SendAsync(request, Cancelled);

        Assert.Equal(("nosniff", "no-referrer", "DENY"), (Header(answer, "X-Content-Type-Options"), Header(answer, "Referrer-Policy"), Header(answer, "X-Frame-Options")));
        Assert.Contains("frame-ancestors 'none'", Header(answer, "Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal("same-origin", Header(answer, "Cross-Origin-Resource-Policy"));
        Assert.DoesNotContain(answer.Headers, h => h.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase)); // CORS is off
    }

    [Fact]
    public async Task A_file_is_sent_compressed_and_only_when_it_has_changed()
    {
        using var first = await _http.SendAsync(Ask("/dashboard/app.js", "Accept-Encoding", "gzip"), Cancelled);
        Assert.Equal(("gzip", "no-cache"), (first.Content.Headers.ContentEncoding.Single(), Header(first, "Cache-Control")));
        using var again = await _http.SendAsync(Ask("/dashboard/app.js", "If-None-Match", Header(first, "ETag")), Cancelled);
        Assert.Equal((HttpStatusCode.NotModified, 0), (again.StatusCode, (await again.Content.ReadAsByteArrayAsync(Cancelled)).Length));
    }

    [Theory]
    [InlineData("/dashboard/nothing.js")]
    [InlineData("/dashboard/..%2f..%2fetc%2fpasswd")]
    [InlineData("/dashboard/%2e%2e/template.toml")]
    public async Task There_are_no_other_files(string path)
    {
        using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative), Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task A_change_is_shown_at_once_and_every_viewer_gets_the_same_picture()
    {
        using var one = await ViewAsync();
        using var other = await ViewAsync();
        _ = await one.NextAsync();
        _ = await other.NextAsync();

        _source.Report = _source.Report with { Leader = "node-2", Term = 4 };
        _feed.Look();

        // Time stands still: no second passes that would bring it.
        await one.UntilAsync(picture => picture.GetProperty("cluster").GetProperty("leader").GetString() == "node-2");
        await other.UntilAsync(picture => picture.GetProperty("cluster").GetProperty("leader").GetString() == "node-2");
        while (one.Number != other.Number)
            _ = await (one.Number < other.Number ? one : other).NextAsync();
        Assert.Equal(one.Text, other.Text);
    }

    [Fact]
    public async Task A_picture_comes_every_second_though_nothing_changes()
    {
        using var viewer = await ViewAsync();
        _ = await viewer.NextAsync();
        var first = viewer.Number;
        _time.Advance(TimeSpan.FromSeconds(1));
        _ = await viewer.NextAsync();
        Assert.True(viewer.Number > first);
    }

    [Fact]
    public async Task What_happens_comes_with_the_next_picture()
    {
        using var viewer = await ViewAsync();
        _ = await viewer.NextAsync();
        _history.Record("alarm", "a <b>bold</b> one");
        await _history.WaitForMoreAsync(0, Cancelled);
        _feed.Nudge();
        while ((await viewer.NextAsync("history")).EnumerateArray().All(e => e.GetProperty("message").GetString() != "a <b>bold</b> one"))
        {
            // What was known before.
        }
    }

    [Fact]
    public async Task A_member_that_refuses_connections_is_told_with_what_to_do()
    {
        _source.Report = _source.Report with { Nodes = [.. _source.Report.Nodes.Select(n => n.Id == "node-2" ? n with { Api = "127.0.0.1:1" } : n)] };
        using var viewer = await ViewAsync();
        await viewer.UntilAsync(p => p.GetProperty("silent").TryGetProperty("node-2", out _));
        var finding = JsonDocument.Parse(viewer.Text).RootElement.GetProperty("doctor").GetProperty("findings").EnumerateArray().Single(f => f.GetProperty("code").GetString() == "node_missing");
        Assert.Equal(("node-2", "Warning"), (finding.GetProperty("node").GetString(), finding.GetProperty("severity").GetString()));
        Assert.NotEmpty(finding.GetProperty("do").GetString()!);
    }

    [Fact]
    public async Task The_number_of_viewers_is_bounded_and_who_leaves_makes_room()
    {
        var viewers = new List<Viewer>();
        for (var i = 0; i < DashboardFeed.MaxViewers; i++)
            viewers.Add(await ViewAsync());
        using var refused = await _http.GetAsync(new Uri("/dashboard/stream", UriKind.Relative), Cancelled);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal("too_many_viewers", JsonDocument.Parse(await refused.Content.ReadAsStringAsync(Cancelled)).RootElement.GetProperty("code").GetString());

        viewers.ForEach(v => v.Dispose());
        while (_feed.Viewers > 0)
            _feed.Nudge(); // a connection's end is noticed when something is sent on it
        using var room = await ViewAsync();
        _ = await room.NextAsync();
    }

    [Fact]
    public async Task The_stream_ends_with_the_node()
    {
        using var viewer = await ViewAsync();
        _ = await viewer.NextAsync();
        await _stopping.CancelAsync();
        await viewer.EndAsync();
    }

    private static HttpRequestMessage Ask(string path, string header, string value)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation(header, value);
        return request;
    }

    private static string Header(HttpResponseMessage answer, string name) => string.Join(", ", answer.Headers.GetValues(name));

    private async Task<Viewer> ViewAsync()
    {
        var answer = await _http.GetAsync(new Uri("/dashboard/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancelled);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        return new Viewer(answer, new StreamReader(await answer.Content.ReadAsStreamAsync(Cancelled)));
    }

    private sealed class Source : IDashboardSource
    {
        public NodeReport Report { get; set; } = new()
        {
            Id = "node-1", Mode = "consistent", Role = "FOLLOWER", Status = "ACTIVE", Leader = "node-1", Term = 3, Version = "0", StartedAt = DateTimeOffset.UnixEpoch, Pid = 1,
            Nodes = [new MemberReport { Id = "node-1", Status = "ACTIVE", Voter = true }, new MemberReport { Id = "node-2", Status = "ACTIVE", Voter = true }],
        };

        public StatsDocument Stats => new(Report.Id, DateTimeOffset.UnixEpoch, 1, Report.Role, Report.Leader, Report.Term, 1, 1, 1, 0, null, new TimesStats(0, null, null, null), null, []);

        public Figures Figures => new(0, 0, 0, 0, null, null, null, new LatencyHistogram(), 0, 0, 0);
    }

    private sealed class Viewer(HttpResponseMessage answer, StreamReader reader) : IDisposable
    {
        /// <summary>Of the newest picture.</summary>
        public long Number { get; private set; }

        /// <summary>The newest picture, as it came.</summary>
        public string Text { get; private set; } = "";

        /// <summary>The next of a kind.</summary>
        public async Task<JsonElement> NextAsync(string kind = "snapshot")
        {
            while (await LineAsync() is { } line)
            {
                if (line != $"event: {kind}")
                    continue;
                var text = (await LineAsync())!["data: ".Length..];
                var data = JsonDocument.Parse(text).RootElement;
                if (kind == "snapshot")
                    (Number, Text) = (data.GetProperty("number").GetInt64(), text);
                return data;
            }

            throw new EndOfStreamException();
        }

        public async Task UntilAsync(Func<JsonElement, bool> fits)
        {
            while (!fits(await NextAsync()))
            {
                // An earlier one.
            }
        }

        private Task<string?> LineAsync() => reader.ReadLineAsync(Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

        public async Task EndAsync()
        {
            try
            {
                while (await reader.ReadLineAsync(Cancelled) is not null)
                {
                    // What was on its way.
                }
            }
            catch (IOException)
            {
                // Cut off: an end as well.
            }
        }

        public void Dispose()
        {
            reader.Dispose();
            answer.Dispose();
        }
    }
}
