using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging.Abstractions;
using WolfScale.Client;
using WolfScale.Server.Http;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>The HTTP API over a real socket on loopback, with a node of our own making behind it.</summary>
public class ApiServerTests
{
    private static readonly NodeReport Leader = new()
    {
        Id = "node-1",
        Mode = "consistent",
        Role = "LEADER",
        Status = "ACTIVE",
        Leader = "node-1",
        Term = 3,
        LastLsn = 42,
        CommitLsn = 41,
        AppliedLsn = 40,
        AcceptsWrites = true,
        Database = new DatabaseReport { Enabled = true, Up = true, Fit = true },
        Version = "0",
        StartedAt = DateTimeOffset.UnixEpoch,
        Pid = 7,
        Nodes = [new MemberReport { Id = "node-1", Role = "LEADER", Status = "ACTIVE", LastLsn = 42 }, new MemberReport { Id = "node-2", LastHeardMs = 12 }],
    };

    [Fact]
    public async Task Status_tells_the_nodes_own_facts_in_snake_case()
    {
        await using var api = await Api.StartAsync(Leader);

        var status = await api.JsonAsync("/status");

        Assert.Equal(("node-1", 42, 41, 40), (status.GetProperty("id").GetString(), status.GetProperty("last_lsn").GetInt32(), status.GetProperty("commit_lsn").GetInt32(), status.GetProperty("applied_lsn").GetInt32()));
        Assert.Equal(JsonValueKind.Null, status.GetProperty("lag_entries").ValueKind); // unknown is null, not absent
        Assert.Equal("1970-01-01T00:00:00+00:00", status.GetProperty("started_at").GetString());
    }

    [Fact]
    public async Task The_cluster_names_the_node_that_answers_and_all_members()
    {
        await using var api = await Api.StartAsync(Leader);

        Assert.Equal("node-1", (await api.JsonAsync("/cluster")).GetProperty("node").GetString());
        Assert.Equal(2, (await api.JsonAsync("/cluster/nodes")).GetArrayLength());
        Assert.Equal(12, (await api.JsonAsync("/cluster/nodes/node-2")).GetProperty("last_heard_ms").GetInt32());
    }

