using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace WolfScale.Server.Http;

/// <summary>What changes something: wants an admin's token. A switchover is asked of the leader, who alone can hand over.</summary>
internal static class AdminEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, INodeReportSource source, INodeOperations operations)
    {
        _ = routes.MapPost("/admin/promote", (HttpContext context, CancellationToken aborted) => PromoteAsync(context, source.Current, operations, aborted)).For(TokenRole.Admin);
        _ = routes.MapPost("/admin/demote", (CancellationToken aborted) => HandOverAsync(null, source.Current, operations, aborted)).For(TokenRole.Admin);
        _ = routes.MapPost("/admin/log-level", (HttpContext context, CancellationToken aborted) => LogLevelAsync(context, operations, aborted)).For(TokenRole.Admin);
    }

    private static async Task<IResult> PromoteAsync(HttpContext context, NodeReport report, INodeOperations operations, CancellationToken aborted)
    {
        if (await RequestBody.ReadAsync(context, ApiJson.Readable.PromoteRequest, new PromoteRequest(null), aborted) is not { } request)
            return Problems.BadRequest("The body must be {\"node\": ID}, or empty for the node that is asked.");
        var target = request.Node ?? report.Id;
        if (!report.Nodes.Any(n => n.Id == target))
            return Problems.NotFound($"This cluster has no node \"{target}\". GET /cluster/nodes lists them.");
        return target == report.Leader
            ? Results.Text(JsonSerializer.Serialize(new SwitchoverDocument(true, target, 0, $"{target} leads already."), ApiJson.Readable.SwitchoverDocument), "application/json; charset=utf-8")
            : await HandOverAsync(target, report, operations, aborted);
    }

    private static async Task<IResult> HandOverAsync(string? target, NodeReport report, INodeOperations operations, CancellationToken cancellationToken)
    {
        if (report.Role != "LEADER")
            return Problems.Make(StatusCodes.Status409Conflict, "not_leader", "This node does not lead", report.Leader is { } leader
                ? $"Ask the leader, {leader}{(report.Nodes.FirstOrDefault(n => n.Id == leader)?.Api is { } api ? $" at {api}" : "")}."
                : "There is no leader at the moment; try again when there is.");
        var outcome = await operations.HandOverAsync(target, cancellationToken);
        return outcome.Success
            ? Results.Text(JsonSerializer.Serialize(outcome, ApiJson.Readable.SwitchoverDocument), "application/json; charset=utf-8")
            : Problems.Make(StatusCodes.Status409Conflict, "switchover_failed", "The lead stays where it is", outcome.Reason ?? "The lead was not taken over in time.");
    }

    private static async Task<IResult> LogLevelAsync(HttpContext context, INodeOperations operations, CancellationToken aborted) =>
        await RequestBody.ReadAsync(context, ApiJson.Readable.LogLevelRequest, null, aborted) is { Level: { } level } && operations.SetLogLevel(level)
            ? Results.Text(JsonSerializer.Serialize(new LogLevelRequest(level), ApiJson.Readable.LogLevelRequest), "application/json; charset=utf-8")
            : Problems.BadRequest("The body must be {\"level\": LEVEL} with trace, debug, info, warn or error.");
}
