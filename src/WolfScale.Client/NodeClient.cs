using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using WolfScale.Settings;

namespace WolfScale.Client;

/// <summary>Asks a node over HTTP.</summary>
public sealed class NodeClient : IDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;

    /// <param name="baseAddress">For example <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="token">Sent as the bearer token unless empty.</param>
    /// <param name="timeout">For a whole answer; for connecting too, and at most 5 s for that.</param>
    /// <param name="certificate">The one certificate the node must show: its own, which rarely names 127.0.0.1. Null: the rules of <paramref name="authority"/>.</param>
    /// <param name="authority">Who must have signed the node's certificate. Null: whom the system trusts.</param>
    /// <param name="log">Gets a line for each request; null: nobody wants to know.</param>
    public NodeClient(string baseAddress, string token, TimeSpan timeout, X509Certificate2? certificate = null, Authority? authority = null, TextWriter? log = null)
    {
        var handler = new SocketsHttpHandler { ConnectTimeout = timeout < ConnectLimit ? timeout : ConnectLimit, UseProxy = false };
        if (certificate is not null)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString(HashAlgorithmName.SHA256) == certificate.GetCertHashString(HashAlgorithmName.SHA256);
        else
            authority?.DemandIn(handler.SslOptions);
        _http = new HttpClient(log is null ? handler : new RequestLog(handler, log)) { BaseAddress = new Uri(baseAddress), Timeout = timeout };
        if (token.Length > 0)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public Uri Address => _http.BaseAddress!;

    /// <summary>The node this configuration describes, on this machine.</summary>
    /// <param name="configuration">Valid.</param>
    /// <param name="token">Instead of the configuration's.</param>
    /// <param name="timeout">For an answer.</param>
    /// <param name="log">Gets a line for each request.</param>
    public static NodeClient Local(NodeConfiguration configuration, string? token = null, TimeSpan? timeout = null, TextWriter? log = null)
    {
        if (!configuration.Api.Enabled)
            throw new RefusedException("api.enabled = false: the node cannot be asked. Enable the API, on 127.0.0.1 if nobody else is to reach it.");
        _ = HostPort.TryParse(configuration.Api.BindAddress, out var bind, out _);
        var host = bind.IsWildcard ? new HostPort("127.0.0.1", bind.Port) : bind;
        var scheme = configuration.Api.Scheme();
        var certificate = scheme == "https" ? X509Certificate2.CreateFromPemFile(configuration.Api.TlsCert, configuration.Api.TlsKey) : null;
        return new NodeClient($"{scheme}://{host}", token ?? configuration.Api.Token, timeout ?? TimeSpan.FromSeconds(5), certificate, log: log);
    }

    /// <summary>The body of an answer, as text.</summary>
    /// <exception cref="UnreachableException">Nobody answers.</exception>
    /// <exception cref="NodeRefusedException">The node does not answer with what was asked for.</exception>
    /// <exception cref="OperationCanceledException">It is no longer wanted, whatever broke besides.</exception>
    public async Task<string> GetTextAsync(string path, CancellationToken cancellationToken)
    {
        var (status, body) = await GetAnyAsync(path, cancellationToken);
        return status == HttpStatusCode.OK ? body : throw Refusal(path, status, body);
    }

    /// <summary>As <see cref="GetTextAsync"/>, whatever the status: <c>/health</c> says what is wrong with a 503.</summary>
    public Task<(HttpStatusCode Status, string Body)> GetAnyAsync(string path, CancellationToken cancellationToken) => TryAsync(
        async () =>
        {
            using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        },
        cancellationToken);

    /// <summary>The lines of an answer that does not end, as they come.</summary>
    /// <param name="path">What to ask for.</param>
    /// <param name="accept">The kind of stream.</param>
    /// <param name="silence">The node sends something at least so often; after more than that it is taken for gone.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="UnreachableException">Nobody answers, or the stream broke off.</exception>
    public async IAsyncEnumerable<string> StreamAsync(
        string path, string accept, TimeSpan silence, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        request.Headers.Accept.ParseAdd(accept);
        using var response = await TryAsync(() => _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken), cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw Refusal(path, response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await TryAsync(() => reader.ReadLineAsync(cancellationToken).AsTask().WaitAsync(silence, cancellationToken), cancellationToken) is { } line)
            yield return line;
        throw new UnreachableException(Address, "it ended the stream");
    }

    /// <summary>An answer that may be long, with its headers; the timeout is for these alone.</summary>
    /// <param name="path">What to ask for.</param>
    /// <param name="encoding">That it may come in: <c>gzip</c>, or <c>identity</c>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="UnreachableException">Nobody answers.</exception>
    /// <exception cref="NodeRefusedException">The node does not answer with what was asked for.</exception>
    public async Task<HttpResponseMessage> OpenAsync(string path, string encoding, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        request.Headers.AcceptEncoding.ParseAdd(encoding);
        var response = await TryAsync(() => _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken), cancellationToken);
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
            throw Refusal(path, response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    private async Task<T> TryAsync<T>(Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException or TaskCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new UnreachableException(Address, Reason(e));
        }
    }

    public async Task<T?> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize(await GetTextAsync(path, cancellationToken), type);

    /// <summary>Asks for something to be done, and returns the body of the answer.</summary>
    /// <exception cref="UnreachableException">Nobody answers: nothing was asked.</exception>
    /// <exception cref="NodeRefusedException">The node refuses; the message is its own.</exception>
    /// <exception cref="RefusedException">Exit code 4: it was asked, and no answer came.</exception>
    public async Task<string> PostAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var content = new StringContent(JsonSerializer.Serialize(body, type), Encoding.UTF8, "application/json");
        try
        {
            using var response = await _http.PostAsync(new Uri(path, UriKind.Relative), content, cancellationToken);
            var answer = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.IsSuccessStatusCode ? answer : throw Refusal(path, response.StatusCode, answer);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError)
        {
            throw new UnreachableException(Address, Reason(e));
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new RefusedException(
                $"{Address}{path.TrimStart('/')} was asked and has not answered ({Reason(e)}): whether it was done is not known. `wolfctl list servers` shows how things stand.", ExitCode.Unknown);
        }
    }

    public void Dispose() => _http.Dispose();

    private NodeRefusedException Refusal(string path, HttpStatusCode status, string body)
    {
        var problem = Problem(body);
        var detail = problem?.Detail ?? $"{Address}{path.TrimStart('/')} answered {(int)status}: {body}";
        return new NodeRefusedException(detail, problem?.Code ?? "", (int)status);
    }

    private static ProblemDocument? Problem(string body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, ApiJson.Default.ProblemDocument) is { Detail: not null } problem ? problem : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Reason(Exception e) => e is TaskCanceledException ? "no answer in time" : (e.InnerException ?? e).Message;
}

/// <summary>Nobody answers at an address.</summary>
public sealed class UnreachableException(Uri address, string reason)
    : RefusedException($"No node answers at {address} ({reason}). Is it running? `wolfscale start` runs it.", WolfScale.Client.ExitCode.Unreachable)
{
    public Uri Address { get; } = address;

    public string Reason { get; } = reason;
}
