using System.Diagnostics;
using System.Net;
using System.Text;
using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary><c>wolfctl migrate --physical</c>: a server's files are replaced by another node's, on real servers that are stopped and started meanwhile.</summary>
public sealed class PhysicalMigrationTests(ClusterFixture fixture) : ClusterTests<ClusterFixture>(fixture)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(240);

    [Fact]
    public async Task A_followers_files_make_a_node_identical_under_writes_and_DDL_and_it_can_lead()
    {
        var cluster = await Fixture.HealthyAsync();
        var (leader, source, target) = await RolesAsync(cluster);
        await FillAsync(leader.Server);
        await leader.Server.RunAsync(
            "CREATE OR REPLACE TABLE demo.isam (a INT PRIMARY KEY) ENGINE=MyISAM", "INSERT INTO demo.isam VALUES (1), (2)", "CREATE OR REPLACE USER copied@localhost IDENTIFIED BY 'x'",
            "CREATE OR REPLACE EVENT demo.runs ON SCHEDULE EVERY 1 DAY DO SELECT 1", "CREATE OR REPLACE SEQUENCE demo.numbers", "SELECT NEXTVAL(demo.numbers)");
        await cluster.Comparer.AwaitSamePositionAsync(Limit);
        await target.Server.RunAsync("SET sql_log_bin=0", "CREATE DATABASE ruined", "CREATE TABLE ruined.x (a INT)");
        var serverId = await target.Server.ScalarAsync("SELECT @@server_id");
        using var stop = new CancellationTokenSource();
        var writes = WriteAsync(leader.Server, ddl: true, stop.Token);

        var refused = await CommandLine.CtlAsync(Arguments(cluster, source, target, "--yes"));
        var unconfirmed = await CommandLine.CtlAsync(Arguments(cluster, source, target, "--yes", "--replace-data"));
        var shown = await CommandLine.CtlAsync(Arguments(cluster, source, target, "--replace-data", "--dry-run"));
        Assert.Equal((1, 2, 0), (refused.ExitCode, unconfirmed.ExitCode, shown.ExitCode));
        Assert.Contains("holds data", refused.Errors, StringComparison.Ordinal);
        Assert.Equal("1", await target.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'ruined'"));

        var done = await CommandLine.CtlAsync(Confirmed(cluster, source, target));
        Print(done.Output + done.Errors);
        await stop.CancelAsync();
        await writes;
        Assert.Equal(0, done.ExitCode);
        Assert.Contains($"{target.Id} is in step", done.Output, StringComparison.Ordinal);
        await AssertIdenticalAsync(cluster, target);
        Assert.Equal(serverId, await target.Server.ScalarAsync("SELECT @@server_id"));
        Assert.Equal("SLAVESIDE_DISABLED", await target.Server.ScalarAsync("SELECT status FROM mysql.event WHERE name = 'runs'"));
        Assert.Equal("0", await target.Server.ScalarAsync("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('ruined', 'wolfscale_incoming')"));

        await cluster.RefreshAsync();
        await cluster.SignalAsync(leader.Id, Part.Both, Signal.Kill);
        var next = await cluster.LeaderAsync(except: leader.Id);
        await next.Server.RunAsync("INSERT INTO demo.during (t) VALUES ('after')");
        await cluster.StartNodeAsync(leader.Id);
        await cluster.AwaitHealthyAsync(Limit);
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.during", 1)], Limit);
    }

    [Fact]
    public async Task The_leader_can_be_copied_while_it_commits()
    {
        var cluster = await Fixture.HealthyAsync();
        var (leader, _, target) = await RolesAsync(cluster);
        await FillAsync(leader.Server);
        using var stop = new CancellationTokenSource();
        await leader.Server.RunAsync("CREATE OR REPLACE TABLE demo.during (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT)");
        var writes = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => WriteAsync(leader.Server, ddl: false, stop.Token)));
        var done = await CommandLine.CtlAsync(Confirmed(cluster, leader, target));
        Print(done.Output + done.Errors);
        await stop.CancelAsync();
        await writes;
        Assert.Equal(0, done.ExitCode);
        await AssertIdenticalAsync(cluster, target);
    }

    [Fact]
    public async Task A_node_that_does_not_run_goes_on_from_the_copy_when_it_is_started()
    {
        var cluster = await Fixture.HealthyAsync();
        var (leader, source, target) = await RolesAsync(cluster);
        await FillAsync(leader.Server);
        await cluster.Comparer.AwaitSamePositionAsync(Limit);
        await cluster.SignalAsync(target.Id, Part.Node, Signal.Kill);
        await leader.Server.RunAsync("INSERT INTO demo.big (t) VALUES ('while it is away')");
        var done = await CommandLine.CtlAsync(Confirmed(cluster, source, target));
        Print(done.Output + done.Errors);
        Assert.Equal(0, done.ExitCode);
        Assert.Contains("Start the node", done.Output, StringComparison.Ordinal);
        await leader.Server.RunAsync("INSERT INTO demo.big (t) VALUES ('before it starts')");
        await cluster.StartNodeAsync(target.Id, Part.Node);
        await AssertIdenticalAsync(cluster, target);
        Directory.Delete(Beside(cluster, target), recursive: true);
    }

    [Fact]
    public async Task Killed_in_any_step_it_ends_whole_with_the_next_run()
    {
        var cluster = await Fixture.HealthyAsync();
        foreach (var step in (string[])["copying", "applying", "making", "stopping", "starting"])
        {
            var (leader, source, target) = await RolesAsync(cluster);
            await FillAsync(leader.Server);
            await cluster.Comparer.AwaitSamePositionAsync(Limit);
            using (var killed = CommandLine.StartCtl(Confirmed(cluster, source, target)))
            {
                while (await killed.StandardOutput.ReadLineAsync() is { } line && !line.StartsWith(step, StringComparison.Ordinal))
                    Print($"{step}: {line}");
                killed.Kill();
                await killed.WaitForExitAsync();
            }

            await leader.Server.RunAsync($"INSERT INTO demo.big (t) VALUES ('{step}')");
            var again = await CommandLine.CtlAsync(Confirmed(cluster, source, target));
            Print($"{step}, again: {again.Output}{again.Errors}");
            Assert.Equal(0, again.ExitCode);
            await AssertIdenticalAsync(cluster, target);
        }
    }

    [Fact]
    public async Task A_second_one_for_the_same_node_is_refused_while_the_first_works_and_disturbs_nothing()
    {
        var cluster = await Fixture.HealthyAsync();
        var (leader, source, target) = await RolesAsync(cluster);
        await FillAsync(leader.Server);
        await cluster.Comparer.AwaitSamePositionAsync(Limit);
        using var first = CommandLine.StartCtl(Confirmed(cluster, source, target));
        while (await first.StandardOutput.ReadLineAsync() is { } line && !line.StartsWith("copying", StringComparison.Ordinal))
            Print(line);

        var second = await CommandLine.CtlAsync(Confirmed(cluster, source, target));
        Print(second.Output + second.Errors);
        Assert.Equal(1, second.ExitCode);
        Assert.Contains("works for this node already", second.Errors, StringComparison.Ordinal);
        Print(await first.StandardOutput.ReadToEndAsync());
        await first.WaitForExitAsync();
        Assert.Equal(0, first.ExitCode);
        await AssertIdenticalAsync(cluster, target);
    }

    [Fact]
    public async Task A_stream_that_breaks_off_is_never_put_in_place()
    {
        var cluster = await Fixture.HealthyAsync();
        var (leader, source, target) = await RolesAsync(cluster);
        await FillAsync(leader.Server);
        await cluster.Comparer.AwaitSamePositionAsync(Limit);
        var pid = target.MariaDb.Pid;
        using var broken = CommandLine.StartCtl(Confirmed(cluster, source, target));
        while (await broken.StandardOutput.ReadLineAsync() is { } line && !line.StartsWith("copying", StringComparison.Ordinal))
            Print(line);
        await cluster.SignalAsync(source.Id, Part.Node, Signal.Kill);
        var errors = await broken.StandardError.ReadToEndAsync();
        await broken.WaitForExitAsync();
        Print(errors);
        Assert.Equal(1, broken.ExitCode);
        await cluster.StartNodeAsync(source.Id, Part.Node);
        await cluster.RefreshAsync();
        Assert.Equal(pid, cluster.Facts.Node(target.Id).MariaDb.Pid);
        await AssertIdenticalAsync(cluster, target);
        Assert.DoesNotContain(Processes.Mentioning(cluster.Directory), p => p.CommandLine.Contains("mariadb-backup", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_source_of_another_version_or_with_other_files_is_refused_before_anything_is_touched()
    {
        var cluster = await Fixture.HealthyAsync();
        var (_, source, target) = await RolesAsync(cluster);
        var pid = target.MariaDb.Pid;
        using var http = new HttpClient();
        var status = await http.GetStringAsync(new Uri(new Uri(source.Api), "/status"));
        foreach (var (version, page, complaint) in ((string, string, string)[])[("10.5.29-MariaDB", "16384", "one major and minor version"), ("10.11.1-MariaDB", "4096", "innodb_page_size=4096")])
        {
            using var fake = new HttpListener();
            var port = Ports.FreeRange(10);
            fake.Prefixes.Add($"http://127.0.0.1:{port}/");
            fake.Start();
            var answers = AnswerAsync(fake, status, version, page);
            var refused = await CommandLine.CtlAsync(["migrate", "-c", cluster.ConfigurationFile(target.Id), "--physical", "--from", $"127.0.0.1:{port}", "--replace-data", "--yes", "--confirm", cluster.Facts.Cluster]);
            fake.Stop();
            await answers;
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains(complaint, refused.Errors, StringComparison.Ordinal);
        }

        await cluster.RefreshAsync();
        Assert.Equal(pid, cluster.Facts.Node(target.Id).MariaDb.Pid);
        await cluster.AwaitHealthyAsync(Limit);
    }

    private static async Task AnswerAsync(HttpListener fake, string status, string version, string page)
    {
        try
        {
            while (true)
            {
                var context = await fake.GetContextAsync();
                context.Response.Headers["X-WolfScale-Server-Version"] = version;
                context.Response.Headers["X-WolfScale-File-Settings"] = $"innodb_page_size={page};lower_case_table_names=0;innodb_data_file_path=ibdata1:12M:autoextend;innodb_undo_tablespaces=0";
                context.Response.Headers["X-WolfScale-Estimated-Bytes"] = "1000";
                await context.Response.OutputStream.WriteAsync(context.Request.Url!.AbsolutePath == "/status" ? Encoding.UTF8.GetBytes(status) : new byte[1000]);
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // It was stopped.
        }
    }

    private static async Task<(DemoNode Leader, DemoNode Source, DemoNode Target)> RolesAsync(DemoCluster cluster)
    {
        await cluster.AwaitHealthyAsync(Limit);
        await cluster.RefreshAsync();
        var leader = await cluster.LeaderAsync();
        var followers = cluster.Facts.Nodes.Where(n => n.Id != leader.Id).ToList();
        return (leader, followers[0], followers[1]);
    }

    private static async Task AssertIdenticalAsync(DemoCluster cluster, DemoNode target)
    {
        await cluster.RefreshAsync();
        await cluster.AwaitHealthyAsync(Limit);
        await cluster.Comparer.AssertIdenticalAsync([new("table", "demo.big", 100)], Limit);
        Assert.False(File.Exists(Path.Combine(cluster.Directory, target.Id, "wolfscale", "data", "physical-copy.json")));
    }

    private static string Beside(DemoCluster cluster, DemoNode node) => Path.Combine(cluster.Directory, node.Id, "mariadb", "data.wolfscale");

    private static string[] Confirmed(DemoCluster cluster, DemoNode source, DemoNode target) => Arguments(cluster, source, target, "--yes", "--replace-data", "--confirm", cluster.Facts.Cluster);

    private static string[] Arguments(DemoCluster cluster, DemoNode source, DemoNode target, params string[] more) =>
        ["migrate", "-c", cluster.ConfigurationFile(target.Id), "--from", new Uri(source.Api).Authority, .. Commands(cluster, target), .. more];

    /// <summary>The demo's own verbs stop and start its private servers.</summary>
    internal static string[] Commands(DemoCluster cluster, DemoNode node)
    {
        var demo = (Repository.WolfScale.EndsWith(".dll", StringComparison.Ordinal) ? "dotnet " : "") + Repository.WolfScale + " demo";
        return
        [
            "--physical",
            "--stop-command", $"{demo} kill {node.Id} --what mariadb --signal TERM --dir {cluster.Directory}",
            "--start-command", $"{demo} start {node.Id} --what mariadb --dir {cluster.Directory} >/dev/null 2>&1",
        ];
    }

    /// <summary>Some 60 MB.</summary>
    private static Task FillAsync(SqlServer leader) => leader.RunAsync(
        "CREATE TABLE IF NOT EXISTS demo.big (id INT AUTO_INCREMENT PRIMARY KEY, t LONGTEXT, f FLOAT DEFAULT 0.1, KEY (f))",
        "INSERT INTO demo.big (t, f) SELECT CONCAT(seq, REPEAT(MD5(seq), 1000)), seq / 7 FROM demo.seq_1_to_2000 WHERE NOT EXISTS (SELECT 1 FROM demo.big AS b LIMIT 1)");

    private static async Task WriteAsync(SqlServer leader, bool ddl, CancellationToken cancellationToken)
    {
        await using var connection = await leader.RootAsync("demo");
        if (ddl)
            await connection.RunAsync("CREATE OR REPLACE TABLE during (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT)");
        for (var i = 0; !cancellationToken.IsCancellationRequested; i++)
        {
            await connection.RunAsync($"INSERT INTO during (t) VALUES ('{i}')");
            if (ddl)
                await connection.RunAsync($"CREATE OR REPLACE TABLE ddl{i % 5} (a INT PRIMARY KEY) AS SELECT {i} AS a");
        }
    }
}
