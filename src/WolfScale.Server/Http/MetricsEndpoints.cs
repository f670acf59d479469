using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using WolfScale.Server.Metrics;

namespace WolfScale.Server.Http;

/// <summary><c>GET /metrics</c>, for Prometheus.</summary>
internal static class MetricsEndpoints
{
    /// <param name="routes">Of the API.</param>
    /// <param name="write">The text, as of now.</param>
    public static void Map(IEndpointRouteBuilder routes, Func<string> write) => _ = routes.MapGet("/metrics", () => Results.Text(write(), MetricsText.ContentType)).Open();
}
