using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using WolfScale.Server.Http;

namespace WolfScale.Server.Dashboard;

/// <summary>The page at <c>/</c>, its files, and what it shows. All of it is open, as status and events are; what changes something is in <see cref="DashboardActions"/>.</summary>
internal sealed class DashboardEndpoints
{
    private static readonly string[] Reading = ["GET", "HEAD"];

    private readonly DashboardFeed _feed;
    private readonly CancellationToken _stopping;

    private DashboardEndpoints(DashboardFeed feed, CancellationToken stopping) => (_feed, _stopping) = (feed, stopping);

    /// <param name="routes">Of the API.</param>
    /// <param name="feed">Makes the pictures.</param>
    /// <param name="members">Origins of the other members' APIs, which the page may ask whether they are there when this node is not.</param>
    /// <param name="stopping">Ends the viewers, so that the API can be stopped.</param>
    public static void Map(IEndpointRouteBuilder routes, DashboardFeed feed, Func<IEnumerable<string>> members, CancellationToken stopping)
    {
        var endpoints = new DashboardEndpoints(feed, stopping);
        _ = routes.MapMethods("/", Reading, context => SendAsync(context, DashboardAssets.Page, SecurityHeaders.PagePolicy(members()))).Open();
        _ = routes.MapMethods("/dashboard/{file}", Reading, context => SendAsync(context, (string)context.Request.RouteValues["file"]!, SecurityHeaders.NothingPolicy)).Open();
        _ = routes.MapGet("/dashboard/node", (HttpContext context) => endpoints.Node(context.Request.Query["since"])).Open();
        _ = routes.MapGet("/dashboard/history", context => endpoints.HistoryAsync(context)).Open();
        _ = routes.MapGet("/dashboard/stream", context => endpoints.StreamAsync(context)).Open();
        _ = routes.MapGet("/dashboard/ping", Ping).Open();
    }

    /// <summary>For the pages of other nodes, which may not read an answer: that one comes is all it tells.</summary>
    private static IResult Ping(HttpContext context)
    {
        context.Response.Headers["Cross-Origin-Resource-Policy"] = "cross-origin";
        return Results.NoContent();
    }

    private static Task SendAsync(HttpContext context, string name, string policy)
    {
        if (!DashboardAssets.All.TryGetValue(name, out var asset))
            return Problems.NotFound($"The dashboard has no file \"{name}\".").ExecuteAsync(context);
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = policy;
        headers.CacheControl = "no-cache"; // kept, and asked for with its tag: an upgraded node shows its own page at once
        headers.ETag = asset.Tag;
        headers.Vary = "Accept-Encoding";
        if (context.Request.Headers.IfNoneMatch == asset.Tag)
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        context.Response.ContentType = asset.Type;
        return WriteAsync(context, asset.Bytes, asset.Compressed);
    }

    private Task HistoryAsync(HttpContext context)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes([.. _feed.Points], ApiJson.Readable.ImmutableArrayDashboardPoint);
        context.Response.ContentType = "application/json; charset=utf-8";
        return WriteAsync(context, bytes, DashboardAssets.Compress(bytes));
    }

    private static Task WriteAsync(HttpContext context, byte[] plain, byte[] compressed)
    {
        var packs = context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        if (packs)
            context.Response.Headers.ContentEncoding = "gzip";
        var bytes = packs ? compressed : plain;
        context.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes, 0, bytes.Length, context.RequestAborted);
    }

    private async Task StreamAsync(HttpContext context)
    {
        if (!_feed.TryJoin())
        {
            await Problems.Make(StatusCodes.Status503ServiceUnavailable, "too_many_viewers", "Too many dashboards are open", $"{DashboardFeed.MaxViewers} pages show this node already. Close one, or open another node's.").ExecuteAsync(context);
            return;
        }

        try
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping);
            if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
                rate.MinDataRate = null; // a page in the background may not read for a while
            context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            context.Response.ContentType = "text/event-stream";
            await ShowAsync(context.Response, end.Token);
        }
        catch (OperationCanceledException)
        {
            // The viewer went away, or the node stops.
        }
        finally
        {
            _feed.Leave();
        }
    }

    private async Task ShowAsync(HttpResponse response, CancellationToken end)
    {
        var (number, told) = (0L, 0L);
        while (true)
        {
            var frame = await _feed.NextAsync(number, end);
            await SendAsync(response, "snapshot", frame.Json, end);
            if (frame.History.Number != told)
                await SendAsync(response, "history", frame.History.Json, end);
            (number, told) = (frame.Number, frame.History.Number);
            await response.Body.FlushAsync(end);
        }
    }

    private static async Task SendAsync(HttpResponse response, string kind, ReadOnlyMemory<byte> json, CancellationToken end)
    {
        await response.WriteAsync($"event: {kind}\ndata: ", end);
        await response.Body.WriteAsync(json, end);
        await response.WriteAsync("\n\n", end);
    }

    private IResult Node(string? since)
    {
        var after = 0L;
        return since is { Length: > 0 } && !long.TryParse(since, NumberStyles.None, CultureInfo.InvariantCulture, out after)
            ? Problems.BadRequest("since is an event's id.")
            : Results.Text(JsonSerializer.SerializeToUtf8Bytes(_feed.Own(after), ApiJson.Readable.DashboardNode), "application/json; charset=utf-8");
    }
}
