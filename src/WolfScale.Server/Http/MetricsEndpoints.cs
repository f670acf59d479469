using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using WolfScale.Server.Metrics;

namespace WolfScale.Server.Http;

/// <summary><c>GET /metrics</c>, for Prometheus, and <c>GET /stats</c>, for people.</summary>
internal static class MetricsEndpoints
{
    /// <param name="routes">Of the API.</param>
    /// <param name="stats">The document, as of now.</param>
    public static void MapStats(IEndpointRouteBuilder routes, Func<StatsDocument> stats) => _ = routes.MapGet(
        "/stats", () => Results.Text(JsonSerializer.SerializeToUtf8Bytes(stats(), ApiJson.Readable.StatsDocument), "application/json; charset=utf-8")).Open();

    /// <param name="routes">Of the API.</param>
    /// <param name="write">The text, as of now.</param>
    public static void Map(IEndpointRouteBuilder routes, Func<string> write) => _ = routes.MapGet("/metrics", () => Results.Text(write(), MetricsText.ContentType)).Open();
}