    /// <summary>Fifty at once, of which a second lets one through; what tells how the node stands is answered all the same.</summary>
    [Fact]
    public async Task More_requests_than_one_address_may_send_are_refused_and_health_is_not_counted()
    {
        await using var api = await Api.StartAsync(Leader, new ApiSection { RateLimit = 1, Token = "the administrator's" });

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => api.PostAsync("/admin/log-level", "{}")));

        var refused = answers.Where(a => a.Status == HttpStatusCode.TooManyRequests).ToList();
        Assert.InRange(refused.Count, 1, 49);
        Assert.Equal(50, refused.Count + answers.Count(a => a.Status == HttpStatusCode.Unauthorized));
        Assert.All(refused, a => Assert.Equal("too_many_requests", a.Body.GetProperty("code").GetString()));
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => api.GetAsync("/status"))), a => Assert.Equal(HttpStatusCode.OK, a.Status));
        var known = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => api.SendAsync(HttpMethod.Post, "/admin/log-level", "the administrator's", "{}")));
        Assert.DoesNotContain(known, a => a.Status == HttpStatusCode.TooManyRequests);
    }

    /// <summary>A page of the world's may call itself what it likes, and have that mean this machine.</summary>
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]", true)]
    [InlineData("localhost", true)]
    [InlineData("rebound.example", false)]
    [InlineData("", false)]
    public void Who_is_trusted_without_a_token_calls_the_node_by_an_address_or_its_own_name(string host, bool trusted) => Assert.Equal(trusted, TokenGate.IsOwnName(host));

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("10.0.0.1", "::ffff:10.0.0.1", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    public void One_sender_is_an_address_or_a_network_of_64_bits(string one, string other, bool same) =>
        Assert.Equal(same, RequestRate.Network(IPAddress.Parse(one)) == RequestRate.Network(IPAddress.Parse(other)));

    [Fact]
    public async Task An_unknown_node_is_a_problem_with_a_code()
    {
        await using var api = await Api.StartAsync(Leader);

        var (status, type, body) = await api.GetAsync("/cluster/nodes/node-9");

        Assert.Equal((HttpStatusCode.NotFound, "application/problem+json"), (status, type));
        Assert.Equal("not_found", body.GetProperty("code").GetString());
        Assert.Contains("node-9", body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_path_that_is_not_there_is_a_problem_too()
    {
        await using var api = await Api.StartAsync(Leader);

        var (status, type, _) = await api.GetAsync("/nowhere");

        Assert.Equal((HttpStatusCode.NotFound, "application/problem+json"), (status, type));
    }

    [Theory]
    [InlineData("/health", HttpStatusCode.OK)]
    [InlineData("/health/live", HttpStatusCode.OK)]
    [InlineData("/health/ready", HttpStatusCode.OK)]
    [InlineData("/health/leader", HttpStatusCode.OK)]
    public async Task A_serving_leader_is_healthy(string path, HttpStatusCode expected)
    {
        await using var api = await Api.StartAsync(Leader);

        Assert.Equal(expected, (await api.GetAsync(path)).Status);
    }

    [Fact]
    public async Task A_balancer_that_looks_for_the_leader_is_told_where_it_is()
    {
        await using var api = await Api.StartAsync(Leader with { Role = "FOLLOWER", Leader = "node-2", AcceptsWrites = false });

        var (status, _, body) = await api.GetAsync("/health/leader");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("node-2", body.GetProperty("reasons")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/health/ready")).Status);
    }

    [Fact]
    public async Task What_keeps_a_node_from_serving_stands_in_the_reasons()
    {
        await using var api = await Api.StartAsync(Leader with
        {
            Status = "SYNCING",
            Reason = "12 entries behind",
            Leader = null,
            Database = new DatabaseReport { Enabled = true, Up = false, Reason = "connection refused" },
            Failure = "fsync failed on wal/1",
        });

        var (status, _, body) = await api.GetAsync("/health");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal(
            ["fsync failed on wal/1", "The node is SYNCING: 12 entries behind", "The cluster has no leader.", "MariaDB is not reachable: connection refused"],
            body.GetProperty("reasons").EnumerateArray().Select(r => r.GetString()));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await api.GetAsync("/health/live")).Status);
    }

    [Fact]
    public async Task Where_tokens_are_set_one_of_enough_reach_is_needed()
    {
        var settings = new ApiSection
        {
            Token = "root",
            Tokens = [new ApiToken { Token = "reader", Role = TokenRole.Read }, new ApiToken { Token = "writer", Role = TokenRole.Write }],
        };
        await using var api = await Api.StartAsync(Leader, settings);

        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/status")).Status); // open
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.GetAsync("/test/write")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.GetAsync("/test/write", "guess")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await api.GetAsync("/test/write", "reader")).Status);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/test/write", "writer")).Status);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/test/write", "root")).Status);
    }

    [Fact]
    public async Task An_endpoint_that_says_nothing_wants_an_admin()
    {
        await using var api = await Api.StartAsync(Leader, new ApiSection { Tokens = [new ApiToken { Token = "writer", Role = TokenRole.Write }] });

        Assert.Equal(HttpStatusCode.Forbidden, (await api.GetAsync("/test/unmarked", "writer")).Status);
    }

    [Fact]
    public async Task Without_any_token_this_machine_is_trusted()
    {
        await using var api = await Api.StartAsync(Leader);

        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/test/write")).Status);
    }

    [Theory]
    [InlineData("/admin/promote", "{\"node\":\"node-2\"}", HttpStatusCode.OK, "leader", "node-2")]
    [InlineData("/admin/promote", "", HttpStatusCode.OK, "leader", "node-1")] // the node that is asked leads already
    [InlineData("/admin/promote", "{\"node\":\"node-3\"}", HttpStatusCode.Conflict, "detail", "node-3 lags")]
    [InlineData("/admin/promote", "{\"node\":\"node-9\"}", HttpStatusCode.NotFound, "code", "not_found")]
    [InlineData("/admin/promote", "node-2", HttpStatusCode.BadRequest, "code", "bad_request")]
    [InlineData("/admin/demote", "", HttpStatusCode.OK, "leader", "node-2")]
    [InlineData("/admin/log-level", "{\"level\":\"debug\"}", HttpStatusCode.OK, "level", "debug")]
    [InlineData("/admin/log-level", "{\"level\":\"loud\"}", HttpStatusCode.BadRequest, "code", "bad_request")]
    [InlineData("/admin/log-level", "", HttpStatusCode.BadRequest, "code", "bad_request")]
    public async Task An_operator_moves_the_lead_and_the_log_level(string path, string body, HttpStatusCode expected, string field, string value)
    {
        await using var api = await Api.StartAsync(Leader with { Nodes = Leader.Nodes.Add(new MemberReport { Id = "node-3" }) });

        var (status, _, answer) = await api.PostAsync(path, body);

        Assert.Equal((expected, value), (status, answer.GetProperty(field).GetString()));
    }

    [Fact]
    public async Task A_follower_names_the_leader_that_is_to_be_asked()
    {
        await using var api = await Api.StartAsync(Leader with { Role = "FOLLOWER", Leader = "node-2", Nodes = [new MemberReport { Id = "node-2", Api = "10.0.0.2:8080" }] });

        var (status, _, answer) = await api.PostAsync("/admin/demote");

        Assert.Equal((HttpStatusCode.Conflict, "Ask the leader, node-2 at 10.0.0.2:8080."), (status, answer.GetProperty("detail").GetString()));
    }

    [Theory]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    public async Task A_balancer_may_ask_for_the_status_alone(string method)
    {
        await using var api = await Api.StartAsync(Leader with { Role = "FOLLOWER", Leader = "node-2", AcceptsWrites = false });

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await api.SendAsync(new HttpMethod(method), "/health/leader", null, null)).Status);
        Assert.Equal(HttpStatusCode.OK, (await api.SendAsync(new HttpMethod(method), "/health/live", null, null)).Status);
    }

    private sealed class Api(ApiServer server, HttpClient client) : IAsyncDisposable
    {
        public static async Task<Api> StartAsync(NodeReport report, ApiSection? settings = null)
        {
            var server = await ApiServer.StartAsync((settings ?? new ApiSection()) with { BindAddress = "127.0.0.1:0" }, new Fixed(report), new Fixed(report), NullLoggerFactory.Instance, Map);
            return new Api(server, new HttpClient { BaseAddress = server.Address });
        }

        public async Task<JsonElement> JsonAsync(string path)
        {
            var (status, _, body) = await GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, status);
            return body;
        }

        public Task<(HttpStatusCode Status, string? Type, JsonElement Body)> GetAsync(string path, string? token = null) =>
            SendAsync(HttpMethod.Get, path, token, null);

        public Task<(HttpStatusCode Status, string? Type, JsonElement Body)> PostAsync(string path, string? body = null) =>
            SendAsync(HttpMethod.Post, path, null, body);

        public async Task<(HttpStatusCode Status, string? Type, JsonElement Body)> SendAsync(HttpMethod method, string path, string? token, string? body)
        {
            using var request = new HttpRequestMessage(method, path);
            if (body is not null)
                request.Content = new StringContent(body);
            if (token is not null)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using var response = await client.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            return (response.StatusCode, response.Content.Headers.ContentType?.MediaType, text.Length > 0 ? JsonDocument.Parse(text).RootElement : default);
        }

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            await server.DisposeAsync();
        }

        private static void Map(IEndpointRouteBuilder routes)
        {
            _ = routes.MapGet("/test/write", () => "{}").For(TokenRole.Write);
            _ = routes.MapGet("/test/unmarked", () => "{}");
        }

        /// <summary>Hands over to node-2 and to nobody else.</summary>
        private sealed class Fixed(NodeReport report) : INodeReportSource, INodeOperations
        {
            public NodeReport Current => report;

            public Task<SwitchoverDocument> HandOverAsync(string? nodeId, CancellationToken cancellationToken) => Task.FromResult(nodeId is null or "node-2"
                ? new SwitchoverDocument(true, "node-2", 12, null)
                : new SwitchoverDocument(false, "node-1", 12, $"{nodeId} lags"));

            public bool SetLogLevel(string level) => level == "debug";
        }
    }
}
