using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using WolfScale.Server.Http.Data.Committed;
using WolfScale.Server.Http.Data.Statements;
using WolfScale.Server.Http.Data.Values;
using WolfScale.Server.Http.Data.Writing;

namespace WolfScale.Server.Http.Data;

/// <summary><c>/write/…</c>, <c>/sql</c> and <c>/id</c> (docs/http.md).</summary>
internal sealed class DataEndpoints(DataApi api, ILogger logger)
{
    public const string KeyHeader = "Idempotency-Key";
    public const int MostIds = 10_000;

    /// <summary>Requests at a time, their bodies in memory; one more is refused.</summary>
    private const int MostRequests = 512;

    private int _requests;

    public static void Map(IEndpointRouteBuilder routes, DataApi api, ILogger logger)
    {
        var endpoints = new DataEndpoints(api, logger);
        foreach (var kind in Enum.GetValues<WriteKind>())
            endpoints.Post(routes, "/write/" + kind.ToString().ToLowerInvariant(), TokenRole.Write, (context, body) => endpoints.WriteAsync(context, kind, body));
        endpoints.Post(routes, "/write/ddl", TokenRole.Write, endpoints.DefineAsync);
        endpoints.Post(routes, "/sql", TokenRole.Read, endpoints.SqlAsync);
        _ = routes.MapGet("/id", (HttpContext context) => endpoints.GuardAsync(context, () => endpoints.IdsAsync(context))).For(TokenRole.Write);
    }

    private void Post(IEndpointRouteBuilder routes, string path, TokenRole role, Func<HttpContext, byte[], Task> answer) =>
        _ = routes.MapPost(path, (HttpContext context) => GuardAsync(context, async () => await answer(context, await JsonBody.ReadAsync(context.Request, context.RequestAborted)))).For(role);

    /// <summary>What goes wrong becomes a problem, and a line in the log.</summary>
    private async Task GuardAsync(HttpContext context, Func<Task> answer)
    {
        try
        {
            if (Interlocked.Increment(ref _requests) > MostRequests)
                throw new DataProblemException(503, "busy", "Too many requests at a time", $"This node answers {MostRequests} requests of the data routes at a time. Nothing was executed.") { RetryAfterSeconds = 1 };
            await answer();
        }
        catch (DataProblemException e)
        {
            if (e.Status >= 500)
                DataLog.Failed(logger, context.Request.Method, context.Request.Path, e.Status, e.Code, e.Message, context.TraceIdentifier);
            else
                DataLog.Refused(logger, context.Request.Method, context.Request.Path, e.Status, e.Code, context.TraceIdentifier);
            if (!context.Response.HasStarted)
                await Problems.Of(e, context.TraceIdentifier).ExecuteAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody listens any more.
        }
        catch (Exception e) when (e is not BadHttpRequestException)
        {
            DataLog.Broken(logger, context.Request.Method, context.Request.Path, context.TraceIdentifier, e);
            if (context.Response.HasStarted)
                context.Abort();
            else
                await Problems.Of(new DataProblemException(500, "internal", "WolfScale has made a mistake", "The node's log tells more, by the request's id."), context.TraceIdentifier).ExecuteAsync(context);
        }
        finally
        {
            _ = Interlocked.Decrement(ref _requests);
        }
    }

    private async Task WriteAsync(HttpContext context, WriteKind kind, byte[] body)
    {
        var patience = Patience(context.Request);
        using var document = JsonBody.Parse(body);
        var (isBatch, operations) = WriteOperation.Read(kind, document.RootElement);
        var request = KeyOf(context.Request, body);
        var parts = api.Open();
        var answer = await parts.Writer.WriteAsync(operations, request);
        if (answer.Repeated)
            context.Response.Headers["Idempotency-Replayed"] = "true";
        var lacking = await LackingAsync(parts, answer.Place, patience, context.RequestAborted);
        await AnswerAsync(context.Response, json => answer.Write(json, isBatch, lacking));
    }

