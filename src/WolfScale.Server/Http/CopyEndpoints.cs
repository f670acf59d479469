using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Net.Http.Headers;
using WolfScale.MariaDb;

namespace WolfScale.Server.Http;

/// <summary><c>GET /dump</c> and <c>POST /admin/migrate</c>; both want an admin's token, because a dump holds everything, the accounts' hashes included.</summary>
internal static class CopyEndpoints
{
    public const string PositionHeader = "X-WolfScale-Gtid-Position";
    public const string LsnHeader = "X-WolfScale-Lsn";
    public const string VersionHeader = "X-WolfScale-Server-Version";
    public const string SettingsHeader = "X-WolfScale-File-Settings";
    public const string EstimateHeader = "X-WolfScale-Estimated-Bytes";

    public static void Map(IEndpointRouteBuilder routes, IDataCopies copies)
    {
        _ = routes.MapGet("/dump", (HttpContext context) => DumpAsync(context, copies)).For(TokenRole.Admin);
        _ = routes.MapPost("/admin/migrate/files", (HttpContext context, CancellationToken aborted) => FilesAsync(context, copies, aborted)).For(TokenRole.Admin);
        _ = routes.MapPost("/admin/migrate", (HttpContext context, CancellationToken aborted) => MigrateAsync(context, copies, aborted)).For(TokenRole.Admin);
    }

    /// <summary>
    /// The copy goes straight into the response: nothing is stored, and a reader that is slow slows the source down. It ends when the client goes away. One that breaks off
    /// aborts the connection, so that HTTP itself shows it; and its last line is missing.
    /// </summary>
    private static async Task DumpAsync(HttpContext context, IDataCopies copies)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, copies.Stopping);
        try
        {
            switch (context.Request.Query["format"].ToString())
            {
                case "" or "sql":
                    await using (var dump = await copies.OpenDumpAsync(end.Token))
                    {
                        context.Response.Headers[PositionHeader] = dump.Position;
                        context.Response.Headers[LsnHeader] = dump.Lsn.ToString(CultureInfo.InvariantCulture);
                        await SendAsync(context, "application/sql", "wolfscale-dump.sql", dump.EstimatedBytes, (body, token) => dump.WriteToAsync(body, copies.Spend, token), end.Token);
                    }

                    break;
                case "physical":
                    await using (var copy = await copies.OpenCopyAsync(end.Token))
                    {
                        context.Response.Headers[VersionHeader] = copy.Version;
                        context.Response.Headers[SettingsHeader] = copy.Settings;
                        await SendAsync(context, "application/octet-stream", "wolfscale-copy.mbstream", copy.EstimatedBytes, (body, token) => copy.WriteToAsync(body, copies.Spend, token), end.Token);
                    }

                    break;
                default:
                    await Problems.BadRequest("format is sql, which is the default, or physical.").ExecuteAsync(context);
                    break;
            }
        }
        catch (DumpException e) when (!context.Response.HasStarted)
        {
            foreach (var name in (ReadOnlySpan<string>)[EstimateHeader, HeaderNames.ContentDisposition, HeaderNames.ContentEncoding, HeaderNames.ContentType])
                context.Response.Headers.Remove(name); // of the copy; the others are every answer's
            await Problems.Make(StatusCodes.Status503ServiceUnavailable, "cannot_dump", "This node's server cannot be copied now", e.Message).ExecuteAsync(context);
        }
    }

    private static async Task SendAsync(HttpContext context, string type, string name, long estimate, Func<Stream, CancellationToken, Task> writeAsync, CancellationToken cancellationToken)
    {
        // A receiver that builds an index reads nothing for minutes.
        context.Features.Get<IHttpMinResponseDataRateFeature>()!.MinDataRate = null;
        context.Features.Get<IHttpBodyControlFeature>()!.AllowSynchronousIO = true;
        var headers = context.Response.Headers;
        context.Response.ContentType = type;
        headers[EstimateHeader] = estimate.ToString(CultureInfo.InvariantCulture);
        headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        var zip = context.Request.GetTypedHeaders().AcceptEncoding.Any(e => e.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) && e.Quality is not 0);
        if (zip)
            headers.ContentEncoding = "gzip";
        try
        {
            if (zip)
            {
                await using var body = new GZipStream(context.Response.Body, CompressionLevel.Fastest, leaveOpen: true);
                await writeAsync(body, cancellationToken);
            }
            else
            {
                await writeAsync(context.Response.Body, cancellationToken);
            }
        }
        catch (Exception)
        {
            context.Abort();
            throw;
        }
    }

    private static async Task<IResult> FilesAsync(HttpContext context, IDataCopies copies, CancellationToken aborted)
    {
        MigrateFilesRequest? request;
        try
        {
            request = await JsonSerializer.DeserializeAsync(context.Request.Body, ApiJson.Readable.MigrateFilesRequest, aborted);
        }
        catch (JsonException)
        {
            request = null;
        }

        if (request is not { Ticket.Length: > 0, Step: "begin" or "placed" or "abandon" })
            return Problems.BadRequest("The body must be {\"ticket\": …, \"step\": \"begin\", \"placed\" or \"abandon\"}: it is wolfctl migrate --physical that asks this.");
        try
        {
            await copies.ReplaceFilesAsync(request, aborted);
            return Results.NoContent();
        }
        catch (Exception e) when (e is DumpException or FormatException)
        {
            return Problems.Make(StatusCodes.Status409Conflict, "cannot_migrate", "This node's data stay as they are", e.Message);
        }
    }

    private static async Task<IResult> MigrateAsync(HttpContext context, IDataCopies copies, CancellationToken aborted)
    {
        var request = await RequestBody.ReadAsync(context, ApiJson.Readable.MigrateRequest, new MigrateRequest(null, false), aborted);
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
