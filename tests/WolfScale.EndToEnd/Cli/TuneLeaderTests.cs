using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfctl tune-mariadb</c> on the node that leads: the lead goes first, and then the server is restarted.</summary>
public sealed class TuneLeaderTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    [Fact]
    public async Task A_leader_gives_the_lead_away_before_its_server_is_restarted_and_is_back_afterwards()
    {
        var cluster = await Fixture.HealthyAsync();
        var leader = await cluster.LeaderAsync();
        using var folder = new TempFolder("tune");
        var data = Path.GetDirectoryName(leader.Server.Socket)!;
        var (main, own) = (Path.Combine(data, "my.cnf"), Path.Combine(data, "99-wolfscale.cnf"));
        var lines = (await File.ReadAllLinesAsync(main)).Where(l => !l.StartsWith("innodb-buffer-pool-size", StringComparison.Ordinal));
        await File.WriteAllTextAsync(main, string.Join('\n', lines) + $"\n!include {own}\n");
        await File.WriteAllTextAsync(own, "");
        await WriteRestarterAsync(folder.Path, main, cluster.Facts.Node(leader.Id).MariaDb.Pid!.Value);
        var from = cluster.NodeLog(leader.Id).Length;

        var path = new Dictionary<string, string> { ["PATH"] = $"{folder.Path}:{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin" };
        string[] tune = ["tune-mariadb", "-c", cluster.ConfigurationFile(leader.Id), "--output", own, "--defaults-file", main, "--memory", "512M"];
        var shown = await CommandLine.CtlAsync(path, [.. tune, "--dry-run"]);
        Assert.Contains("after this node has given the lead away", shown.Output, StringComparison.Ordinal);
        var done = await CommandLine.CtlAsync(path, [.. tune, "--yes"]);
        Assert.True(done.ExitCode == 0, done.Output + done.Errors);

        _ = await cluster.AwaitLogAsync(leader.Id, from, "Maintenance is on");
        _ = await cluster.AwaitLogAsync(leader.Id, from, "Maintenance is off");
        Assert.NotEqual(leader.Id, (await cluster.LeaderAsync()).Id);
        await cluster.AwaitHealthyAsync();
        Assert.Equal("256", await leader.Server.ScalarAsync("SELECT @@innodb_buffer_pool_size >> 20"));
        var again = await CommandLine.CtlAsync(path, tune);
        Assert.Contains("is as it should be", again.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("restart", again.Output, StringComparison.Ordinal);

        // The demo knows nothing of a server that it has not started.
        foreach (var (pid, line) in Processes.Mentioning(main))
        {
            Processes.Send(pid, Signal.Terminate);
            await Processes.AwaitEndAsync(pid, line);
        }

        await cluster.StartNodeAsync(leader.Id, Part.MariaDb);
        await cluster.AwaitHealthyAsync();
    }

    /// <summary>What stands in for systemd: ends the server by its id, and starts it again with the same file.</summary>
    private static async Task WriteRestarterAsync(string folder, string main, int pid)
    {
        var program = Path.Combine(folder, "systemctl");
        await File.WriteAllTextAsync(program, $"""
            #!/bin/sh
            case "$1" in
            show) echo infinity ;;
            restart)
              kill -TERM {pid}
              tail --pid={pid} -f /dev/null
              setsid mariadbd --defaults-file={main} --user={Environment.UserName} >/dev/null 2>&1 &
              ;;
            esac
            """);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
