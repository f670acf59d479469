using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Cluster.History;
using WolfScale.Server.Http;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary><c>GET /events</c> over a real socket, from a history of our own making.</summary>
public sealed class EventEndpointsTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new("events");
    private readonly CancellationTokenSource _stopping = new();
    private EventHistory _history = null!;
    private ApiServer _api = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        _history = EventHistory.Open(_folder.Path, "node-1", TimeProvider.System, NullLogger.Instance);
        for (var i = 1; i <= 5; i++)
            _history.Record("alarm", $"event {i}", ("number", i));
        await _history.WaitForMoreAsync(4, TestContext.Current.CancellationToken);
        _api = await ApiServer.StartAsync(
            new ApiSection { BindAddress = "127.0.0.1:0" }, NullLoggerFactory.Instance, routes => EventEndpoints.Map(routes, _history, _stopping.Token), TestContext.Current.CancellationToken);
        _http = new HttpClient { BaseAddress = _api.Address };
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _http.Dispose();
        await _api.DisposeAsync();
        await _history.DisposeAsync();
        _stopping.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("", "1,2,3,4,5")]
    [InlineData("?limit=2", "4,5")]
    [InlineData("?since=2", "3,4,5")]
    [InlineData("?since=2&limit=1", "3")]
    [InlineData("?since=5", "")]
    [InlineData("?since=2000-01-01T00:00:00Z&limit=2", "1,2")]
    public async Task What_is_asked_for_comes_oldest_first(string query, string expected)
    {
        var document = JsonDocument.Parse(await _http.GetStringAsync(new Uri("/events" + query, UriKind.Relative), TestContext.Current.CancellationToken)).RootElement;

        Assert.Equal(("node-1", 5), (document.GetProperty("node").GetString(), document.GetProperty("last_id").GetInt32()));
        var events = document.GetProperty("events").EnumerateArray().ToList();
        Assert.Equal(expected, string.Join(',', events.Select(e => e.GetProperty("id").GetInt32())));
        Assert.All(events, e => Assert.Equal(e.GetProperty("id").GetInt32(), e.GetProperty("details").GetProperty("number").GetInt32()));
    }

    [Theory]
    [InlineData("?limit=0")]
    [InlineData("?limit=999999")]
    [InlineData("?since=yesterday")]
    [InlineData("?since=-1")]
    public async Task Nonsense_is_refused(string query)
    {
        using var answer = await _http.GetAsync(new Uri("/events" + query, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task As_lines_each_event_is_one_object()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/events?limit=3");
        request.Headers.Accept.ParseAdd("application/x-ndjson");
        using var answer = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var lines = (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).TrimEnd('\n').Split('\n');
        Assert.Equal([3, 4, 5], lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("id").GetInt32()));
    }

    [Fact]
    public async Task A_listener_hears_what_happens_and_one_that_comes_back_misses_nothing()
    {
        using (var listener = await ListenAsync("", null))
        {
            _history.Record("elected", "while it listens");
            Assert.Equal((6, "elected"), await listener.NextAsync());
        }

        _history.Record("alarm", "while it is away");
        _history.Record("alarm", "still away");
        using var again = await ListenAsync("", "6");
        Assert.Equal((7, "alarm"), await again.NextAsync());
        Assert.Equal((8, "alarm"), await again.NextAsync());
    }

    [Fact]
    public async Task A_listener_may_begin_at_the_beginning_and_ends_with_the_node()
    {
        using var listener = await ListenAsync("?since=0", null);
        for (var i = 1; i <= 5; i++)
            Assert.Equal((i, "alarm"), await listener.NextAsync());

        await _stopping.CancelAsync();
        Assert.Null(await listener.NextAsync());
    }

    [Fact]
    public async Task A_listener_that_does_not_read_holds_up_nobody()
    {
        using var deaf = await ListenAsync("?since=0", null);
        for (var i = 0; i < 600; i++)
        {
            _history.Record("alarm", new string('x', 10_000));
            await _history.WaitForMoreAsync(5 + i, TestContext.Current.CancellationToken);
        }
        using var listener = await ListenAsync("?since=604", null);
        Assert.Equal((605, "alarm"), await listener.NextAsync());
    }

    [Fact]
    public async Task The_number_of_listeners_is_bounded()
    {
        var listeners = new List<Listener>();
        for (var i = 0; i < EventEndpoints.MaxListeners; i++)
            listeners.Add(await ListenAsync("", null));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/events");
        request.Headers.Accept.ParseAdd("text/event-stream");
        using var refused = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        listeners.ForEach(l => l.Dispose());
    }

    private async Task<Listener> ListenAsync(string query, string? lastId)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/events" + query);
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (lastId is not null)
            request.Headers.Add("Last-Event-ID", lastId);
        var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.StartsWith(":", await reader.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal); // it listens from here on
        return new Listener(answer, reader);
    }

    private sealed class Listener(HttpResponseMessage answer, StreamReader reader) : IDisposable
    {
        /// <summary>The next event; null when the stream has ended.</summary>
        public async Task<(int Id, string Kind)?> NextAsync()
        {
            try
            {
                while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
                {
                    if (!line.StartsWith("data: ", StringComparison.Ordinal))
                        continue;
                    var e = JsonDocument.Parse(line[6..]).RootElement;
                    return (e.GetProperty("id").GetInt32(), e.GetProperty("kind").GetString()!);
                }
            }
            catch (IOException)
            {
                // Cut off: an end as well.
            }

            return null;
        }

        public void Dispose()
        {
            reader.Dispose();
            answer.Dispose();
        }
    }
}
