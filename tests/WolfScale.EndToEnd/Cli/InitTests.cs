using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfscale init</c> as a person meets it, on a terminal.</summary>
public sealed class InitTests : IDisposable
{
    private readonly TempFolder _folder = new("init");

    private string ConfigurationFile => Path.Combine(_folder.Path, "new", "config.toml");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_first_node_is_written_with_what_was_answered_and_the_file_is_right()
    {
        using var terminal = Start();
        await terminal.AnswerAsync("Node id", "node-01");
        await terminal.AnswerAsync("Listen for other nodes on", "");
        await terminal.AnswerAsync("Address at which other nodes reach this one", "10.0.0.1:7654");
        await terminal.AnswerAsync("The cluster's name", "");
        await terminal.AnswerAsync("first node of a new cluster?", "y");
        await terminal.AnswerAsync("MariaDB", "/run/elsewhere.sock");
        await terminal.AnswerAsync("Port of the HTTP API", "");
        await terminal.AnswerAsync("Port of the MySQL proxy", "3310");
        await terminal.SeeAsync("Wrote");
        Assert.Equal(0, await terminal.AwaitEndAsync());

        var written = Written();
        Assert.Equal(("true", "\"wolfscale\""), (written["cluster.bootstrap"], written["cluster.cluster_name"]));
        Assert.Equal(("\"node-01\"", "\"10.0.0.1:7654\"", "[]", "\"/run/elsewhere.sock\"", "\"0.0.0.0:8080\"", "\"0.0.0.0:3310\""),
            (written["node.id"], written["node.advertise_address"], written["cluster.peers"], written["database.socket"], written["api.bind_address"], written["proxy.bind_address"]));
        await AssertFitAsync(isFounder: true);
    }

    /// <summary>Each is asked again, with the reason, until it can be used.</summary>
    [Fact]
    public async Task A_wrong_answer_is_asked_again_and_a_joining_node_gets_its_peers_and_the_secret()
    {
        using var terminal = Start();
        await terminal.AnswerAsync("Node id", "not an id");
        await terminal.SeeAsync("1 to 64 letters");
        await terminal.AnswerAsync("Node id", ""); // the machine's name
        await terminal.AnswerAsync("Listen for other nodes on", "db-1:7654");
        await terminal.SeeAsync("an IP address of this machine");
        await terminal.AnswerAsync("Listen for other nodes on", "");
        await terminal.AnswerAsync("Address at which other nodes reach this one", "10.0.0.2");
        await terminal.SeeAsync("has no port");
        await terminal.AnswerAsync("Address at which other nodes reach this one", "0.0.0.0:7654");
        await terminal.SeeAsync("that other machines can dial");
        await terminal.AnswerAsync("Address at which other nodes reach this one", "10.0.0.2:7654");
        await terminal.AnswerAsync("The cluster's name", "");
        await terminal.AnswerAsync("first node of a new cluster?", "n");
        await terminal.AnswerAsync("A node that is there", "http://10.0.0.1");
        await terminal.SeeAsync("without a scheme");
        await terminal.AnswerAsync("A node that is there", "10.0.0.1:7654");
        await terminal.AnswerAsync("Another one", "10.0.0.3:7654");
        await terminal.AnswerAsync("Another one", "");
        await terminal.AnswerAsync("The cluster's secret", "the secret of the cluster");
        await terminal.AnswerAsync("Its API token", "");
        await terminal.AnswerAsync("Its password for MariaDB", "the account's password");
        await terminal.AnswerAsync("MariaDB", "nonsense");
        await terminal.SeeAsync("or host:port");
        await terminal.AnswerAsync("MariaDB", "127.0.0.1:3399");
        await terminal.AnswerAsync("Port of the HTTP API", "99999");
        await terminal.SeeAsync("is not a port");
        await terminal.AnswerAsync("Port of the HTTP API", "127.0.0.1:8088");
        await terminal.AnswerAsync("Port of the MySQL proxy", "");
        await terminal.SeeAsync("Wrote");
        Assert.Equal(0, await terminal.AwaitEndAsync());

        Assert.DoesNotContain("the secret of the cluster", terminal.Screen, StringComparison.Ordinal);
        var written = Written();
        Assert.Equal(("[\"10.0.0.1:7654\", \"10.0.0.3:7654\"]", "\"the secret of the cluster\"", "\"127.0.0.1\"", "3399", "\"127.0.0.1:8088\""),
            (written["cluster.peers"], written["cluster.secret"], written["database.host"], written["database.port"], written["api.bind_address"]));
        Assert.Equal("\"the account's password\"", written["database.password"]);
        Assert.Equal($"\"{System.Net.Dns.GetHostName()}\"", written["node.id"]);
        await AssertFitAsync();
    }