    private async Task DefineAsync(HttpContext context, byte[] body)
    {
        if (context.Request.Headers.ContainsKey(KeyHeader))
        {
            throw DataProblemException.BadRequest(
                "idempotency_not_supported", "MariaDB commits each definition by itself, so no key can be written together with it. Write CREATE … IF NOT EXISTS or DROP … IF EXISTS, which may be repeated.");
        }

        var patience = Patience(context.Request);
        using var document = JsonBody.Parse(body);
        if (document.RootElement is not { ValueKind: JsonValueKind.Object } root || !root.TryGetProperty("ddl", out var ddl) || ddl.ValueKind != JsonValueKind.String)
            throw DataProblemException.BadRequest("invalid_request", "The body must be {\"ddl\": \"…\", \"database\"?: \"…\"}.");
        if (root.EnumerateObject().Any(f => WriteOperation.Name(f) is not ("ddl" or "database")))
            throw DataProblemException.BadRequest("unknown_field", "The body has a field that POST /write/ddl does not take: it wants {\"ddl\", \"database\"?}.");
        var database = SqlRequest.DatabaseOf(root);
        var parts = api.Open();
        var place = await parts.Sql.DefineAsync(TypedValue.Text(ddl), database, Caller.RoleOf(context));
        var lacking = await LackingAsync(parts, place, patience, context.RequestAborted);
        await AnswerAsync(context.Response, json =>
        {
            json.WriteStartObject();
            json.WriteBoolean("success", true);
            WriteAnswer.WritePlace(json, place);
            WriteAnswer.WriteLacking(json, lacking);
            json.WriteEndObject();
        });
    }

    private async Task SqlAsync(HttpContext context, byte[] body)
    {
        SqlRequest request;
        using (var document = JsonBody.Parse(body))
            request = SqlRequest.Read(document.RootElement);
        await api.Open().Sql.RunAsync(request, KeyOf(context.Request, body), Caller.RoleOf(context), context);
    }

    private async Task IdsAsync(HttpContext context)
    {
        var count = 1;
        if (context.Request.Query["count"] is [{ } text] && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count is 0 or > MostIds))
            throw DataProblemException.BadRequest("invalid_request", $"count is a number from 1 to {MostIds}.");
        var ids = (await api.Open().Numbers.ClockAsync()).Next(count);
        await AnswerAsync(context.Response, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("ids");
            foreach (var id in ids)
                json.WriteStringValue(id.ToString(CultureInfo.InvariantCulture));
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static RepeatableRequest? KeyOf(HttpRequest request, byte[] body) =>
        request.Headers.TryGetValue(KeyHeader, out var key) ? RepeatableRequest.Make(key.ToString(), request.Path, body) : null;

    /// <summary><c>?wait=applied-everywhere[&amp;timeout_ms=N]</c>; null where nobody asks for it.</summary>
    private static TimeSpan? Patience(HttpRequest request)
    {
        if ((string?)request.Query["wait"] is not { } wait)
            return null;
        if (wait != "applied-everywhere")
            throw DataProblemException.BadRequest("invalid_request", "wait can be applied-everywhere; without it a write is answered when the quorum has it.");
        if ((string?)request.Query["timeout_ms"] is not { } text)
            return AppliedEverywhere.DefaultPatience;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var ms) && ms <= AppliedEverywhere.MostPatience.TotalMilliseconds
            ? TimeSpan.FromMilliseconds(ms)
            : throw DataProblemException.BadRequest("invalid_request", $"timeout_ms is a number from 0 to {AppliedEverywhere.MostPatience.TotalMilliseconds:0}.");
    }

    private static async Task<IReadOnlyList<string>?> LackingAsync(DataApi.Parts parts, CommittedPlace? place, TimeSpan? patience, CancellationToken aborted) =>
        patience is not { } limit ? null : place is null ? [] : await parts.Applied.WaitAsync(place.Value, limit, aborted);

    private static async Task AnswerAsync(HttpResponse response, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        await using (var json = new Utf8JsonWriter(buffer))
            write(json);
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = buffer.WrittenCount;
        await response.Body.WriteAsync(buffer.WrittenMemory);
    }
}
