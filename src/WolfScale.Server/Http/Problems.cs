using System.Text.Json;
using Microsoft.AspNetCore.Http;
using WolfScale.Server.Http.Data;

namespace WolfScale.Server.Http;

/// <summary>Errors as <c>application/problem+json</c>.</summary>
internal static class Problems
{
    public static IResult NotFound(string detail) => Make(StatusCodes.Status404NotFound, "not_found", "Not found", detail);

    public static IResult BadRequest(string detail) => Make(StatusCodes.Status400BadRequest, "bad_request", "The request could not be understood", detail);

    public static IResult Unauthorized(string detail) => Make(StatusCodes.Status401Unauthorized, "unauthorized", "A token is needed", detail);

    public static IResult Forbidden(string detail) => Make(StatusCodes.Status403Forbidden, "forbidden", "The token does not reach so far", detail);

    /// <summary>Of a data route.</summary>
    public static IResult Of(DataProblemException e, string requestId) => new Retried(
        Text(new ProblemDocument("about:blank", e.Title, e.Status, e.Message, e.Code) { RequestId = requestId, MariadbError = e.MariaDbError, Nearest = e.Nearest, Lsn = e.Place?.Lsn, Gtid = e.Place?.Gtid.ToString() }), e.RetryAfterSeconds);

    public static IResult Make(int status, string code, string title, string detail) => Text(new ProblemDocument("about:blank", title, status, detail, code));

    private static IResult Text(ProblemDocument problem) => Results.Text(
        JsonSerializer.SerializeToUtf8Bytes(problem, ApiJson.Readable.ProblemDocument), "application/problem+json; charset=utf-8", statusCode: problem.Status);

    private sealed class Retried(IResult problem, int? afterSeconds) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            if (afterSeconds is { } seconds)
                httpContext.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return problem.ExecuteAsync(httpContext);
        }
    }
}
