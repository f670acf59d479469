using System.Globalization;
using System.Text;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>Results that are larger than a node's memory may be.</summary>
public sealed class StreamingTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private const long MemoryLimit = 300_000_000; // as of all large things (SizeTests)

    private static readonly int Megabytes = Long.Or(2000, 400);

    [Fact]
    public async Task Hundreds_of_megabytes_are_streamed_in_little_memory()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Facts.Nodes.First(n => n.Id != leader.Id);
        foreach (var (node, accept, sql) in ((DemoNode, string, string)[])
        [
            (leader, "application/json", $"SELECT seq, REPEAT('x', 1000) FROM seq_1_to_{Megabytes * 1000}"),
            (follower, "application/x-ndjson", $"SELECT seq, REPEAT('x', 1000) FROM seq_1_to_{Megabytes * 1000}"),
            (leader, "application/x-ndjson", $"SELECT REPEAT('x', 1000000) FROM seq_1_to_{Megabytes}"),
        ])
        {
            var before = Processes.PeakResidentBytes(node.Pid ?? 0);
            var (bytes, end) = await ReadAsync(cluster, node, accept, sql);
            var peak = Processes.PeakResidentBytes(node.Pid ?? 0);
            Print(string.Create(CultureInfo.InvariantCulture, $"{node.Id}, {accept}: {bytes >> 20} MiB; at most {before >> 20} MiB resident before, {peak >> 20} MiB after"));
            Assert.True(bytes > Megabytes * 1_000_000L, $"{bytes} bytes");
            Assert.EndsWith($"\"row_count\":{(sql.Contains("1000000)", StringComparison.Ordinal) ? Megabytes : Megabytes * 1000)}}}", end.TrimEnd('\n'), StringComparison.Ordinal);
            Assert.True(peak < MemoryLimit, $"{node.Id} had {peak >> 20} MiB resident");
        }
    }

    /// <summary>It slows the server down, and fills nothing.</summary>
    [Fact]
    public async Task A_reader_that_goes_away_in_the_middle_ends_the_statement()
    {
        var cluster = await Fixture.HealthyAsync();
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        using (var api = new ApiClient(leader, cluster.Facts.Token))
        {
            using var answer = await SendAsync(api, "application/json", $"SELECT /* wolfscale: leader */ seq, REPEAT('x', 1000) AS gone FROM seq_1_to_{Megabytes * 1000}");
            await using var body = await answer.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(new byte[100_000]);
            Assert.Equal("1", await RunningAsync(leader));
        }

        await Poll.UntilAsync("the statement's end", TimeSpan.FromSeconds(30), async () => await RunningAsync(leader) == "0" ? null : "it runs");
        Assert.True(Processes.PeakResidentBytes(leader.Pid ?? 0) < MemoryLimit);
    }

    private static Task<string?> RunningAsync(DemoNode node) => node.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%AS gone FROM seq%' AND ID <> CONNECTION_ID()");

    private static async Task<HttpResponseMessage> SendAsync(ApiClient api, string accept, string sql)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/sql") { Content = new StringContent($$"""{"sql": "{{sql}}"}""", Encoding.UTF8, "application/json") };
        request.Headers.Accept.Add(new(accept));
        return await api.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static async Task<(long Bytes, string End)> ReadAsync(DemoCluster cluster, DemoNode node, string accept, string sql)
    {
        using var api = new ApiClient(node, cluster.Facts.Token);
        using var answer = await SendAsync(api, accept, sql);
        await using var body = await answer.Content.ReadAsStreamAsync();
        var buffer = new byte[1 << 16];
        var (bytes, end) = (0L, "");
        for (int read; (read = await body.ReadAsync(buffer)) > 0; bytes += read)
            end = (end + Encoding.UTF8.GetString(buffer, Math.Max(0, read - 100), Math.Min(read, 100))) is { Length: > 200 } longer ? longer[^200..] : Encoding.UTF8.GetString(buffer, Math.Max(0, read - 100), Math.Min(read, 100));
        return (bytes, end);
    }
}
