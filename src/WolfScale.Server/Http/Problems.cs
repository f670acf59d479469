using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace WolfScale.Server.Http;

/// <summary>Errors as <c>application/problem+json</c>.</summary>
internal static class Problems
{
    public static IResult NotFound(string detail) => Make(StatusCodes.Status404NotFound, "not_found", "Not found", detail);

    public static IResult BadRequest(string detail) => Make(StatusCodes.Status400BadRequest, "bad_request", "The request could not be understood", detail);

    public static IResult Unauthorized(string detail) => Make(StatusCodes.Status401Unauthorized, "unauthorized", "A token is needed", detail);

    public static IResult Forbidden(string detail) => Make(StatusCodes.Status403Forbidden, "forbidden", "The token does not reach so far", detail);

    public static IResult Make(int status, string code, string title, string detail) => Results.Text(
        JsonSerializer.SerializeToUtf8Bytes(
            new ProblemDocument("about:blank", title, status, detail, code), ApiJson.Readable.ProblemDocument),
        "application/problem+json; charset=utf-8",
        statusCode: status);
}
