using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using WolfScale.Client;
using WolfScale.Server.Http;

namespace WolfScale.Unit.Server;

/// <summary>The bodies of the operators' routes, as described: the fields that the program reads and writes, of the same types, and no others.</summary>
public class OpenApiBodiesTests
{
    private static readonly JsonElement Description = JsonDocument.Parse(OpenApiEndpoint.Described()).RootElement;

    /// <summary>By route: what it reads, null for nothing; what it answers, null for nothing; and with which status.</summary>
    private static readonly Dictionary<string, (JsonTypeInfo? Reads, JsonTypeInfo? Answers, int Status)> Posts = new(StringComparer.Ordinal)
    {
        ["/admin/promote"] = (ApiJson.Readable.PromoteRequest, ApiJson.Readable.SwitchoverDocument, 200),
        ["/admin/demote"] = (null, ApiJson.Readable.SwitchoverDocument, 200),
        ["/admin/log-level"] = (ApiJson.Readable.LogLevelRequest, ApiJson.Readable.LogLevelRequest, 200),
        ["/admin/maintenance"] = (ApiJson.Readable.MaintenanceRequest, ApiJson.Readable.MaintenanceDocument, 200),
        ["/admin/leave"] = (ApiJson.Readable.LeaveRequest, ApiJson.Readable.DepartureDocument, 200),
        ["/admin/remove"] = (ApiJson.Readable.RemoveRequest, ApiJson.Readable.DepartureDocument, 200),
        ["/admin/reload"] = (null, ApiJson.Readable.ReloadDocument, 200),
        ["/admin/migrate"] = (ApiJson.Readable.MigrateRequest, ApiJson.Readable.MigrationOrderedDocument, 202),
        ["/admin/migrate/files"] = (ApiJson.Readable.MigrateFilesRequest, null, 204),
        ["/admin/verify"] = (ApiJson.Readable.VerifyRequest, ApiJson.Readable.VerifyAnswer, 200),
        ["/internal/account-hashes"] = (ApiJson.Readable.AccountHashesRequest, ApiJson.Readable.AccountHashesDocument, 200),
    };

    public static TheoryData<string> Paths => [.. Posts.Keys];

    [Fact]
    public void No_route_is_left_out()
    {
        var described = Description.GetProperty("paths").EnumerateObject().Where(p => p.Value.TryGetProperty("post", out _)).Select(p => p.Name);
        Assert.Equal(Posts.Keys.Order(StringComparer.Ordinal), described.Where(p => p != "/sql" && !p.StartsWith("/write/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void What_it_reads_and_answers_is_described(string path)
    {
        var (reads, answers, status) = Posts[path];
        var operation = Description.GetProperty("paths").GetProperty(path).GetProperty("post");

        Assert.Equal(reads is not null, operation.TryGetProperty("requestBody", out var body));
        if (reads is not null)
            AssertSame(reads, Schema(body), path);
        var answer = Assert.Single(operation.GetProperty("responses").EnumerateObject(), r => r.Name != "default");
        Assert.Equal($"{status}", answer.Name);
        Assert.Equal(answers is not null, answer.Value.TryGetProperty("content", out _));
        if (answers is not null)
            AssertSame(answers, Schema(answer.Value), path);
    }

    [Fact]
    public void The_last_transaction_is_described() =>
        AssertSame(ApiJson.Readable.ReadIndexDocument, Schema(Description.GetProperty("paths").GetProperty("/read-index").GetProperty("get").GetProperty("responses").GetProperty("200")), "/read-index");

    [Fact]
    public void Hidden_names_are_described() =>
        AssertSame(ApiJson.Readable.HiddenNamesDocument, Schema(Description.GetProperty("paths").GetProperty("/hidden-names").GetProperty("get").GetProperty("responses").GetProperty("200")), "/hidden-names");

    [Fact]
    public void A_dump_is_described_with_its_formats_and_headers()
    {
        var dump = Description.GetProperty("paths").GetProperty("/dump").GetProperty("get");
        var answer = dump.GetProperty("responses").GetProperty("200");

        var format = Assert.Single(dump.GetProperty("parameters").EnumerateArray());
        Assert.Equal("format", format.GetProperty("name").GetString());
        Assert.Equal(["sql", "physical"], format.GetProperty("schema").GetProperty("enum").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal(
            [CopyEndpoints.PositionHeader, CopyEndpoints.LsnHeader, CopyEndpoints.VersionHeader, CopyEndpoints.SettingsHeader, CopyEndpoints.EstimateHeader],
            answer.GetProperty("headers").EnumerateObject().Select(h => h.Name).Where(h => h.StartsWith("X-WolfScale-", StringComparison.Ordinal)));
        Assert.Equal(["application/sql", "application/octet-stream"], answer.GetProperty("content").EnumerateObject().Select(c => c.Name));
    }

    private static void AssertSame(JsonTypeInfo type, JsonElement schema, string where)
    {
        var fields = schema.GetProperty("properties").EnumerateObject().ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
        Assert.True(type.Properties.Count > 0, where);
        Assert.Equal(type.Properties.Select(p => p.Name).Order(StringComparer.Ordinal), fields.Keys.Order(StringComparer.Ordinal));
        if (schema.TryGetProperty("required", out var required))
            Assert.All(required.EnumerateArray(), r => Assert.True(fields.ContainsKey(r.GetString()!), $"{where}: {r}"));
        foreach (var property in type.Properties)
        {
            var field = fields[property.Name];
            var expected = Kind(property.PropertyType);
            Assert.True(Types(field).Contains(expected), $"{where}: {property.Name} is {expected}, described as {field.GetProperty("type")}");
            if (expected == "object")
                AssertSame(ApiJson.Readable.GetTypeInfo(property.PropertyType)!, field, $"{where}: {property.Name}");
            if (expected == "array" && Element(property.PropertyType) is { } element && Kind(element) == "object")
                AssertSame(ApiJson.Readable.GetTypeInfo(element)!, field.GetProperty("items"), $"{where}: {property.Name}");
        }
    }

    /// <summary>The name that JSON Schema has for a type.</summary>
    private static string Kind(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(string) || t == typeof(byte[]) || t == typeof(DateTimeOffset) => "string",
        var t when t == typeof(bool) => "boolean",
        var t when t == typeof(int) || t == typeof(long) => "integer",
        var t when Element(t) is not null => "array",
        _ => "object",
    };

    private static Type? Element(Type type) =>
        (Nullable.GetUnderlyingType(type) ?? type) is { IsGenericType: true } t && t.GetGenericTypeDefinition() == typeof(ImmutableArray<>) ? t.GetGenericArguments()[0] : null;

    private static List<string?> Types(JsonElement schema) =>
        schema.GetProperty("type") is { ValueKind: JsonValueKind.Array } several ? [.. several.EnumerateArray().Select(t => t.GetString())] : [schema.GetProperty("type").GetString()];

    /// <summary>Of a body; one that is named stands among the components.</summary>
    private static JsonElement Schema(JsonElement holder)
    {
        var schema = holder.GetProperty("content").GetProperty("application/json").GetProperty("schema");
        return schema.TryGetProperty("$ref", out var name) ? Description.GetProperty("components").GetProperty("schemas").GetProperty(name.GetString()!.Split('/')[^1]) : schema;
    }
}
