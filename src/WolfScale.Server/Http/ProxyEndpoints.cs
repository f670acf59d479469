using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace WolfScale.Server.Http;

/// <summary>For proxies on other machines: <c>GET /read-index</c> and <c>GET /hidden-names</c> are open, <c>POST /internal/account-hashes</c> wants the cluster's secret.</summary>
internal static class ProxyEndpoints
{
    /// <param name="routes">Where they go.</param>
    /// <param name="node">Answers.</param>
    /// <param name="secret"><c>cluster.secret</c>.</param>
    /// <param name="time">The clock.</param>
    public static void Map(IEndpointRouteBuilder routes, IProxyQuestions node, string secret, TimeProvider time)
    {
        var seal = secret.Length > 0 ? new AccountSeal(secret) : null;
        var door = seal is null ? null : new AccountDoor(seal, time);
        _ = routes.MapGet("/read-index", () => ReadIndexAsync(node)).Open();
        _ = routes.MapGet("/hidden-names", () => Names(node)).Open();
        // The tokens of the API have no part in it: what is asked for is worth more than an admin's token, and only members' secret opens it.
        _ = routes.MapPost("/internal/account-hashes", (HttpContext context, CancellationToken aborted) => AccountHashesAsync(context, node, seal, door, aborted)).Open();
    }

    private static async Task<IResult> ReadIndexAsync(IProxyQuestions node)
    {
        try
        {
            return Body(await node.ReadIndexAsync(), ApiJson.Readable.ReadIndexDocument);
        }
        catch (Exception e)
        {
            return Problems.Make(StatusCodes.Status503ServiceUnavailable, "not_confirmed", "No leader confirmed it", e.Message);
        }
    }

    private static IResult Names(IProxyQuestions node) => node.HiddenNames is { } views
        ? Body(HiddenNames.Document(views), ApiJson.Readable.HiddenNamesDocument)
        : Problems.Make(StatusCodes.Status503ServiceUnavailable, "not_read", "The names are not known", "This node has no proxy, or its proxy has not read the server's views and routines yet.");

    private static async Task<IResult> AccountHashesAsync(HttpContext context, IProxyQuestions node, AccountSeal? seal, AccountDoor? door, CancellationToken aborted)
    {
        if (seal is null || door is null)
            return Problems.Make(StatusCodes.Status403Forbidden, "no_secret", "This cluster has no secret", "Set cluster.secret on all nodes and proxies.");
        if (await ReadAsync(context, aborted) is not { } request)
            return Problems.BadRequest("The body must be {\"user\", \"timestamp_ms\", \"nonce\", \"mac\"}.");
        switch (door.Knock(request))
        {
            case DoorAnswer.NotGenuine:
                return Refused("bad_signature", "The question is not signed with this cluster's secret: cluster.secret differs.");
            case DoorAnswer.OutOfTime:
                return Refused("out_of_time", $"The question's time is more than {AccountDoor.Window.TotalSeconds:0} s from this node's: set the clocks (NTP).");
            case DoorAnswer.Repeated:
                return Refused("repeated", "This question was asked before.");
            case DoorAnswer.Crowded:
                return Problems.Make(StatusCodes.Status429TooManyRequests, "crowded", "Too many questions", "Ask again later.");
        }

        try
        {
            return Body(seal.Seal(request, await node.AccountHashesAsync(request.User!)), ApiJson.Readable.AccountHashesDocument);
        }
        catch (Exception e)
        {
            return Problems.Make(StatusCodes.Status503ServiceUnavailable, "no_database", "The node's server does not answer", e.Message);
        }
    }

    private static async Task<AccountHashesRequest?> ReadAsync(HttpContext context, CancellationToken aborted)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, ApiJson.Readable.AccountHashesRequest, aborted);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static IResult Refused(string code, string detail) => Problems.Make(StatusCodes.Status401Unauthorized, code, "The question is refused", detail);

    private static IResult Body<T>(T value, JsonTypeInfo<T> type) =>
        Results.Text(JsonSerializer.SerializeToUtf8Bytes(value, type), "application/json; charset=utf-8");
}
