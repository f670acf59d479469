using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using WolfScale.Server.Http;

namespace WolfScale.Server.Hosting.StandAlone;

/// <summary>Asks nodes over HTTP or HTTPS.</summary>
internal sealed class HttpNodeApi : INodeApi, IDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan QuestionLimit = TimeSpan.FromSeconds(3);

    private const long LongestAnswer = 1 << 20;

    private volatile HttpClient _http;
    private readonly AccountSeal? _seal;
    private readonly TimeProvider _time;

    /// <param name="secret"><c>cluster.secret</c>; without one no hashes can be asked for.</param>
    /// <param name="authority">Who must have signed the nodes' certificates; null: whom the system trusts.</param>
    /// <param name="time">The clock.</param>
    public HttpNodeApi(string secret, Authority? authority, TimeProvider time)
    {
        _time = time;
        _seal = secret.Length > 0 ? new AccountSeal(secret) : null;
        _http = Client(authority);
    }

    /// <summary>Another authority for what is asked from now on. Questions under way end as they began; their client is the collector's.</summary>
    public void Follow(Authority? authority) => _http = Client(authority);

    public Task<ClusterDocument> ClusterAsync(Uri api, CancellationToken cancellationToken) =>
        SendAsync(new Uri(api, "/cluster"), null, ApiJson.Readable.ClusterDocument, Limit, cancellationToken);

    public Task<ReadIndexDocument> ReadIndexAsync(Uri api, CancellationToken cancellationToken) =>
        SendAsync(new Uri(api, "/read-index"), null, ApiJson.Readable.ReadIndexDocument, QuestionLimit, cancellationToken);

    public Task<HiddenNamesDocument> HiddenNamesAsync(Uri api, CancellationToken cancellationToken) =>
        SendAsync(new Uri(api, "/hidden-names"), null, ApiJson.Readable.HiddenNamesDocument, QuestionLimit, cancellationToken);

    public async Task<IReadOnlyList<byte[]>> AccountHashesAsync(Uri api, string user, CancellationToken cancellationToken)
    {
        if (_seal is null)
            throw new NodeSilentException("cluster.secret is not set");
        var question = _seal.Ask(user, _time.GetUtcNow());
        using var body = JsonContent.Create(question, ApiJson.Readable.AccountHashesRequest);
        var answer = await SendAsync(new Uri(api, "/internal/account-hashes"), body, ApiJson.Readable.AccountHashesDocument, QuestionLimit, cancellationToken);
        try
        {
            return _seal.Open(question, answer);
        }
        catch (CryptographicException)
        {
            throw new NodeSilentException($"{api.Authority} answered with what only another secret can open");
        }
    }

    public void Dispose() => _http.Dispose();

    private static HttpClient Client(Authority? authority)
    {
        var handler = new SocketsHttpHandler { ConnectTimeout = Limit, UseProxy = false, AllowAutoRedirect = false, MaxConnectionsPerServer = 8, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        authority?.DemandIn(handler.SslOptions);
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LongestAnswer };
    }

    private async Task<T> SendAsync<T>(Uri url, HttpContent? body, JsonTypeInfo<T> type, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, url) { Content = body };
            using var answer = await _http.SendAsync(request, either.Token);
            if (answer.IsSuccessStatusCode)
                return await answer.Content.ReadFromJsonAsync(type, either.Token) ?? throw new JsonException();
            throw new NodeSilentException(await ProblemAsync(url, answer, either.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new NodeSilentException($"{url.Authority} gave no answer within {limit.TotalMilliseconds:0} ms");
        }
        catch (JsonException)
        {
            throw new NodeSilentException($"{url.Authority} answers, but not as a WolfScale node does");
        }
        catch (HttpRequestException e)
        {
            throw new NodeSilentException(Explain(url, e));
        }
    }

    private static async Task<string> ProblemAsync(Uri url, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var problem = answer.Content.Headers.ContentType?.MediaType == "application/problem+json"
            ? await answer.Content.ReadFromJsonAsync(ApiJson.Readable.ProblemDocument, cancellationToken)
            : null;
        return problem is null
            ? $"{url.Authority} answers, but not as a WolfScale node does ({(int)answer.StatusCode} for {url.AbsolutePath})"
            : $"{url.Authority} answered {(int)answer.StatusCode}: {problem.Title}. {problem.Detail}";
    }

    private static string Explain(Uri url, HttpRequestException e)
    {
        var reason = e.InnerException?.Message ?? e.Message;
        return e.HttpRequestError switch
        {
            HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError => $"{url.Authority} cannot be reached: {reason}",
            HttpRequestError.SecureConnectionError => $"{url.Authority}: TLS failed: {reason}",
            _ => $"{url.Authority} broke off, or does not speak HTTP ({reason}): a peer is the address of a node's HTTP API (port 8080 unless [api] bind_address says otherwise), not of its cluster port",
        };
    }
}
