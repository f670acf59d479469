using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;

namespace WolfScale.Server.Http.Data;

/// <summary>The body of a data route: read whole before anything is done, so that a request that breaks off has done nothing.</summary>
internal static class JsonBody
{
    /// <summary>Nesting: a document for a JSON column, and the few levels around it.</summary>
    public const int MaxDepth = 64;

    /// <exception cref="DataProblemException">It does not say that it is JSON.</exception>
    /// <exception cref="BadHttpRequestException">It broke off, or is too large.</exception>
    public static async Task<byte[]> ReadAsync(HttpRequest request, CancellationToken aborted)
    {
        if (!request.HasJsonContentType() && request.ContentType is { Length: > 0 })
            throw new DataProblemException(415, "not_json", "The body must be JSON", $"Send Content-Type: application/json, not {request.ContentType}.");
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(aborted);
            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return body;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <exception cref="DataProblemException">It is no JSON, or not one that can be trusted to mean one thing.</exception>
    public static JsonDocument Parse(byte[] body)
    {
        if (!Utf8.IsValid(body))
            throw DataProblemException.BadRequest("invalid_utf8", "The body is not UTF-8.");
        try
        {
            return JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            throw DataProblemException.BadRequest(IsDuplicate(e) ? "duplicate_key" : "invalid_json", $"The body is not the JSON that is wanted: {e.Message}");
        }
    }

    /// <summary>The framework tells it only by its text.</summary>
    private static bool IsDuplicate(JsonException e) => e.Message.Contains("uplicate", StringComparison.Ordinal);
}
