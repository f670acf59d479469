using System.Text.Json;
using System.Text.Json.Serialization;

namespace WolfScale.EndToEnd.Demo;

/// <summary>The part of a node's <c>GET /status</c> that the tests look at.</summary>
internal sealed record NodeStatus(string Id, string? Role, string? Status, string? Reason, string? Leader, long Term, long? LastLsn, long? CommitLsn, long? AppliedLsn, bool AcceptsWrites, NodeDatabase? Database, string? Mode = null, NodeDiscarded? Discarded = null)
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip };

    /// <summary>Asks the node; null when it does not answer (down, or frozen for 2 s).</summary>
    public static Task<NodeStatus?> AskAsync(DemoNode node) => AskAsync(new Uri(node.Api));

    /// <summary>Asks the node whose API stands at this address.</summary>
    public static Task<NodeStatus?> AskAsync(Uri api) => AskAsync(Http, api);

    /// <summary>The same through a client that reaches it.</summary>
    public static async Task<NodeStatus?> AskAsync(HttpClient http, Uri api)
    {
        try
        {
            return JsonSerializer.Deserialize<NodeStatus>(await http.GetStringAsync(new Uri(api, "/status")), Options);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException)
        {
            return null;
        }
    }

    public override string ToString() => $"{Id} {Role} {Status}{(Reason is null ? "" : $" ({Reason})")} term {Term} leader {Leader} lsn {LastLsn} commit {CommitLsn} applied {AppliedLsn}{(AcceptsWrites ? " accepts writes" : "")}";
}

internal sealed record NodeDiscarded(long Transactions, string? LastFile, long RolledBack);

internal sealed record NodeDatabase(bool Up, bool Fit, string? Reason, string? GtidPosition);
