using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Client;
using WolfScale.Server.Dashboard;
using WolfScale.Server.Http;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>What the dashboard changes: node-1's page, and node-2, which leads, over real sockets. Each has an admin's token of its own beside the common one.</summary>
public sealed class DashboardActionsTests : IAsyncLifetime
{
    private readonly Node _leader = new("node-2");
    private readonly List<string> _asked = [];
    private DashboardVerification _verification = null!;
    private ApiServer _leadersApi = null!;
    private ApiServer _api = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _leadersApi = await ApiServer.StartAsync(Settings("only-node-2"), _leader, _leader, NullLoggerFactory.Instance, routes => MaintenanceEndpoints.Map(routes, _leader), Cancelled);
        var report = Node.Report("node-1") with
        {
            Nodes =
            [
                new MemberReport { Id = "node-1", Role = "FOLLOWER", Api = "127.0.0.1:1" }, new MemberReport { Id = "node-2", Role = "LEADER", Api = _leadersApi.Address.Authority },
                new MemberReport { Id = "node-3", Role = "FOLLOWER" },
            ],
        };
        NodeClient Open(string address, string token)
        {
            _asked.Add(address);
            return new NodeClient($"http://{address}", token, TimeSpan.FromSeconds(30));
        }

        _verification = new DashboardVerification(Open, static () => { }, TimeProvider.System);
        _api = await ApiServer.StartAsync(Settings("only-node-1"), NullLoggerFactory.Instance, routes => new DashboardActions(() => report, Open, _verification).Map(routes), Cancelled);
        _http = new HttpClient { BaseAddress = _api.Address };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _verification.DisposeAsync();
        await _api.DisposeAsync();
        await _leadersApi.DisposeAsync();
    }

    [Fact]
    public async Task A_promotion_is_asked_of_the_leader_with_the_persons_token()
    {
        var (status, body) = await PostAsync("/dashboard/nodes/node-1/promote", "both");

        Assert.Equal((HttpStatusCode.OK, "node-1"), (status, body.GetProperty("leader").GetString()));
        Assert.Equal("hand over to node-1", _leader.Asked);
    }

    [Theory]
    [InlineData("/dashboard/nodes/node-2/demote", null, "hand over to the best")]
    [InlineData("/dashboard/nodes/node-2/maintenance", "{\"on\":true}", "maintenance True")]
    public async Task What_is_meant_for_a_node_is_asked_of_it(string path, string? body, string asked)
    {
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(path, "both", body)).Status);
        Assert.Equal(asked, _leader.Asked);
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized, "unauthorized")]
    [InlineData("guess", HttpStatusCode.Unauthorized, "unauthorized")]
    [InlineData("reader", HttpStatusCode.Forbidden, "forbidden")]
    [InlineData("only-node-2", HttpStatusCode.Unauthorized, "unauthorized")] // refused here
    [InlineData("only-node-1", HttpStatusCode.Unauthorized, "unauthorized")] // refused there
    public async Task Nobody_does_here_what_he_may_not_do_there(string? token, HttpStatusCode expected, string code)
    {
        var (status, body) = await PostAsync("/dashboard/nodes/node-1/promote", token);

        Assert.Equal((expected, code, ""), (status, body.GetProperty("code").GetString(), _leader.Asked));
    }

    [Theory]
    [InlineData("/dashboard/nodes/node-9/promote", null, HttpStatusCode.NotFound, "not_found")]
    [InlineData("/dashboard/nodes/node-3/maintenance", "{\"on\":true}", HttpStatusCode.Conflict, "no_api")]
    [InlineData("/dashboard/nodes/node-1/maintenance", "{\"on\":true}", HttpStatusCode.BadGateway, "unreachable")]
    [InlineData("/dashboard/nodes/node-2/maintenance", "{}", HttpStatusCode.BadRequest, "bad_request")]
    [InlineData("/dashboard/nodes/node-2/maintenance", "{\"on\":false}", HttpStatusCode.Conflict, "not_handed_over")] // the node's own refusal
    public async Task A_refusal_says_why(string path, string? body, HttpStatusCode expected, string code)
    {
        var (status, answer) = await PostAsync(path, "both", body);

        Assert.Equal((expected, code), (status, answer.GetProperty("code").GetString()));
        Assert.NotEmpty(answer.GetProperty("detail").GetString()!);
    }

    [Theory]
    [InlineData("http://elsewhere.example", false)]
    [InlineData("null", false)]
    [InlineData("own", true)]
    public async Task Another_sites_page_makes_a_browser_change_nothing(string origin, bool goes)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/dashboard/nodes/node-1/promote");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "both");
        request.Headers.Add("Origin", origin == "own" ? _api.Address.ToString().TrimEnd('/') : origin);
        using var answer = await _http.SendAsync(request, Cancelled);

        Assert.Equal((goes ? HttpStatusCode.OK : HttpStatusCode.Forbidden, goes), (answer.StatusCode, _leader.Asked.Length > 0));
    }

    [Fact]
    public async Task A_comparison_that_cannot_be_made_says_why_and_another_may_begin()
    {
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync("/dashboard/verify", "both")).Status);
        await _verification.Ended;

        Assert.False(_verification.Progress!.Running);
        Assert.NotNull(_verification.Progress.Error); // these nodes have no servers
        Assert.Equal(2, _asked.Count);
    }

    private static ApiSection Settings(string own) => new()
    {
        BindAddress = "127.0.0.1:0",
        Tokens = [new ApiToken { Token = "both", Role = TokenRole.Admin }, new ApiToken { Token = own, Role = TokenRole.Admin }, new ApiToken { Token = "reader", Role = TokenRole.Read }],
    };

    private async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string path, string? token, string? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await _http.SendAsync(request, Cancelled);
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancelled)).RootElement);
    }

    private sealed class Node(string id) : INodeReportSource, INodeOperations, IMaintenance
    {
        public string Asked { get; private set; } = "";

        public NodeReport Current => Report(id);

        public static NodeReport Report(string id) => new()
        {
            Id = id, Mode = "consistent", Role = id == "node-2" ? "LEADER" : "FOLLOWER", Leader = "node-2", Version = "0", StartedAt = DateTimeOffset.UnixEpoch, Pid = 1,
            Nodes = [new MemberReport { Id = "node-1" }, new MemberReport { Id = "node-2" }],
        };

        public Task<SwitchoverDocument> HandOverAsync(string? nodeId, CancellationToken cancellationToken)
        {
            Asked = $"hand over to {nodeId ?? "the best"}";
            return Task.FromResult(new SwitchoverDocument(true, nodeId ?? "node-1", 12, null));
        }

        public bool SetLogLevel(string level) => false;

        public Task<(MaintenanceDocument? Done, string Reason)> SetMaintenanceAsync(bool on, CancellationToken cancellationToken)
        {
            Asked = $"maintenance {on}";
            return Task.FromResult<(MaintenanceDocument?, string)>(on ? (new MaintenanceDocument(id, on, "node-1", null), "") : (null, "nobody takes it"));
        }
    }
}
