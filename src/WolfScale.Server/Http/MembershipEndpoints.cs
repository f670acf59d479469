using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace WolfScale.Server.Http;

/// <summary><c>POST /admin/remove</c>, of the leader, and <c>/admin/leave</c>, of the node that is to go.</summary>
internal static class MembershipEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, IMembership membership)
    {
        _ = routes.MapPost("/admin/remove", async (HttpContext context, CancellationToken aborted) =>
            await RequestBody.ReadAsync(context, ApiJson.Readable.RemoveRequest, null, aborted) is { Node: { Length: > 0 } node } request
                ? Answer(await membership.RemoveAsync(node, request.Force, request.DryRun, aborted))
                : Problems.BadRequest("The body must be {\"node\": ID}, with \"force\" and \"dry_run\" where wanted.")).For(TokenRole.Admin);
        _ = routes.MapPost("/admin/leave", async (HttpContext context, CancellationToken aborted) =>
            await RequestBody.ReadAsync(context, ApiJson.Readable.LeaveRequest, new LeaveRequest(), aborted) is { } request
                ? Answer(await membership.LeaveAsync(request.DryRun, aborted))
                : Problems.BadRequest("The body must be {\"dry_run\": true}, or empty.")).For(TokenRole.Admin);
    }

    private static IResult Answer(Departure outcome) => outcome.Document is { } document
        ? Results.Text(JsonSerializer.Serialize(document, ApiJson.Readable.DepartureDocument), "application/json; charset=utf-8")
        : Problems.Make(
            outcome.Code == "not_found" ? StatusCodes.Status404NotFound : StatusCodes.Status409Conflict, outcome.Code, "The members stay as they are", outcome.Reason);
}
