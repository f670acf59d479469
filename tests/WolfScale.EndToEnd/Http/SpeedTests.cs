using System.Diagnostics;
using System.Globalization;
using MySqlConnector;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Http;

/// <summary>The same inserts over HTTP and over MySQL's protocol, in one run. It prints and demands nothing of the figures: they are the machine's.</summary>
public sealed class SpeedTests(SpeedTests.Wide fixture) : ClusterTests<SpeedTests.Wide>(fixture)
{
    private const int Clients = 32;

    [Fact]
    public async Task Inserts_over_http_and_over_mysql()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.speed (id BIGINT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(50), n INT)");
        await cluster.Comparer.AwaitSamePositionAsync(TimeSpan.FromSeconds(30));
        foreach (var node in new[] { leader, cluster.Facts.Nodes.First(n => n.Id != leader.Id) })
        {
            var name = node == leader ? "leader" : "follower";
            for (var round = 0; round < Long.Or(3, 1); round++)
            {
                var mysql = await MeasureAsync(async () =>
                {
                    var client = await new SqlServer(node.Id, node.Proxy.Host, node.Proxy.Port, "").ClientAsync(cluster.Facts.User, cluster.Facts.Password, "demo");
                    var insert = client.CreateCommand();
                    insert.CommandText = "INSERT INTO speed (who, n) VALUES (@who, @n)";
                    insert.Parameters.Add(new MySqlParameter("@who", "somebody"));
                    insert.Parameters.Add(new MySqlParameter("@n", 1));
                    await insert.PrepareAsync();
                    return (async () => await insert.ExecuteNonQueryAsync(), client);
                });
                var http = await MeasureAsync(() =>
                {
                    // What making and reading JSON costs a client is its own.
                    var api = new ApiClient(node, cluster.Facts.Token);
                    var (path, json) = (new Uri("/write/insert", UriKind.Relative), """{"table":"speed","values":{"who":"somebody","n":1}}"""u8.ToArray());
                    return Task.FromResult<(Func<Task>, IDisposable)>((async () =>
                    {
                        using var body = new ByteArrayContent(json) { Headers = { ContentType = new("application/json") } };
                        using var answer = await api.Http.PostAsync(path, body);
                        Assert.True(answer.IsSuccessStatusCode, answer.ToString());
                    }, api));
                });
                Print(string.Create(CultureInfo.InvariantCulture, $"{name}: MySQL {mysql.Rate:0}/s, p95 {mysql.P95:0.0} ms; HTTP {http.Rate:0}/s, p95 {http.P95:0.0} ms; ratio of p95 {http.P95 / mysql.P95:0.00}"));
            }
        }
    }

    private static async Task<(double Rate, double P95)> MeasureAsync(Func<Task<(Func<Task> Insert, IDisposable Client)>> open)
    {
        var clients = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => open()));
        var clock = Stopwatch.StartNew();
        var (warm, end) = (TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(Long.Or(12, 5)));
        var times = await Task.WhenAll(clients.Select(async client =>
        {
            var own = new List<double>();
            while (clock.Elapsed < end)
            {
                var began = clock.Elapsed;
                await client.Insert();
                if (began > warm)
                    own.Add((clock.Elapsed - began).TotalMilliseconds);
            }

            return own;
        }));
        foreach (var (_, client) in clients)
            client.Dispose();
        var sorted = times.SelectMany(t => t).Order().ToList();
        return (sorted.Count / (end - warm).TotalSeconds, sorted[(int)(sorted.Count * 0.95)]);
    }

    public sealed class Wide : ClusterFixture
    {
        protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["database.pool_size=32"]);
    }
}
