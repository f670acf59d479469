using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Documentation;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>Every <c>curl</c> of docs/http.md, in its order, as it stands there.</summary>
public sealed partial class ManualTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "docs/http.md"));

    [Fact]
    [Runs("http.md")]
    public async Task Every_example_works()
    {
        var cluster = await Fixture.HealthyAsync();
        using var api = new ApiClient(cluster.Facts.Nodes[1], cluster.Facts.Token);
        var examples = Text.Split('\n').Where(l => l.StartsWith("curl ", StringComparison.Ordinal)).ToList();
        Assert.True(examples.Count >= 8, $"{examples.Count} examples");
        Assert.Equal(examples, Book.Blocks.Where(b => b.Document == "http.md" && b.IsCommands).SelectMany(b => b.Text.TrimEnd().Split('\n'))); // nothing but these
        foreach (var example in examples)
        {
            var answer = await RunAsync(api, example);
            Assert.True(answer.Status == 200, $"{example}\n{answer}");
            if (example.Contains("/write/", StringComparison.Ordinal))
                Assert.True(answer.Body.GetProperty("success").GetBoolean() && answer.Lsn > 0, $"{example}\n{answer}");
            if (example.Contains("SELECT", StringComparison.Ordinal))
                Assert.Contains(JsonSerializer.Serialize(answer.Body), Text, StringComparison.Ordinal); // the answer stands there, too
        }
    }

    private static async Task<ApiAnswer> RunAsync(ApiClient api, string example)
    {
        var path = Address().Match(example).Groups[1].Value;
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (Body().Match(example) is { Success: true } body)
            (request.Method, request.Content) = (HttpMethod.Post, new StringContent(body.Groups[1].Value, Encoding.UTF8, "application/json"));
        if (Key().Match(example) is { Success: true } key)
            request.Headers.Add("Idempotency-Key", key.Groups[1].Value);
        using var answer = await api.Http.SendAsync(request);
        return new ApiAnswer((int)answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.Clone(), answer.Headers);
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:8080(\S+)")]
    private static partial Regex Address();

    [GeneratedRegex("-d '(.*)'$")]
    private static partial Regex Body();

    [GeneratedRegex("-H 'Idempotency-Key: ([^']*)'")]
    private static partial Regex Key();
}
