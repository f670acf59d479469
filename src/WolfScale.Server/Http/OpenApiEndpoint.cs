using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace WolfScale.Server.Http;

/// <summary>
/// <c>GET /openapi/v1.json</c>: the checked-in description, held against the routes that this server has mapped. What is mapped and not described is shown as such, and what is described and not mapped is left
/// out, so that the document is true in any case; a test demands that it is whole.
/// </summary>
internal static class OpenApiEndpoint
{
    private const string Resource = "WolfScale.Server.Http.openapi.json";

    /// <summary>The description as it is checked in.</summary>
    public static string Described()
    {
        using var stream = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        byte[]? document = null; // routes do not change while the server runs
        _ = routes.MapGet("/openapi/v1.json", (HttpContext context) => Results.Bytes(
            document ??= Make(Described(), Mapped(context.RequestServices.GetRequiredService<EndpointDataSource>())), "application/json; charset=utf-8")).Open();
    }

    /// <param name="description">The checked-in document.</param>
    /// <param name="mapped">Path, method in lower case, and the role it wants (null: none).</param>
    internal static byte[] Make(string description, IReadOnlyList<(string Path, string Method, TokenRole? Role)> mapped)
    {
        var document = JsonNode.Parse(description)!;
        var described = document["paths"]!.AsObject();
        var paths = new JsonObject();
        foreach (var (path, method, role) in mapped.OrderBy(m => m.Path, StringComparer.Ordinal).ThenBy(m => m.Method, StringComparer.Ordinal))
        {
            var operation = described[path]?[method]?.DeepClone() ?? new JsonObject { ["summary"] = "Not described" };
            var says = (string?)operation["description"];
            if (says != (role is null ? null : $"Wants a token of role {role.Value.ToString().ToLowerInvariant()} or more."))
                operation["description"] = $"Wants {role?.ToString() ?? "no token"}, which the description does not say.";
            if (paths[path] is not JsonObject item)
                paths[path] = item = [];
            item[method] = operation;
        }

        document["paths"] = paths;
        return JsonSerializer.SerializeToUtf8Bytes(document, ApiJson.Readable.JsonNode);
    }

    private static IReadOnlyList<(string Path, string Method, TokenRole? Role)> Mapped(EndpointDataSource source) =>
    [
        .. source.Endpoints.OfType<RouteEndpoint>().Where(IsPublic).SelectMany(e => (e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method => (
            "/" + e.RoutePattern.RawText!.TrimStart('/'), method.ToLowerInvariant(), (e.Metadata.GetMetadata<Wants>() ?? new Wants(TokenRole.Admin)).Role))),
    ];

    /// <summary>What the dashboard's page and its own node say to each other changes with them, and is nobody else's business.</summary>
    private static bool IsPublic(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText!.TrimStart('/') is var path && path != "/" && !path.StartsWith("/dashboard/", StringComparison.Ordinal);
}
