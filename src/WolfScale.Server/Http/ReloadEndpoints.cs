using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace WolfScale.Server.Http;

/// <summary><c>POST /admin/reload</c>, of the node that is meant.</summary>
internal static class ReloadEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, IReload node) => _ = routes.MapPost("/admin/reload", () => Reload(node)).For(TokenRole.Admin);

    private static IResult Reload(IReload node)
    {
        try
        {
            return Results.Text(JsonSerializer.Serialize(node.Reload(), ApiJson.Readable.ReloadDocument), "application/json; charset=utf-8");
        }
        catch (RefusedException e)
        {
            return Problems.Make(StatusCodes.Status409Conflict, "not_reloaded", "The configuration stays as it was", e.Message);
        }
    }
}
