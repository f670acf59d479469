using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Client;
using WolfScale.MariaDb;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Physical;
using WolfScale.Server.Http;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>The operator's endpoints beside those of switchovers: what they ask of the node, and how its refusals look.</summary>
public class OperatorEndpointsTests
{
    [Theory]
    [InlineData("/admin/remove", "{\"node\":\"node-2\"}", HttpStatusCode.OK, "remove node-2 force False dry False")]
    [InlineData("/admin/remove", "{\"node\":\"node-2\",\"force\":true,\"dry_run\":true}", HttpStatusCode.OK, "remove node-2 force True dry True")]
    [InlineData("/admin/remove", "{\"node\":\"node-9\"}", HttpStatusCode.NotFound, "not_found")]
    [InlineData("/admin/remove", "{\"node\":\"node-3\"}", HttpStatusCode.Conflict, "node_alive")]
    [InlineData("/admin/remove", "{}", HttpStatusCode.BadRequest, "bad_request")]
    [InlineData("/admin/remove", "", HttpStatusCode.BadRequest, "bad_request")]
    [InlineData("/admin/leave", "", HttpStatusCode.OK, "leave dry False")]
    [InlineData("/admin/leave", "{\"dry_run\":true}", HttpStatusCode.OK, "leave dry True")]
    [InlineData("/admin/leave", "now", HttpStatusCode.BadRequest, "bad_request")]
    [InlineData("/admin/maintenance", "{\"on\":true}", HttpStatusCode.OK, "maintenance True")]
    [InlineData("/admin/maintenance", "{\"on\":false}", HttpStatusCode.Conflict, "not_handed_over")]
    [InlineData("/admin/maintenance", "{}", HttpStatusCode.BadRequest, "bad_request")]
    [InlineData("/admin/maintenance", "", HttpStatusCode.BadRequest, "bad_request")]
    public async Task What_is_asked_reaches_the_node_and_refusals_have_a_code(string path, string body, HttpStatusCode expected, string outcome)
    {
        var node = new Node();
        await using var api = await StartAsync(node, new ApiSection());
        using var client = new HttpClient { BaseAddress = api.Address };

        using var answer = await client.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body));

        var text = await answer.Content.ReadAsStringAsync();
        Assert.Equal(expected, answer.StatusCode);
        AssertDescribed(path, answer);
        Assert.Equal(outcome, expected == HttpStatusCode.OK ? node.Asked : JsonDocument.Parse(text).RootElement.GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("/admin/remove")]
    [InlineData("/admin/leave")]
    [InlineData("/admin/maintenance")]
    public async Task They_want_an_admin(string path)
    {
        var node = new Node();
        await using var api = await StartAsync(node, new ApiSection { Tokens = [new ApiToken { Token = "writer", Role = TokenRole.Write }] });
        using var client = new HttpClient { BaseAddress = api.Address };
        client.DefaultRequestHeaders.Authorization = new("Bearer", "writer");

        using var answer = await client.PostAsync(new Uri(path, UriKind.Relative), new StringContent("{\"node\":\"node-2\",\"on\":true}"));

        Assert.Equal((HttpStatusCode.Forbidden, ""), (answer.StatusCode, node.Asked));
    }

    [Theory]
    [InlineData("/admin/migrate", "{\"from\":\"node-2\",\"replace_data\":true}", HttpStatusCode.Accepted, "migrate node-2 replace True")]
    [InlineData("/admin/migrate", "", HttpStatusCode.Accepted, "migrate  replace False")]
    [InlineData("/admin/migrate", "{\"from\":\"node-9\"}", HttpStatusCode.Conflict, "migrate node-9 replace False")]
    [InlineData("/admin/migrate", "[", HttpStatusCode.BadRequest, "")]
    [InlineData("/admin/migrate/files", "{\"ticket\":\"t\",\"step\":\"begin\",\"from\":\"node-2\"}", HttpStatusCode.NoContent, "begin t from node-2")]
    [InlineData("/admin/migrate/files", "{\"ticket\":\"t\",\"step\":\"leap\"}", HttpStatusCode.BadRequest, "")]
    public async Task A_copy_is_ordered_and_every_answer_is_described(string path, string body, HttpStatusCode expected, string asked)
    {
        var node = new Node();
        await using var api = await StartAsync(node, new ApiSection());
        using var client = new HttpClient { BaseAddress = api.Address };

        using var answer = await client.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body));

        Assert.Equal((expected, asked), (answer.StatusCode, node.Asked));
        AssertDescribed(path, answer);
    }

    [Fact]
    public async Task A_dump_that_cannot_be_made_is_a_problem_that_is_described()
    {
        await using var api = await StartAsync(new Node(), new ApiSection());
        using var client = new HttpClient { BaseAddress = api.Address };

        using var answer = await client.GetAsync(new Uri("/dump", UriKind.Relative));

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "cannot_dump"), (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("code").GetString()));
        Assert.True(answer.Headers.Contains("X-Request-Id"), "what every answer has");
        AssertDescribed("/dump", answer, "get");
    }

    /// <summary>What is no success may be described as a problem of any status.</summary>
    private static void AssertDescribed(string path, HttpResponseMessage answer, string method = "post")
    {
        var described = JsonDocument.Parse(OpenApiEndpoint.Described()).RootElement.GetProperty("paths").GetProperty(path).GetProperty(method).GetProperty("responses");
        var status = $"{(int)answer.StatusCode}";
        Assert.True(described.TryGetProperty(status, out var found) || (!answer.IsSuccessStatusCode && described.TryGetProperty("default", out found)), $"{path} answers {status}, which is not described");
        var type = answer.Content.Headers.ContentType?.MediaType;
        Assert.True(type is null ? !found.TryGetProperty("content", out _) : found.GetProperty("content").TryGetProperty(type, out _), $"{path} answers {status} with {type}, which is not described");
    }

    private static Task<ApiServer> StartAsync(Node node, ApiSection settings) => ApiServer.StartAsync(
        settings with { BindAddress = "127.0.0.1:0" }, NullLoggerFactory.Instance, routes =>
        {
            MembershipEndpoints.Map(routes, node);
            MaintenanceEndpoints.Map(routes, node);
            CopyEndpoints.Map(routes, node);
        },
        CancellationToken.None);

    /// <summary>Remembers what it was asked; refuses what the tables above say.</summary>
    private sealed class Node : IMembership, IMaintenance, IDataCopies
    {
        public string Asked { get; private set; } = "";

        public Task<Departure> RemoveAsync(string nodeId, bool force, bool dryRun, CancellationToken cancellationToken)
        {
            Asked = $"remove {nodeId} force {force} dry {dryRun}";
            return Task.FromResult(nodeId switch
            {
                "node-9" => Departure.Refused("not_found", "none"),
                "node-3" => Departure.Refused("node_alive", "it lives"),
                _ => new Departure(new DepartureDocument(!dryRun, nodeId, 2, 0), "", ""),
            });
        }

        public Task<Departure> LeaveAsync(bool dryRun, CancellationToken cancellationToken)
        {
            Asked = $"leave dry {dryRun}";
            return Task.FromResult(new Departure(new DepartureDocument(!dryRun, "node-1", 2, 0), "", ""));
        }

        public Task<(MaintenanceDocument? Done, string Reason)> SetMaintenanceAsync(bool on, CancellationToken cancellationToken)
        {
            Asked = $"maintenance {on}";
            return Task.FromResult<(MaintenanceDocument?, string)>(on ? (new MaintenanceDocument("node-1", on, "node-2", 40), "") : (null, "nobody"));
        }

        public CancellationToken Stopping => CancellationToken.None;

        public void Spend(long bytes) => throw new NotSupportedException();

        public Task<DatabaseDump> OpenDumpAsync(CancellationToken cancellationToken) => throw new DumpException("no server");

        public Task<PhysicalCopy> OpenCopyAsync(CancellationToken cancellationToken) => throw new DumpException("no server");

        public Task ReplaceFilesAsync(MigrateFilesRequest request, CancellationToken cancellationToken)
        {
            Asked = $"{request.Step} {request.Ticket} from {request.From}";
            return Task.CompletedTask;
        }

        public Task MigrateAsync(string from, bool replaceData, CancellationToken cancellationToken)
        {
            Asked = $"migrate {from} replace {replaceData}";
            return from == "node-9" ? Task.FromException(new DumpException("no such node")) : Task.CompletedTask;
        }
    }
}
