using System.Text.Json;

namespace WolfScale.EndToEnd.Harness;

/// <summary>What a node tells of its history.</summary>
internal static class NodeEvents
{
    /// <summary>Waits for an event of a kind.</summary>
    /// <returns>The message of the latest.</returns>
    public static async Task<string> AwaitLatestAsync(Uri api, string kind, TimeSpan patience)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var message = "";
        await Poll.UntilAsync($"an event {kind} at {api}", patience, async () =>
        {
            using var document = JsonDocument.Parse(await http.GetStringAsync(new Uri(api, "/events?limit=1000")));
            message = document.RootElement.GetProperty("events").EnumerateArray().Where(e => e.GetProperty("kind").GetString() == kind).Select(e => e.GetProperty("message").GetString()!).LastOrDefault() ?? "";
            return message.Length > 0 ? null : "none yet";
        });
        return message;
    }
}
