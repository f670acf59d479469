using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WolfScale.Client;

/// <summary><c>GET /cluster</c>.</summary>
/// <param name="Node">The id of the node that answers.</param>
public sealed record ClusterDocument(
    string? ClusterName, string? ClusterId, string Mode, long Term, string? Leader, long CommitLsn, string Node,
    ImmutableArray<string> Warnings, ImmutableArray<MemberReport> Nodes)
{
    /// <summary>The node that answers leads, and its server accepts writes.</summary>
    public bool? AcceptsWrites { get; init; }

    /// <summary>The server of the node that answers follows and is in step: its proxy answers reads from it.</summary>
    public bool? ServesReads { get; init; }

    /// <summary>Where the server of the node that answers stands.</summary>
    public string? GtidPosition { get; init; }

    /// <summary>Clients of its proxy, other proxies' connections among them.</summary>
    public int? ProxySessions { get; init; }

    /// <summary>Which names <c>GET /hidden-names</c> of the node that answers tells of: another text when they are others. Null where it has not read them.</summary>
    public string? HiddenNames { get; init; }

    /// <summary>The last comparison of all nodes that the node that answers knows of.</summary>
    public VerifiedDocument? Verified { get; init; }
}

/// <summary><c>GET /read-index</c>: the last transaction that anybody can have been told of when it was asked; null where the log holds none.</summary>
/// <param name="Gtid">That transaction.</param>
/// <param name="Leader">Who led when that was confirmed, as the node that answers knew then; null of nodes of an older version.</param>
/// <param name="Term">In which term.</param>
public sealed record ReadIndexDocument(string? Gtid, string? Leader = null, long? Term = null);

/// <summary><c>GET /hidden-names</c>: of the views, routines, and tables with triggers that do more than their names show, so that a proxy elsewhere can compare statements with them.</summary>
/// <param name="Version">As in <c>GET /cluster</c>.</param>
/// <param name="HasOddNames">Some have names beyond ASCII, or with quotes in them, which are not among the others.</param>
/// <param name="Names">All others.</param>
public sealed record HiddenNamesDocument(string Version, bool HasOddNames, ImmutableArray<HiddenNameDocument> Names);

/// <param name="Hash">FNV-1a of the name in lower case: 16 hexadecimal digits.</param>
/// <param name="Does">1: takes user-level locks; 2: runs what nobody has seen; 4: asks of the statement before it; 8: asks for the last insert id. Added up.</param>
public sealed record HiddenNameDocument(string Hash, int Does);

/// <summary>Body of <c>POST /internal/account-hashes</c>; see the cluster secret signs it.</summary>
public sealed record AccountHashesRequest(string? User, long TimestampMs, byte[]? Nonce, byte[]? Mac);

/// <summary>Answer to it.</summary>
/// <param name="Nonce">Of the encryption.</param>
/// <param name="Sealed">The hashes, encrypted, and the tag behind them.</param>
public sealed record AccountHashesDocument(byte[] Nonce, byte[] Sealed);

/// <summary><c>GET /health…</c>. Reasons are empty when healthy.</summary>
public sealed record HealthDocument(bool Healthy, string? Role, string? Status, ImmutableArray<string> Reasons);

/// <summary><c>application/problem+json</c> (RFC 9457) with a stable <paramref name="Code"/>.</summary>
public sealed record ProblemDocument(string Type, string Title, int Status, string Detail, string Code)
{
    /// <summary>As in the header <c>X-Request-Id</c> and in the node's log.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RequestId { get; init; }

    /// <summary>MariaDB's number of the error, where it is MariaDB's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MariadbError { get; init; }

    /// <summary>The name that was probably meant.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Nearest { get; init; }

    /// <summary>Where the request was written all the same: its place in the log.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Lsn { get; init; }

    /// <summary>The same place, as MariaDB names it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Gtid { get; init; }
}

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
[JsonSerializable(typeof(MigrateRequest))]
[JsonSerializable(typeof(MigrateFilesRequest))]
[JsonSerializable(typeof(MigrationOrderedDocument))]
[JsonSerializable(typeof(RemoveRequest))]
[JsonSerializable(typeof(LeaveRequest))]
[JsonSerializable(typeof(DepartureDocument))]
[JsonSerializable(typeof(MaintenanceRequest))]
[JsonSerializable(typeof(MaintenanceDocument))]
[JsonSerializable(typeof(ReloadRequest))]
[JsonSerializable(typeof(ReloadDocument))]
[JsonSerializable(typeof(ReadIndexDocument))]
[JsonSerializable(typeof(HiddenNamesDocument))]
[JsonSerializable(typeof(AccountHashesRequest))]
[JsonSerializable(typeof(AccountHashesDocument))]
[JsonSerializable(typeof(VerifyRequest))]
[JsonSerializable(typeof(VerifyAnswer))]
[JsonSerializable(typeof(VerifyReport))]
[JsonSerializable(typeof(VerifiedDocument))]
[JsonSerializable(typeof(DoctorDocument))]
[JsonSerializable(typeof(StatsDocument))]
[JsonSerializable(typeof(EventDocument))]
[JsonSerializable(typeof(EventsDocument))]
[JsonSerializable(typeof(System.Text.Json.Nodes.JsonNode))]
[JsonSerializable(typeof(DashboardNode))]
[JsonSerializable(typeof(DashboardSnapshot))]
[JsonSerializable(typeof(ImmutableArray<DashboardPoint>))]
[JsonSerializable(typeof(ImmutableArray<EventDocument>))]
[JsonSerializable(typeof(VerificationProgress))]
public sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>As <see cref="Default"/>, with quotes and the like readable: these bodies are read by people with curl, and never stand inside HTML.</summary>
    public static ApiJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
