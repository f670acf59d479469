using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace WolfScale.Server.Http;

/// <summary>A request's JSON.</summary>
internal static class RequestBody
{
    /// <summary>The body; <paramref name="empty"/> when there is none; null when it cannot be read.</summary>
    public static async Task<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, T? empty, CancellationToken aborted)
        where T : class
    {
        if (context.Request.ContentLength is null or 0)
            return empty;
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, aborted);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