    [Fact]
    public async Task A_load_balancer_is_asked_for_the_cluster_and_its_ports_alone()
    {
        using var terminal = Start("--for", "load-balancer");
        await terminal.AnswerAsync("The cluster's name", "production");
        await terminal.AnswerAsync("A node that is there", "10.0.0.1:7654");
        await terminal.AnswerAsync("Another one", "");
        await terminal.AnswerAsync("The cluster's secret", "the secret of the cluster");
        await terminal.AnswerAsync("Its API token", "");
        await terminal.AnswerAsync("Port of the HTTP API", "");
        await terminal.AnswerAsync("Port of the MySQL proxy", "3306");
        await terminal.SeeAsync("wolfscale load-balancer");
        Assert.Equal(0, await terminal.AwaitEndAsync());

        Assert.DoesNotContain("MariaDB", terminal.Screen, StringComparison.Ordinal);
        var written = Written();
        Assert.Equal(("[\"10.0.0.1:7654\"]", "\"the secret of the cluster\"", "\"0.0.0.0:3306\""), (written["cluster.peers"], written["cluster.secret"], written["proxy.bind_address"]));
    }

    [Fact]
    public async Task Ctrl_C_leaves_nothing_behind()
    {
        using var terminal = Start();
        await terminal.AnswerAsync("Node id", "node-01");
        await terminal.SeeAsync("Listen for other nodes on");
        await terminal.TypeAsync("\x03");

        Assert.NotEqual(0, await terminal.AwaitEndAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task A_file_that_is_there_is_not_asked_about_and_stays()
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(ConfigurationFile)!);
        await File.WriteAllTextAsync(ConfigurationFile, "precious");
        using (var terminal = Start())
        {
            await terminal.SeeAsync("--force");
            Assert.Equal(1, await terminal.AwaitEndAsync());
            Assert.DoesNotContain("Node id", terminal.Screen, StringComparison.Ordinal);
        }

        Assert.Equal("precious", await File.ReadAllTextAsync(ConfigurationFile));
        using var forced = Start("--force");
        await forced.SeeAsync("Node id");
        await forced.TypeAsync("\x03");
        Assert.NotEqual(0, await forced.AwaitEndAsync());
        Assert.Equal("precious", await File.ReadAllTextAsync(ConfigurationFile)); // until the last answer
    }

    /// <summary>Values as they are written, without the comments behind them.</summary>
    private Dictionary<string, string> Written()
    {
        var (values, section) = (new Dictionary<string, string>(StringComparer.Ordinal), "");
        foreach (var line in File.ReadLines(ConfigurationFile).Select(l => l.Split(" # ")[0].Trim()).Where(l => !l.StartsWith('#')))
        {
            if (line.StartsWith('['))
                section = line.Trim('[', ']');
            else if (line.Split(" = ", 2) is [var key, var value])
                values[$"{section}.{key}"] = value;
        }

        return values;
    }

    private TerminalSession Start(params string[] arguments) => TerminalSession.Start(Repository.WolfScale, ["init", "-c", ConfigurationFile, .. arguments]);

    private async Task AssertFitAsync(bool isFounder = false)
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(ConfigurationFile));
        Assert.Equal([ConfigurationFile], Directory.EnumerateFiles(Path.GetDirectoryName(ConfigurationFile)!));
        // Of a founder it says that cluster.bootstrap goes once the cluster runs.
        var check = await CommandLine.CtlAsync(["check-config", .. isFounder ? [] : (string[])["--strict"], "--offline", "-f", ConfigurationFile]);
        Assert.True(check.ExitCode == 0, check.Output + check.Errors);
    }
}
