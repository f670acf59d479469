using System.IO.Compression;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Dump;

namespace WolfScale.Server.Http;

/// <summary><c>GET /dump</c> and <c>POST /admin/migrate</c>; both want an admin's token, because a dump holds everything, the accounts' hashes included.</summary>
internal static class CopyEndpoints
{
    public const string PositionHeader = "X-WolfScale-Gtid-Position";
    public const string LsnHeader = "X-WolfScale-Lsn";
    public const string EstimateHeader = "X-WolfScale-Estimated-Bytes";

    public static void Map(IEndpointRouteBuilder routes, IDataCopies copies)
    {
        _ = routes.MapGet("/dump", (HttpContext context) => DumpAsync(context, copies)).For(TokenRole.Admin);
        _ = routes.MapPost("/admin/migrate", (HttpContext context, CancellationToken aborted) => MigrateAsync(context, copies, aborted)).For(TokenRole.Admin);
    }

    /// <summary>
    /// The dump goes straight into the response: nothing is stored, and a reader that is slow slows the source down. It ends when the client goes away. A dump that breaks off
    /// aborts the connection, so that HTTP itself shows it; and its last line is missing.
    /// </summary>
    private static async Task DumpAsync(HttpContext context, IDataCopies copies)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, copies.Stopping);
        DatabaseDump dump;
        try
        {
            dump = await copies.OpenDumpAsync(end.Token);
        }
        catch (DumpException e)
        {
            await Problems.Make(StatusCodes.Status503ServiceUnavailable, "cannot_dump", "This node's server cannot be copied now", e.Message).ExecuteAsync(context);
            return;
        }

        await using (dump)
        {
            // A receiver that builds an index reads nothing for minutes.
            context.Features.Get<IHttpMinResponseDataRateFeature>()!.MinDataRate = null;
            context.Features.Get<IHttpBodyControlFeature>()!.AllowSynchronousIO = true;
            var headers = context.Response.Headers;
            context.Response.ContentType = "application/sql";
            headers[PositionHeader] = dump.Position;
            headers[LsnHeader] = dump.Lsn.ToString(System.Globalization.CultureInfo.InvariantCulture);
            headers[EstimateHeader] = dump.EstimatedBytes.ToString(System.Globalization.CultureInfo.InvariantCulture);
            headers.ContentDisposition = "attachment; filename=\"wolfscale-dump.sql\"";
            var zip = context.Request.GetTypedHeaders().AcceptEncoding.Any(e => e.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) && e.Quality is not 0);
            if (zip)
                headers.ContentEncoding = "gzip";
            try
            {
                if (zip)
                {
                    await using var body = new GZipStream(context.Response.Body, CompressionLevel.Fastest, leaveOpen: true);
                    await dump.WriteToAsync(body, end.Token);
                }
                else
                {
                    await dump.WriteToAsync(context.Response.Body, end.Token);
                }
            }
            catch (Exception)
            {
                context.Abort();
                throw;
            }
        }
    }

    private static async Task<IResult> MigrateAsync(HttpContext context, IDataCopies copies, CancellationToken aborted)
    {
        MigrateRequest? request;
        try
        {
            request = context.Request.ContentLength is null or 0
                ? new MigrateRequest(null, false)
                : await JsonSerializer.DeserializeAsync(context.Request.Body, ApiJson.Readable.MigrateRequest, aborted);
        }
        catch (JsonException)
        {
            request = null;
        }

        if (request is null)
            return Problems.BadRequest("The body must be {\"from\": NODE or \"HOST:API_PORT\", \"replace_data\": true or false}; without \"from\" the best node is chosen.");
        try
        {
            await copies.MigrateAsync(request.From ?? "", request.ReplaceData, aborted);
            return Results.Text(
                JsonSerializer.Serialize(new MigrationOrderedDocument(true, request.From), ApiJson.Readable.MigrationOrderedDocument), "application/json; charset=utf-8", statusCode: StatusCodes.Status202Accepted);
        }
        catch (DumpException e)
        {
            return Problems.Make(StatusCodes.Status409Conflict, "cannot_migrate", "This node's data stay as they are", e.Message);
        }
    }
}
