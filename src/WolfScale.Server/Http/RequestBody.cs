using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;

namespace WolfScale.Server.Http;

/// <summary>A request's JSON.</summary>
internal static class RequestBody
{
    /// <summary>The body; <paramref name="empty"/> when there is none; null when it cannot be read. It is read to its end, because its length need not be told before (chunks).</summary>
    public static async Task<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, T? empty, CancellationToken aborted)
        where T : class
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, aborted);
        if (body.Length == 0)
            return empty;
        if (!Utf8.IsValid(body.GetBuffer().AsSpan(0, (int)body.Length)))
            return null; // the reader of JSON reads over it in what nobody asks for
        try
        {
            return JsonSerializer.Deserialize(body.GetBuffer().AsSpan(0, (int)body.Length), type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
