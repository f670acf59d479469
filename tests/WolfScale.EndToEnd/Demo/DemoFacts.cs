using System.Text.Json;
using System.Text.Json.Serialization;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Demo;

/// <summary>What <c>wolfscale demo … --json</c> prints: the contract that people's scripts rely on, read strictly.</summary>
internal sealed record DemoFacts(
    [property: JsonRequired] string Cluster,
    [property: JsonRequired] string Dir,
    [property: JsonRequired] string User,
    [property: JsonRequired] string Password,
    [property: JsonRequired] string Database,
    [property: JsonRequired] string Token,
    [property: JsonRequired] IReadOnlyList<DemoNode> Nodes)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static DemoFacts Parse(string json) =>
        JsonSerializer.Deserialize<DemoFacts>(json, Options) ?? throw new JsonException($"No object: {json}");

    public DemoNode Node(string id) => Nodes.Single(n => n.Id == id);
}

/// <summary>One node of the demo. <c>Lsn</c> and <c>AppliedLsn</c> are null, and the pids 0 or null, where nothing runs that could tell.</summary>
/// <remarks>Proxy and MariaDB are null for a witness.</remarks>
internal sealed record DemoNode(
    [property: JsonRequired] string Id,
    string? Role,
    string? Status,
    int? Pid,
    long? Lsn,
    long? AppliedLsn,
    [property: JsonRequired] string Cluster,
    [property: JsonRequired] string Api,
    [property: JsonRequired] DemoProxy Proxy,
    [property: JsonRequired, JsonPropertyName("mariadb")] DemoMariaDb MariaDb)
{
    public SqlServer Server => new(Id, MariaDb.Host, MariaDb.Port, MariaDb.Socket);
}

internal sealed record DemoProxy([property: JsonRequired] string Host, [property: JsonRequired] int Port);

internal sealed record DemoMariaDb([property: JsonRequired] string Host, [property: JsonRequired] int Port, [property: JsonRequired] string Socket, int? Pid);
