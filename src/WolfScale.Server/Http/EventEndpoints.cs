using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using WolfScale.Cluster.History;

namespace WolfScale.Server.Http;

/// <summary>
/// <c>GET /events</c>: the node's history, as a document, as lines (<c>application/x-ndjson</c>), or live (<c>text/event-stream</c>). A listener has a place
/// in the history and takes what comes after it when its connection has room: one that does not read holds nothing but its connection.
/// </summary>
internal sealed class EventEndpoints
{
    public const int DefaultLimit = 100;

    /// <summary>Listeners at a time: each holds a connection for as long as it likes.</summary>
    public const int MaxListeners = 64;

    private const string EventStream = "text/event-stream";
    private const string Lines = "application/x-ndjson";
    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(15);

    private readonly EventHistory _history;
    private readonly CancellationToken _stopping;
    private int _listeners;

    private EventEndpoints(EventHistory history, CancellationToken stopping) => (_history, _stopping) = (history, stopping);

    /// <param name="routes">Of the API.</param>
    /// <param name="history">The node's.</param>
    /// <param name="stopping">Ends the listeners, so that the API can be stopped.</param>
    public static void Map(IEndpointRouteBuilder routes, EventHistory history, CancellationToken stopping)
    {
        var endpoints = new EventEndpoints(history, stopping);
        _ = routes.MapGet("/events", (HttpContext context) => endpoints.AnswerAsync(context)).Open();
    }

    private Task AnswerAsync(HttpContext context)
    {
        var accept = context.Request.Headers.Accept.ToString();
        if (!TryLimit(context.Request.Query["limit"], out var limit))
            return Problems.BadRequest($"limit is a number from 1 to {EventHistory.Kept}.").ExecuteAsync(context);
        var since = (string?)context.Request.Query["since"] ?? "";
        if (!TrySince(since, out var id, out var time))
            return Problems.BadRequest("since is an event's id, or a time (RFC 3339).").ExecuteAsync(context);
        if (accept.Contains(EventStream, StringComparison.OrdinalIgnoreCase))
            return ListenAsync(context, id, time);
        var events = Choose(id, time, limit);
        if (accept.Contains(Lines, StringComparison.OrdinalIgnoreCase))
            return Results.Text(string.Concat(events.Select(e => Json(e) + "\n")), Lines + "; charset=utf-8").ExecuteAsync(context);
        var document = new EventsDocument(_history.Node, _history.LastId, [.. events.Select(Document)]);
        return Results.Text(JsonSerializer.SerializeToUtf8Bytes(document, ApiJson.Readable.EventsDocument), "application/json; charset=utf-8").ExecuteAsync(context);
    }

    private IReadOnlyList<NodeEvent> Choose(long? id, DateTimeOffset? time, int limit) =>
        id is { } after ? _history.After(after, limit) : time is { } from ? _history.Since(from, limit) : _history.Newest(limit);

    private async Task ListenAsync(HttpContext context, long? id, DateTimeOffset? time)
    {
        if (Interlocked.Increment(ref _listeners) > MaxListeners)
        {
            Interlocked.Decrement(ref _listeners);
            await Problems.Make(StatusCodes.Status503ServiceUnavailable, "too_many_listeners", "Too many follow the events", $"{MaxListeners} connections follow this node's events already.").ExecuteAsync(context);
            return;
        }

        try
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping);
            if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
                rate.MinDataRate = null; // between two events nothing is sent
            context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            context.Response.ContentType = EventStream;
            if (long.TryParse(context.Request.Headers["Last-Event-ID"], CultureInfo.InvariantCulture, out var seen))
                id = seen;
            var at = id ?? (time is { } from ? _history.Since(from, 1) is [{ Id: var first }] ? first - 1 : _history.LastId : _history.LastId);
            await context.Response.WriteAsync(": from here on\n\n", end.Token);
            await context.Response.Body.FlushAsync(end.Token);
            while (true)
            {
                foreach (var e in _history.After(at, DefaultLimit))
                {
                    // Waits where the listener's connection has no room: the place in the history is the queue.
                    await context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"id: {e.Id}\nevent: {e.Kind}\ndata: {Json(e)}\n\n"), end.Token);
                    at = e.Id;
                }

                await context.Response.Body.FlushAsync(end.Token);
                if (!await MoreAsync(at, end.Token))
                    await context.Response.WriteAsync(": still here\n\n", end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The listener went away, or the node stops.
        }
        finally
        {
            Interlocked.Decrement(ref _listeners);
        }
    }

    /// <returns>False: nothing has happened for a while.</returns>
    private async Task<bool> MoreAsync(long at, CancellationToken cancellationToken)
    {
        try
        {
            await _history.WaitForMoreAsync(at, cancellationToken).WaitAsync(SignOfLife, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private static bool TryLimit(string? text, out int limit)
    {
        limit = DefaultLimit;
        return text is null || (int.TryParse(text, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= EventHistory.Kept);
    }

    private static bool TrySince(string text, out long? id, out DateTimeOffset? time)
    {
        (id, time) = (null, null);
        if (text.Length == 0)
            return true;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            id = number;
        else if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment))
            time = moment;
        return id is not null || time is not null;
    }

    private static string Json(NodeEvent e) => JsonSerializer.Serialize(Document(e), ApiJson.Readable.EventDocument);

    internal static EventDocument Document(NodeEvent e)
    {
        using var details = JsonDocument.Parse(e.Details);
        return new EventDocument(e.Id, e.Time, e.Node, e.Kind, e.Message, details.RootElement.Clone());
    }
}
