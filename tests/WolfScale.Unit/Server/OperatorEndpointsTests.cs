using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Client;
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

    private static Task<ApiServer> StartAsync(Node node, ApiSection settings) => ApiServer.StartAsync(
        settings with { BindAddress = "127.0.0.1:0" }, NullLoggerFactory.Instance, routes =>
        {
            MembershipEndpoints.Map(routes, node);
            MaintenanceEndpoints.Map(routes, node);
        },
        CancellationToken.None);

    /// <summary>Remembers what it was asked; refuses what the tables above say.</summary>
    private sealed class Node : IMembership, IMaintenance
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
    }
}
