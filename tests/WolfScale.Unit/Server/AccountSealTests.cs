using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WolfScale.Client;
using WolfScale.Proxy.Sql;
using WolfScale.Server.Hosting.StandAlone;
using WolfScale.Server.Http;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>A proxy on another machine asks for password hashes: who gets them, and who does not.</summary>
public class AccountSealTests
{
    private const string Secret = "the cluster's secret, long enough";

    private static readonly byte[] Hash = SHA1.HashData(SHA1.HashData("secret"u8));
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));

    [Fact]
    public void Who_knows_the_secret_is_answered_and_only_the_one_who_asked_can_read_it()
    {
        var seal = new AccountSeal(Secret);
        var question = seal.Ask("app", _time.GetUtcNow());

        Assert.Equal(DoorAnswer.Open, new AccountDoor(new AccountSeal(Secret), _time).Knock(question));
        var answer = new AccountSeal(Secret).Seal(question, [Hash, []]);

        Assert.Equal([Hash, []], seal.Open(question, answer));
        Assert.Equal([], seal.Open(question, seal.Seal(question, [])));
        Assert.DoesNotContain(Convert.ToHexString(Hash), Convert.ToHexString(answer.Sealed), StringComparison.Ordinal);
        _ = Assert.ThrowsAny<CryptographicException>(() => new AccountSeal(Secret + "?").Open(question, answer));
        _ = Assert.ThrowsAny<CryptographicException>(() => seal.Open(seal.Ask("app", _time.GetUtcNow()), answer)); // an answer to another question
        _ = Assert.ThrowsAny<CryptographicException>(() => seal.Open(question with { Mac = [.. question.Mac!.Reverse()] }, answer));
        answer.Sealed[0] ^= 1;
        _ = Assert.ThrowsAny<CryptographicException>(() => seal.Open(question, answer));
        _ = Assert.ThrowsAny<CryptographicException>(() => seal.Open(question, new AccountHashesDocument([], [])));
    }

    [Fact]
    public void A_question_that_was_changed_or_signed_with_another_secret_is_not_genuine()
    {
        var door = new AccountDoor(new AccountSeal(Secret), _time);
        var question = new AccountSeal(Secret).Ask("app", _time.GetUtcNow());

        Assert.Equal(DoorAnswer.NotGenuine, door.Knock(new AccountSeal("another").Ask("app", _time.GetUtcNow())));
        foreach (var changed in new[]
        {
            question with { User = "root" }, question with { User = null }, question with { TimestampMs = question.TimestampMs + 1 }, question with { Nonce = new byte[16] },
            question with { Nonce = null }, question with { Nonce = [.. question.Nonce!, 0] }, question with { Mac = new byte[32] }, question with { Mac = null }, question with { Mac = [] },
        })
            Assert.Equal(DoorAnswer.NotGenuine, door.Knock(changed));
        Assert.Equal(DoorAnswer.Open, door.Knock(question)); // none of them has used it up
    }

    [Fact]
    public void A_question_is_answered_once_and_only_while_it_is_fresh()
    {
        var seal = new AccountSeal(Secret);
        var door = new AccountDoor(seal, _time);
        var question = seal.Ask("app", _time.GetUtcNow());
        var ahead = seal.Ask("app", _time.GetUtcNow() + AccountDoor.Window); // that proxy's clock is fast

        Assert.Equal(DoorAnswer.Open, door.Knock(question));
        Assert.Equal(DoorAnswer.Open, door.Knock(ahead));
        Assert.Equal(DoorAnswer.Repeated, door.Knock(question));
        _time.Advance(AccountDoor.Window);
        Assert.Equal(DoorAnswer.Repeated, door.Knock(question));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(DoorAnswer.OutOfTime, door.Knock(question));
        Assert.Equal(DoorAnswer.Repeated, door.Knock(ahead)); // still within its time, so still remembered
        Assert.Equal(DoorAnswer.OutOfTime, door.Knock(seal.Ask("app", _time.GetUtcNow() + AccountDoor.Window + TimeSpan.FromSeconds(1))));
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_forgotten_in_time()
    {
        var seal = new AccountSeal(Secret);
        var door = new AccountDoor(seal, _time, capacity: 3);
        for (var i = 0; i < 3; i++)
            Assert.Equal(DoorAnswer.Open, door.Knock(seal.Ask("app", _time.GetUtcNow())));
        Assert.Equal(DoorAnswer.Crowded, door.Knock(seal.Ask("app", _time.GetUtcNow())));
        _time.Advance((2 * AccountDoor.Window) + TimeSpan.FromSeconds(1));
        Assert.Equal(DoorAnswer.Open, door.Knock(seal.Ask("app", _time.GetUtcNow())));
    }

    [Fact]
    public async Task Over_HTTP_a_proxy_learns_the_hashes_and_a_stranger_why_not()
    {
        var node = new Node();
        await using var server = await ApiServer.StartAsync(
            new ApiSection { BindAddress = "127.0.0.1:0", Token = "token" }, NullLoggerFactory.Instance, routes => ProxyEndpoints.Map(routes, node, Secret, _time), CancellationToken.None);
        using var proxy = new HttpNodeApi(Secret, null, _time);
        using var stranger = new HttpNodeApi("another secret", null, _time);

        Assert.Equal([Hash], await proxy.AccountHashesAsync(server.Address, "app", CancellationToken.None));
        Assert.Equal(new ReadIndexDocument("0-1-42", "n1", 7), await proxy.ReadIndexAsync(server.Address, CancellationToken.None));
        var refused = await Assert.ThrowsAsync<NodeSilentException>(() => stranger.AccountHashesAsync(server.Address, "app", CancellationToken.None));
        Assert.Contains("cluster.secret differs", refused.Message, StringComparison.Ordinal);

        using var http = new HttpClient();
        var url = new Uri(server.Address, "/internal/account-hashes");
        var question = new AccountSeal(Secret).Ask("app", _time.GetUtcNow());
        using var first = await http.PostAsJsonAsync(url, question, ApiJson.Readable.AccountHashesRequest);
        using var again = await http.PostAsJsonAsync(url, question, ApiJson.Readable.AccountHashesRequest);
        using var garbage = await http.PostAsync(url, new StringContent("{\"user\":"));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.BadRequest), (first.StatusCode, again.StatusCode, garbage.StatusCode));
        Assert.DoesNotContain(Convert.ToBase64String(Hash), await first.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("repeated", JsonDocument.Parse(await again.Content.ReadAsStringAsync()).RootElement.GetProperty("code").GetString());
        Assert.Equal(["app", "app"], node.Asked); // and for nobody else
    }

    [Fact]
    public async Task A_cluster_without_a_secret_tells_nobody()
    {
        await using var server = await ApiServer.StartAsync(
            new ApiSection { BindAddress = "127.0.0.1:0" }, NullLoggerFactory.Instance, routes => ProxyEndpoints.Map(routes, new Node(), "", _time), CancellationToken.None);
        using var proxy = new HttpNodeApi("x", null, _time);

        var refused = await Assert.ThrowsAsync<NodeSilentException>(() => proxy.AccountHashesAsync(server.Address, "app", CancellationToken.None));

        Assert.Contains("403", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>At 3 a.m. the port of the cluster is easily taken for that of the API.</summary>
    [Fact]
    public async Task A_port_that_does_not_speak_HTTP_is_said_to_be_none()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var proxy = new HttpNodeApi("", null, TimeProvider.System);
        var asking = proxy.ClusterAsync(new Uri($"http://{listener.LocalEndpoint}"), CancellationToken.None);
        using (var socket = await listener.AcceptSocketAsync())
            _ = await socket.SendAsync(Encoding.ASCII.GetBytes("WOLF0001\0\0\0\0"));

        var silent = await Assert.ThrowsAsync<NodeSilentException>(() => asking);

        Assert.Contains("a peer is the address of a node's HTTP API", silent.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_HTTP_a_proxy_learns_which_names_hide_something()
    {
        var node = new Node();
        await using var server = await ApiServer.StartAsync(
            new ApiSection { BindAddress = "127.0.0.1:0", Token = "token" }, NullLoggerFactory.Instance, routes => ProxyEndpoints.Map(routes, node, "", _time), CancellationToken.None);
        using var proxy = new HttpNodeApi("", null, _time);

        var told = await proxy.HiddenNamesAsync(server.Address, CancellationToken.None);
        Assert.Equal((node.HiddenNames!.Version, true), (told.Version, told.HasOddNames));
        Assert.Equal([new HiddenNameDocument("248a06b6f393fa63", 1)], told.Names); // FNV-1a of "locks"

        node.HiddenNames = null;
        var silent = await Assert.ThrowsAsync<NodeSilentException>(() => proxy.HiddenNamesAsync(server.Address, CancellationToken.None));
        Assert.Contains("has not read", silent.Message, StringComparison.Ordinal);
    }

    private sealed class Node : IProxyQuestions
    {
        public List<string> Asked { get; } = [];

        public Task<ReadIndexDocument> ReadIndexAsync() => Task.FromResult(new ReadIndexDocument("0-1-42", "n1", 7));

        public HiddenViews? HiddenNames { get; set; } = HiddenViews.Among([], [("Locks", "DO GET_LOCK('a', 1)", ""), ("plain", "DO 1", ""), ("größe", "EXECUTE s", "")]);

        public Task<IReadOnlyList<byte[]>> AccountHashesAsync(string user)
        {
            Asked.Add(user);
            return Task.FromResult<IReadOnlyList<byte[]>>([Hash]);
        }
    }
}
