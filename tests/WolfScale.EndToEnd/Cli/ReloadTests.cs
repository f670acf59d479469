using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl reload</c> and SIGHUP on a cluster that runs.</summary>
public sealed class ReloadTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    [Fact]
    public async Task What_changed_and_what_wants_a_restart_is_told_and_a_broken_file_changes_nothing()
    {
        var cluster = await Fixture.HealthyAsync();
        using var file = new EditedFile(cluster.ConfigurationFile("node-1"));
        string[] node = ["-c", file.Path];
        Assert.Contains("runs with what its file says", (await CommandLine.CtlAsync(["reload", .. node])).Output, StringComparison.Ordinal);

        await file.SetAsync("proxy.max_connections = 3", "wal.batch_size = 77");
        var table = await CommandLine.CtlAsync(["reload", .. node]);
        Assert.True(table.ExitCode == 0, table.Errors);
        Assert.Matches(@"(?m)^ *proxy\.max_connections +10000 +3 +in force", table.Output);
        Assert.Matches(@"(?m)^ *wal\.batch_size +1000 +77 +wants a restart", table.Output);
        using (var again = JsonDocument.Parse((await CommandLine.CtlAsync(["reload", "--json", .. node])).Output))
        {
            Assert.Empty(again.RootElement.GetProperty("changed").EnumerateArray());
            Assert.Equal("wal.batch_size", Assert.Single(again.RootElement.GetProperty("need_restart").EnumerateArray()).GetProperty("key").GetString());
        }

        // The fourth client is one too many.
        var proxy = cluster.Proxies[0];
        await using (await proxy.ClientAsync("app", cluster.Facts.Password))
        await using (await proxy.ClientAsync("app", cluster.Facts.Password))
        await using (await proxy.ClientAsync("app", cluster.Facts.Password))
            Assert.Equal(1040, (await Assert.ThrowsAsync<MySqlConnector.MySqlException>(() => proxy.ClientAsync("app", cluster.Facts.Password))).Number);

        await file.SetAsync("proxy.max_connections = 4", "proxy.max_connectoins = 5");
        var refused = await CommandLine.CtlAsync(["reload", "-e", cluster.Facts.Node("node-1").Api, "--token-file", file.TokenFile(cluster.Facts.Token)]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("Nothing was changed", refused.Errors, StringComparison.Ordinal);
        Assert.Matches(@"config\.toml:\d+:1: error: unknown key ""max_connectoins"" in \[proxy\]; did you mean ""max_connections""\?", refused.Errors);
    }

    [Fact]
    public async Task SIGHUP_does_the_same_and_lets_a_new_token_in()
    {
        var cluster = await Fixture.HealthyAsync();
        using var file = new EditedFile(cluster.ConfigurationFile("node-2"));
        var api = cluster.Facts.Node("node-2").Api;
        await file.SetAsync("api.token = \"a rotated token of the tests\"");

        var unknown = await CommandLine.CtlAsync("reload", "-c", file.Path); // with the token that the node does not know yet
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("SIGHUP", unknown.Errors, StringComparison.Ordinal);

        var from = cluster.NodeLog("node-2").Length;
        Assert.True(Processes.Send(cluster.Facts.Node("node-2").Pid!.Value, Signal.Hangup));
        _ = await cluster.AwaitLogAsync("node-2", from, "read again", "1 keys are changed");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (await AskAsync(api, "a rotated token of the tests"), await AskAsync(api, cluster.Facts.Token)));
        Assert.DoesNotContain("a rotated token", cluster.NodeLog("node-2"), StringComparison.Ordinal);

        file.Restore();
        Assert.True(Processes.Send(cluster.Facts.Node("node-2").Pid!.Value, Signal.Hangup));
        await Poll.UntilAsync("the old token to be let in again", TimeSpan.FromSeconds(20), async () => await AskAsync(api, cluster.Facts.Token) is var status and not HttpStatusCode.OK ? status.ToString() : null);
    }

    /// <summary>The leader is told that it never leads: it hands over, and stays out of it until it is told otherwise.</summary>
    [Fact]
    public async Task Never_leader_moves_the_lead_and_takes_effect_at_once()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        using var file = new EditedFile(cluster.ConfigurationFile(leader.Id));
        await file.SetAsync("cluster.never_leader = true");
        Assert.Equal(0, (await CommandLine.CtlAsync("reload", "-c", file.Path)).ExitCode);

        var next = await cluster.LeaderAsync(except: leader.Id);
        await cluster.AwaitHealthyAsync();
        var promote = await CommandLine.CtlAsync("promote", leader.Id, "--yes", "-e", next.Api, "--token-file", file.TokenFile(cluster.Facts.Token));
        Assert.Equal(1, promote.ExitCode);

        file.Restore();
        Assert.Equal(0, (await CommandLine.CtlAsync("reload", "-c", file.Path)).ExitCode);
        await Poll.UntilAsync($"{leader.Id} to be promoted", TimeSpan.FromSeconds(30), async () =>
            await CommandLine.CtlAsync("promote", leader.Id, "--yes", "-c", file.Path) is { ExitCode: not 0 } failed ? failed.Errors : null);
        Assert.Equal(leader.Id, (await cluster.LeaderAsync()).Id);
    }

    private static async Task<HttpStatusCode> AskAsync(string api, string token)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(api), "/admin/log-level")) { Content = new StringContent("{\"level\": \"info\"}") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }
}

/// <summary>A configuration file of the demo's, which is put back at the end.</summary>
internal sealed class EditedFile : IDisposable
{
    private readonly string _before;
    private readonly TempFolder _folder = new("edit");

    public EditedFile(string path) => (Path, _before) = (path, File.ReadAllText(path));

    public string Path { get; }

    /// <summary>The file as it was, with these keys (<c>section.key = literal</c>) over it.</summary>
    public Task SetAsync(params string[] settings)
    {
        var lines = _before.Split('\n').ToList();
        foreach (var setting in settings)
        {
            var (section, rest) = (setting[..setting.IndexOf('.', StringComparison.Ordinal)], setting[(setting.IndexOf('.', StringComparison.Ordinal) + 1)..]);
            var key = rest[..rest.IndexOf(' ', StringComparison.Ordinal)];
            var at = lines.IndexOf($"[{section}]");
            if (at < 0)
            {
                lines.AddRange([$"[{section}]", rest]);
                continue;
            }

            var end = lines.FindIndex(at + 1, l => l.StartsWith('['));
            var old = lines.FindIndex(at + 1, (end < 0 ? lines.Count : end) - at - 1, l => l.StartsWith(key + " =", StringComparison.Ordinal));
            if (old >= 0)
                lines[old] = rest;
            else
                lines.Insert(at + 1, rest);
        }

        return File.WriteAllTextAsync(Path, string.Join('\n', lines));
    }

    public void Restore() => File.WriteAllText(Path, _before);

    public string TokenFile(string token)
    {
        var file = System.IO.Path.Combine(_folder.Path, "token");
        File.WriteAllText(file, token);
        return file;
    }

    public void Dispose()
    {
        Restore();
        _folder.Dispose();
    }
}
