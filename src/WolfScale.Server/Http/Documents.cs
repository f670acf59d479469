using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WolfScale.Server.Http;

/// <summary><c>GET /cluster</c>.</summary>
/// <param name="Node">The id of the node that answers.</param>
public sealed record ClusterDocument(
    string? ClusterName, string? ClusterId, string Mode, long Term, string? Leader, long CommitLsn, string Node,
    ImmutableArray<string> Warnings, ImmutableArray<MemberReport> Nodes);

/// <summary><c>GET /health…</c>. Reasons are empty when healthy.</summary>
public sealed record HealthDocument(bool Healthy, string? Role, string? Status, ImmutableArray<string> Reasons);

/// <summary><c>application/problem+json</c> (RFC 9457) with a stable <paramref name="Code"/>.</summary>
public sealed record ProblemDocument(string Type, string Title, int Status, string Detail, string Code);

/// <summary>The bodies of the API, in <c>snake_case</c>.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = false,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(NodeReport))]
[JsonSerializable(typeof(ClusterDocument))]
[JsonSerializable(typeof(HealthDocument))]
[JsonSerializable(typeof(ProblemDocument))]
[JsonSerializable(typeof(ImmutableArray<MemberReport>))]
[JsonSerializable(typeof(MemberReport))]
[JsonSerializable(typeof(SwitchoverDocument))]
[JsonSerializable(typeof(PromoteRequest))]
[JsonSerializable(typeof(LogLevelRequest))]
public sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>As <see cref="Default"/>, with quotes and the like readable: these bodies are read by people with curl, and never stand inside HTML.</summary>
    public static ApiJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
