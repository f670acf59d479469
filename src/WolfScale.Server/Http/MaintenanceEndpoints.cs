using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace WolfScale.Server.Http;

/// <summary><c>POST /admin/maintenance</c>, of the node that is meant.</summary>
internal static class MaintenanceEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, IMaintenance node) =>
        _ = routes.MapPost("/admin/maintenance", (HttpContext context, CancellationToken aborted) => SetAsync(context, node, aborted)).For(TokenRole.Admin);

    private static async Task<IResult> SetAsync(HttpContext context, IMaintenance node, CancellationToken aborted)
    {
        if (await RequestBody.ReadAsync(context, ApiJson.Readable.MaintenanceRequest, null, aborted) is not { On: { } on })
            return Problems.BadRequest("The body must be {\"on\": true} or {\"on\": false}.");
        var (done, reason) = await node.SetMaintenanceAsync(on, aborted);
        return done is not null
            ? Results.Text(JsonSerializer.Serialize(done, ApiJson.Readable.MaintenanceDocument), "application/json; charset=utf-8")
            : Problems.Make(StatusCodes.Status409Conflict, "not_handed_over", "The lead stays where it is", reason);
    }
}
