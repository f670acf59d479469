using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;

namespace WolfScale.EndToEnd.Http;

/// <summary>An answer of a node's API.</summary>
/// <param name="Status">HTTP's number.</param>
/// <param name="Body">Its JSON.</param>
/// <param name="Headers">As sent.</param>
internal sealed record ApiAnswer(int Status, JsonElement Body, HttpResponseHeaders Headers)
{
    public string? Code => Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty("code", out var code) ? code.GetString() : null;

    public long Lsn => Body.GetProperty("lsn").GetInt64();

    public bool Replayed => Headers.Contains("Idempotency-Replayed");

    public override string ToString() => $"{Status} {Body}";
}

/// <summary>An application that speaks HTTP to one node.</summary>
internal sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http;

    public ApiClient(DemoNode node, string? token) => (Node, _http) = (node, new HttpClient { BaseAddress = new Uri(node.Api), Timeout = TimeSpan.FromSeconds(60), DefaultRequestHeaders = { Authorization = token is null ? null : new("Bearer", token) } });

    public DemoNode Node { get; }

    public HttpClient Http => _http;

    public Task<ApiAnswer> InsertAsync(string table, object values, string? key = null) => PostAsync("/write/insert", new { table, values }, key);

    public Task<ApiAnswer> SqlAsync(string sql, params object?[] parameters) => PostAsync("/sql", new { sql, @params = parameters });

    public Task<ApiAnswer> PostAsync(string path, object body, string? key = null) => PostTextAsync(path, JsonSerializer.Serialize(body), key);

    public Task<ApiAnswer> PostTextAsync(string path, string body, string? key = null) => PostBytesAsync(path, Encoding.UTF8.GetBytes(body), key);

    public async Task<ApiAnswer> PostBytesAsync(string path, byte[] body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } } };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        request.Headers.ExpectContinue = body.Length > 1_000_000; // what is refused by its length is refused before it is sent
        return await SendAsync(request);
    }

    public async Task<ApiAnswer> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync(request);
    }

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, byte[]? body)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } };
        request.Headers.ExpectContinue = body is { Length: > 1_000_000 };
        return await SendAsync(request);
    }

    public void Dispose() => _http.Dispose();

    private async Task<ApiAnswer> SendAsync(HttpRequestMessage request)
    {
        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return new ApiAnswer((int)answer.StatusCode, JsonDocument.Parse(text.Length > 0 ? text : "null").RootElement.Clone(), answer.Headers);
    }
}
