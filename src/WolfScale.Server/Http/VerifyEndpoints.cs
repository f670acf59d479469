using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using MySqlConnector;
using WolfScale.MariaDb;

namespace WolfScale.Server.Http;

/// <summary><c>POST /admin/verify</c>: a node's part in <c>wolfctl verify</c>, step by step. It reads, and pauses the feed for moments.</summary>
internal static class VerifyEndpoints
{
    private const int MostRows = 1_000_000;

    /// <param name="routes">Where it goes.</param>
    /// <param name="verification">The node's part; null where it has no server, or none yet.</param>
    /// <param name="remember">Hears what came of it.</param>
    public static void Map(IEndpointRouteBuilder routes, Func<Verification?> verification, Action<VerifyOutcome> remember) =>
        routes.MapPost("/admin/verify", (HttpContext context, CancellationToken aborted) => AnswerAsync(context, verification(), remember, aborted)).For(TokenRole.Admin);

    private static async Task<IResult> AnswerAsync(HttpContext context, Verification? verification, Action<VerifyOutcome> remember, CancellationToken aborted)
    {
        if (await ReadAsync(context, aborted) is not { Id.Length: > 0 } request)
            return Problems.BadRequest("The body must be {\"id\", \"step\", …}.");
        if (verification is null)
            return Problems.Make(StatusCodes.Status409Conflict, VerifyProblems.NoDatabase, "This node has no server to compare", "It is a witness, or has only just been started.");
        try
        {
            if (request is { Step: "end", Outcome: { } outcome })
                remember(outcome);
            return await StepAsync(verification, request, aborted) is { } answer
                ? Results.Text(JsonSerializer.Serialize(answer, ApiJson.Readable.VerifyAnswer), "application/json; charset=utf-8")
                : Problems.BadRequest($"\"{request.Step}\" is not a step: pause, open, survey, key, edge, sum, describe, keep and end are.");
        }
        catch (ArgumentException e)
        {
            return Problems.BadRequest(e.Message);
        }
        catch (Exception e) when (e is DatabaseException or MySqlException)
        {
            return Problems.Make(StatusCodes.Status409Conflict, VerifyProblems.NotCompared, "It cannot be compared here", e.Message);
        }
        catch (NotTakingPartException e)
        {
            return Problems.Make(StatusCodes.Status409Conflict, VerifyProblems.NotTakingPart, "This node takes no part in the verification", e.Message);
        }
    }

    private static async Task<VerifyAnswer?> StepAsync(Verification verification, VerifyRequest request, CancellationToken aborted)
    {
        var (id, schema, table, after, upTo) = (request.Id, request.Schema, request.Table, Key(request.After), Key(request.UpTo));
        switch (request.Step)
        {
            case "pause":
                return new VerifyAnswer { Lsn = await verification.PauseAsync(id) };
            case "open":
                var point = await verification.OpenAsync(id, request.AtLsn, aborted);
                return new VerifyAnswer { Lsn = point.Lsn, Gtid = point.Gtid };
            case "survey":
                return new VerifyAnswer
                {
                    Objects = [.. (await verification.SurveyAsync(id)).Select(o => new VerifiedObject(o.Kind, o.Schema, o.Name, o.Digest, o.Skipped, o.Rows))],
                };
            case "key":
                return new VerifyAnswer { Key = [.. await verification.KeyAsync(id, schema, table)] };
            case "edge" when request.Rows is > 0 and <= MostRows:
                return new VerifyAnswer { Key = await verification.EdgeAsync(id, schema, table, after, request.Rows) is { } edge ? [.. edge] : null };
            case "sum":
                var sum = await verification.SumAsync(id, schema, table, after, upTo);
                return new VerifyAnswer { Rows = sum.Rows, Sum = sum.Sum };
            case "describe" when upTo is not null:
                return new VerifyAnswer { Text = await verification.DescribeAsync(id, schema, table, upTo) };
            case "keep":
                await verification.KeepAsync(id);
                return new VerifyAnswer();
            case "end":
                await verification.EndAsync(id);
                return new VerifyAnswer();
            default:
                return null;
        }
    }

    private static string[]? Key(ImmutableArray<string>? values) => values is { } key ? [.. key] : null;

    private static async Task<VerifyRequest?> ReadAsync(HttpContext context, CancellationToken aborted)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, ApiJson.Readable.VerifyRequest, aborted);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
