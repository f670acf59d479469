using System.Net.Http.Headers;
using System.Text;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary>What a cluster's configuration keeps secret is in no log, no answer and no command's output.</summary>
public sealed class SecretsTests(SecretsTests.Talkative fixture) : ClusterTests<SecretsTests.Talkative>(fixture)
{
    private static readonly string[] Questions =
    [
        "/", "/status", "/cluster", "/cluster/nodes", "/cluster/nodes/node-1", "/health", "/health/live", "/health/ready", "/health/leader", "/stats", "/metrics", "/events?limit=5000", "/read-index", "/hidden-names", "/dump",
        "/no-such-path", "/openapi/v1.json", "/id", "/dashboard/node", "/dashboard/history", "/dashboard/app.js",
    ];

    private static readonly (string Path, string Body)[] Orders =
    [
        ("/admin/reload", ""), ("/admin/log-level", "{\"level\": \"trace\"}"), ("/admin/log-level", "{ broken"), ("/admin/promote", "{\"node\": \"nobody\"}"), ("/admin/maintenance", "{}"), ("/admin/migrate", "{\"from\": \"nobody\"}"),
        ("/admin/remove", "{\"node\": \"nobody\"}"), ("/internal/account-hashes", "{}"), ("/sql", "{\"sql\": \"SELECT 1\"}"), ("/write/insert", "{}"),
    ];

    [Fact]
    public async Task Secrets_are_in_no_log_and_no_answer()
    {
        var cluster = await Fixture.HealthyAsync();
        var secrets = Secrets(cluster);
        Assert.Equal(3, secrets.Count);
        var said = new StringBuilder();
        foreach (var node in cluster.Facts.Nodes)
        {
            foreach (var token in (string[])[cluster.Facts.Token, "a wrong token", ""])
                await AskAsync(node, token, said);
            foreach (string[] command in (string[][])[["info"], ["info", "--json"], ["validate", "--offline"], ["status", "--json"]])
                Add(said, await CommandLine.RunAsync([.. command, "-c", cluster.ConfigurationFile(node.Id)]));
            foreach (string[] command in (string[][])[["reload"], ["doctor"], ["check-config", "--json", "-f", cluster.ConfigurationFile(node.Id)], ["stats", "--once", "--json"], ["events"], ["list", "servers", "-l", "trace"]])
                Add(said, await CommandLine.CtlAsync([.. command, "-c", cluster.ConfigurationFile(node.Id)]));
        }

        // A switchover and a death, for what is logged then; and a wrong account.
        _ = await cluster.SwitchoverAsync(await cluster.LeaderAsync());
        var leader = await cluster.LeaderAsync();
        await cluster.SignalAsync(leader.Id, Part.Node, Signal.Kill);
        await cluster.StartNodeAsync(leader.Id, Part.Node);
        _ = await Assert.ThrowsAsync<MySqlConnector.MySqlException>(() => cluster.Proxies[0].ClientAsync("app", "a wrong password"));
        await cluster.AwaitHealthyAsync();

        var logs = string.Concat(cluster.Facts.Nodes.Select(n => cluster.NodeLog(n.Id)));
        Assert.Contains(" trace ", logs, StringComparison.Ordinal); // all there is to say was said
        foreach (var (name, secret) in secrets)
        {
            Assert.False(said.ToString().Contains(secret, StringComparison.Ordinal), $"{name} is in an answer or an output");
            Assert.False(logs.Contains(secret, StringComparison.Ordinal), $"{name} is in a log: {Lines.With(logs, secret)}");
        }
    }

    /// <summary>A node is started all the same: container platforms hand secrets out like this.</summary>
    [Fact]
    public async Task A_secret_that_everybody_can_read_is_a_warning_with_what_to_do()
    {
        using var folder = new TempFolder("secrets");
        var (secret, file) = (Path.Combine(folder.Path, "token"), Path.Combine(folder.Path, "config.toml"));
        await File.WriteAllTextAsync(secret, "a token of the tests\n");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await File.WriteAllTextAsync(file, $"[node]\nid = \"n\"\nbind_address = \"127.0.0.1:7654\"\n[api]\ntoken_file = \"{secret}\"\n");

        var open = await CommandLine.CtlAsync("check-config", "--offline", "-f", file);
        Assert.Equal(0, open.ExitCode);
        Assert.Contains($"{file}:5:1: warning: api.token_file: everybody on this machine can read {secret}: chmod 600", open.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await CommandLine.CtlAsync("check-config", "--offline", "--strict", "-f", file)).ExitCode);

        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal(0, (await CommandLine.CtlAsync("check-config", "--offline", "--strict", "-f", file)).ExitCode);

        // The same for a configuration that holds the secret itself.
        await File.WriteAllTextAsync(file, "[node]\nid = \"n\"\nbind_address = \"127.0.0.1:7654\"\n[api]\ntoken = \"a token of the tests\"\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.Contains("holds secrets: chmod 640", (await CommandLine.CtlAsync("check-config", "--offline", "-f", file)).Output, StringComparison.Ordinal);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Equal(0, (await CommandLine.CtlAsync("check-config", "--offline", "--strict", "-f", file)).ExitCode);
    }

    private static Dictionary<string, string> Secrets(DemoCluster cluster) => Toml.Read(cluster.ConfigurationFile("node-1"))
        .Where(v => v.Key is "cluster.secret" or "api.token" or "database.password").ToDictionary(v => v.Key, v => v.Value.Trim('"'));

    private static async Task AskAsync(DemoNode node, string token, StringBuilder said)
    {
        using var http = new HttpClient { BaseAddress = new Uri(node.Api) };
        if (token.Length > 0)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach (var path in Questions)
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative));
            _ = said.Append(answer.Headers).Append(Encoding.Latin1.GetString(await answer.Content.ReadAsByteArrayAsync()));
        }

        foreach (var (path, body) in Orders)
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync(new Uri(path, UriKind.Relative), content);
            _ = said.Append(answer.Headers).Append(await answer.Content.ReadAsStringAsync());
        }
    }

    private static void Add(StringBuilder said, Outcome outcome) => said.Append(outcome.Output).Append(outcome.Errors);

    /// <summary>Nodes that log all there is.</summary>
    public sealed class Talkative : ClusterFixture
    {
        protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["logging.level=trace"]);
    }
}
