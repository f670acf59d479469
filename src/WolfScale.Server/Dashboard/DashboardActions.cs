using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using WolfScale.Server.Http;

namespace WolfScale.Server.Dashboard;

/// <summary>
/// What the page may change. A browser may ask the node alone whose page it shows; so that one asks the node that is meant, with the token of the person: who may not do it there does not do it here.
/// </summary>
/// <param name="report">The members and where they are.</param>
/// <param name="open">A client for the API at this HOST:PORT, with this token.</param>
/// <param name="verifying">The comparison of all nodes.</param>
internal sealed class DashboardActions(Func<NodeReport> report, Func<string, string, NodeClient> open, DashboardVerification verifying)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        _ = routes.MapPost("/dashboard/nodes/{id}/promote", (string id, HttpContext context, CancellationToken aborted) =>
            AskAsync(context, id, report().Leader, "/admin/promote", new PromoteRequest(id), ApiJson.Default.PromoteRequest, aborted)).For(TokenRole.Admin);
        _ = routes.MapPost("/dashboard/nodes/{id}/demote", (string id, HttpContext context, CancellationToken aborted) =>
            AskAsync(context, id, id, "/admin/demote", new PromoteRequest(null), ApiJson.Default.PromoteRequest, aborted)).For(TokenRole.Admin);
        _ = routes.MapPost("/dashboard/nodes/{id}/maintenance", async (string id, HttpContext context, CancellationToken aborted) =>
            await RequestBody.ReadAsync(context, ApiJson.Readable.MaintenanceRequest, null, aborted) is { On: not null } request
                ? await AskAsync(context, id, id, "/admin/maintenance", request, ApiJson.Default.MaintenanceRequest, aborted)
                : Problems.BadRequest("The body must be {\"on\": true} or {\"on\": false}.")).For(TokenRole.Admin);
        _ = routes.MapPost("/dashboard/verify", Verify).For(TokenRole.Admin);
        _ = routes.MapDelete("/dashboard/verify", () =>
        {
            verifying.Cancel();
            return Results.NoContent();
        }).For(TokenRole.Admin);
    }

    private async Task<IResult> AskAsync<T>(HttpContext context, string about, string? asked, string path, T body, JsonTypeInfo<T> type, CancellationToken aborted)
    {
        var members = report().Nodes;
        if (members.All(n => n.Id != about))
            return Problems.NotFound($"This cluster has no node \"{about}\". GET /cluster/nodes lists them.");
        if (asked is null)
            return Problems.Make(StatusCodes.Status409Conflict, "no_leader", "There is no leader", "Only a leader can hand the lead over; try again when there is one.");
        if (members.First(n => n.Id == asked).Api is not { } address)
            return Problems.Make(StatusCodes.Status409Conflict, "no_api", "The node cannot be asked", $"{asked} does not say where its API is: api.enabled is false there, or it was never heard. Use wolfctl on its machine.");
        using var client = open(address, TokenGate.TokenOf(context));
        try
        {
            return Results.Text(await client.PostAsync(path, body, type, aborted), "application/json; charset=utf-8");
        }
        catch (NodeRefusedException e)
        {
            return Problems.Make(e.Status, e.Code.Length > 0 ? e.Code : "refused", $"{asked} refuses", e.Message);
        }
        catch (UnreachableException e)
        {
            return Problems.Make(StatusCodes.Status502BadGateway, "unreachable", $"{asked} does not answer", $"{asked} does not answer at {e.Address} ({e.Reason}): nothing was done.");
        }
        catch (RefusedException e)
        {
            return Problems.Make(StatusCodes.Status504GatewayTimeout, "outcome_unknown", "Whether it was done is not known", e.Message);
        }
    }

    private IResult Verify(HttpContext context) => verifying.TryBegin(report(), TokenGate.TokenOf(context), out var why)
        ? Results.Text(JsonSerializer.Serialize(verifying.Progress!, ApiJson.Readable.VerificationProgress), "application/json; charset=utf-8", statusCode: StatusCodes.Status202Accepted)
        : Problems.Make(StatusCodes.Status409Conflict, "not_verified", "The nodes are not compared", why);
}
