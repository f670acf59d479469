using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary><c>GET /stats</c> of a stand-alone proxy. Unknown is null.</summary>
/// <param name="Program"><c>proxy</c> or <c>load-balancer</c>.</param>
/// <param name="UptimeS">Seconds since the start.</param>
/// <param name="Listen">For clients.</param>
/// <param name="Leader">Id of the node that writes go to, or null while there is none.</param>
/// <param name="Sessions">Clients now.</param>
/// <param name="ConnectionsTotal">Clients since the start.</param>
/// <param name="Moves">Sessions that went on with another leader.</param>
/// <param name="CanMoveSessions">False without <c>cluster.secret</c>: reads go to the leader, and sessions end with it.</param>
/// <param name="Problems">Peers and nodes that do not answer, or are refused, and why.</param>
/// <param name="NeedRestart">Keys whose value in the file, as it was read last, is another than the one in force.</param>
internal sealed record StandAloneStats(
    string Program, string Version, int Pid, DateTimeOffset StartedAt, double UptimeS, string Listen, string? ClusterName, string? ClusterId, long Term, string? Leader,
    int Sessions, long ConnectionsTotal, StatementStats Statements, long Moves, bool CanMoveSessions, ImmutableArray<NodeStats> Nodes, ImmutableArray<PeerProblem> Problems, ImmutableArray<string> NeedRestart);

/// <summary>Statements since the start, by where they went.</summary>
/// <param name="Leader">All that went to the leader.</param>
/// <param name="Readers">All that went to readers.</param>
/// <param name="LeaderWhy">Why they went to the leader.</param>
internal sealed record StatementStats(long Leader, long Readers, IReadOnlyDictionary<string, long> LeaderWhy);

/// <summary>One member.</summary>
/// <param name="Reader">Reads are sent to it.</param>
/// <param name="Connections">Of this proxy's sessions, for reads, now.</param>
/// <param name="Reads">Statements that it was sent since the start.</param>
/// <param name="ProxySessions">Clients of the node's proxy as it says, connections of this proxy among them.</param>
/// <param name="Heard">It answers itself.</param>
internal sealed record NodeStats(
    string Id, string? Api, string? Proxy, string? Role, string? Status, string? Reason, long? AppliedLsn, long? LagEntries, bool Heard, bool Reader, int Connections, long Reads,
    int? ProxySessions);

/// <summary>An address that brings nothing.</summary>
internal sealed record PeerProblem(string Api, string? Node, string Problem);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StandAloneStats))]
internal sealed partial class StandAloneJson : JsonSerializerContext
{
    /// <summary>For people with curl.</summary>
    public static StandAloneJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
