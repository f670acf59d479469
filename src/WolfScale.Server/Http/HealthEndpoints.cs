using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace WolfScale.Server.Http;

/// <summary>For balancers and supervisors: 200 or 503, with the reasons.</summary>
internal static class HealthEndpoints
{
    /// <summary>Balancers ask with any of these: HAProxy's plain check with OPTIONS.</summary>
    private static readonly string[] Asking = ["GET", "HEAD", "OPTIONS"];

    public static void Map(IEndpointRouteBuilder routes, INodeReportSource source)
    {
        _ = routes.MapMethods("/health", Asking, () => Answer(source.Current, Serving(source.Current))).Open();
        _ = routes.MapMethods("/health/live", Asking, () => Answer(source.Current, Failed(source.Current))).Open();
        _ = routes.MapMethods("/health/ready", Asking, () => Answer(source.Current, Serving(source.Current))).Open();
        _ = routes.MapMethods("/health/leader", Asking, () => Answer(source.Current, Leading(source.Current))).Open();
    }

    /// <summary>Why this node cannot serve: nothing when it can. A witness serves by voting.</summary>
    internal static ImmutableArray<string> Serving(NodeReport report)
    {
        var reasons = Failed(report).ToBuilder();
        if (report.Status != "ACTIVE")
            reasons.Add($"The node is {report.Status ?? "starting"}{(report.Reason is { Length: > 0 } why ? ": " + why : ".")}");
        if (report.Leader is null)
            reasons.Add("The cluster has no leader.");
        if (report.Database is { Enabled: true, Up: false } database)
            reasons.Add($"MariaDB is not reachable{(database.Reason is { Length: > 0 } why ? ": " + why : ".")}");
        return reasons.ToImmutable();
    }

    internal static ImmutableArray<string> Leading(NodeReport report)
    {
        var reasons = Serving(report).ToBuilder();
        if (report.Role != "LEADER")
            reasons.Add($"The node is not the leader; that is {report.Leader ?? "nobody at the moment"}.");
        else if (!report.AcceptsWrites)
            reasons.Add("The node leads, and its MariaDB does not accept writes yet.");
        return reasons.ToImmutable();
    }

    private static ImmutableArray<string> Failed(NodeReport report) => report.Failure is { } failure ? [failure] : [];

    private static IResult Answer(NodeReport report, ImmutableArray<string> reasons) => Results.Text(
        JsonSerializer.SerializeToUtf8Bytes(
            new HealthDocument(reasons.IsEmpty, report.Role, report.Status, reasons), ApiJson.Readable.HealthDocument),
        "application/json; charset=utf-8",
        statusCode: reasons.IsEmpty ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
}
