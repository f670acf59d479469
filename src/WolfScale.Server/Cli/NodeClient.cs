using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Cli;

/// <summary>Asks a node over HTTP.</summary>
internal sealed class NodeClient : IDisposable
{
    private readonly HttpClient _http;

    /// <param name="baseAddress">For example <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="token">Sent as the bearer token unless empty.</param>
    /// <param name="timeout">For connecting, and for a whole answer.</param>
    /// <param name="certificate">The one certificate the node must show: its own, which rarely names 127.0.0.1. Null: the system's rules.</param>
    public NodeClient(string baseAddress, string token, TimeSpan timeout, X509Certificate2? certificate = null)
    {
        var handler = new SocketsHttpHandler { ConnectTimeout = timeout, UseProxy = false };
        if (certificate is not null)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString(HashAlgorithmName.SHA256) == certificate.GetCertHashString(HashAlgorithmName.SHA256);
        _http = new HttpClient(handler) { BaseAddress = new Uri(baseAddress), Timeout = timeout };
        if (token.Length > 0)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>The node this configuration describes, on this machine.</summary>
    public static NodeClient Local(NodeConfiguration configuration)
    {
        if (!configuration.Api.Enabled)
            throw new RefusedException("api.enabled = false: the node cannot be asked. Enable the API, on 127.0.0.1 if nobody else is to reach it.");
        _ = HostPort.TryParse(configuration.Api.BindAddress, out var bind, out _);
        var host = bind.IsWildcard ? new HostPort("127.0.0.1", bind.Port) : bind;
        var scheme = configuration.Api.TlsCert.Length > 0 ? "https" : "http";
        var certificate = scheme == "https" ? X509Certificate2.CreateFromPemFile(configuration.Api.TlsCert, configuration.Api.TlsKey) : null;
        return new NodeClient($"{scheme}://{host}", configuration.Api.Token, TimeSpan.FromSeconds(5), certificate);
    }

    /// <summary>The body of an answer, as text.</summary>
    /// <exception cref="RefusedException">Nobody answers (exit code 3), or not with what was asked for.</exception>
    public async Task<string> GetTextAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.IsSuccessStatusCode ? body : throw new RefusedException($"{_http.BaseAddress}{path.TrimStart('/')} answered {(int)response.StatusCode}: {body}");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new RefusedException($"No node answers at {_http.BaseAddress} ({Reason(e)}). Is it running? `wolfscale start` runs it.", ExitCode.Unreachable);
        }
    }

    public async Task<T?> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize(await GetTextAsync(path, cancellationToken), type);

    public void Dispose() => _http.Dispose();

    private static string Reason(Exception e) => e is TaskCanceledException ? "no answer in time" : (e.InnerException ?? e).Message;
}
