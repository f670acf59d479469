using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace WolfScale.Server.Demo;

/// <summary>What <c>demo --json</c> and <c>demo status --json</c> print.</summary>
public sealed record DemoDocument(
    string Cluster, string Dir, string User, string Password, string Database, string Token, ImmutableArray<DemoNodeDocument> Nodes);

/// <summary>One node: its live facts (null where it does not answer) and how to reach it. A witness has neither proxy nor server.</summary>
public sealed record DemoNodeDocument(
    string Id,
    string? Role,
    string Status,
    int? Pid,
    long? Lsn,
    long? AppliedLsn,
    string Cluster,
    string Api,
    DemoEndPoint? Proxy,
    [property: JsonPropertyName("mariadb")] DemoServerDocument? MariaDb)
{
    /// <summary>Whether it leads and its server takes writes.</summary>
    [JsonIgnore]
    public bool AcceptsWrites { get; init; }

    /// <summary>Why it is not ACTIVE.</summary>
    [JsonIgnore]
    public string? Reason { get; init; }
}

public sealed record DemoEndPoint(string Host, int Port);

public sealed record DemoServerDocument(string Host, int Port, string Socket, int? Pid);

/// <summary>One line, as the HTTP API's bodies are.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DemoDocument))]
internal sealed partial class DemoJson : JsonSerializerContext;
