using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd.Cli;

/// <summary><c>wolfscale init</c>: told by options, or by another node's file.</summary>
public sealed class InitOptionsTests
{
    [Fact]
    public async Task What_is_given_stands_in_the_file_and_the_file_is_valid()
    {
        using var folder = new TempFolder("init");
        var (file, secret, password) = (Path.Combine(folder.Path, "config.toml"), Path.Combine(folder.Path, "secret"), Path.Combine(folder.Path, "password"));
        await File.WriteAllTextAsync(secret, "a secret of several words\n");
        await File.WriteAllTextAsync(password, "open \"sesame\"\n");

        var written = await CommandLine.RunAsync(
            "init", "--output", file, "--node-id", "node-1", "--bind", "0.0.0.0:7700", "--advertise", "10.0.10.10:7700", "--first", "--peer", "10.0.10.11:7700,10.0.10.12:7700",
            "--peer", "10.0.10.13:7700", "--cluster-name", "production", "--secret-file", secret, "--db-host", "127.0.0.1", "--db-port", "3310", "--db-socket", "/run/m.sock", "--db-user", "wolf",
            "--db-password-file", password, "--db-name", "shop", "--api-port", "8090", "--listen", "0.0.0.0:3400");
        Assert.True(written.ExitCode == 0, written.Errors);
        var values = Toml.Read(file);

        Assert.Equal(
            [
                "\"node-1\"", "\"0.0.0.0:7700\"", "\"10.0.10.10:7700\"", "true", "[\"10.0.10.11:7700\", \"10.0.10.12:7700\", \"10.0.10.13:7700\"]", "\"production\"",
                "\"a secret of several words\"", "\"127.0.0.1\"", "3310", "\"/run/m.sock\"", "\"wolf\"", "\"open \\\"sesame\\\"\"", "\"shop\"", "\"0.0.0.0:8090\"", "\"0.0.0.0:3400\"",
            ],
            ((string[])
            [
                "node.id", "node.bind_address", "node.advertise_address", "cluster.bootstrap", "cluster.peers", "cluster.cluster_name", "cluster.secret", "database.host", "database.port",
                "database.socket", "database.user", "database.password", "database.database", "api.bind_address", "proxy.bind_address",
            ]).Select(key => values[key]));
        var valid = await CommandLine.RunAsync("validate", "--offline", file);
        Assert.True(valid.ExitCode == 0, valid.Output);
    }

    [Fact]
    public async Task Another_nodes_file_gives_the_cluster_and_the_account()
    {
        using var folder = new TempFolder("init");
        var (first, second) = (Path.Combine(folder.Path, "1.toml"), Path.Combine(folder.Path, "2.toml"));
        Assert.Equal(0, (await CommandLine.RunAsync("init", "-o", first, "--node-id", "node-1", "--advertise", "10.0.10.10:7654", "--first", "--cluster-name", "p", "--peer", "10.0.10.11:7654")).ExitCode);

        var joining = await CommandLine.RunAsync("init", "-o", second, "--node-id", "node-2", "--advertise", "10.0.10.11:7654", "--like", first);
        Assert.True(joining.ExitCode == 0, joining.Errors);
        Assert.Contains("through 10.0.10.10:7654, of which one must be running", joining.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("start --bootstrap", joining.Output, StringComparison.Ordinal);

        var (one, two) = (Toml.Read(first), Toml.Read(second));
        Assert.All((string[])["cluster.secret", "cluster.cluster_name", "api.token", "database.user", "database.password"], key => Assert.Equal(one[key], two[key]));
        Assert.Equal("[\"10.0.10.10:7654\", \"10.0.10.11:7654\"]", two["cluster.peers"]);
        Assert.Equal("false", two["cluster.bootstrap"]);
    }

    /// <summary>Its peers' APIs are asked on the port of its own, and what it has no use for it does not get.</summary>
    [Fact]
    public async Task A_load_balancer_gets_the_cluster_and_not_the_account_and_is_told_what_is_its_own_to_do()
    {
        using var folder = new TempFolder("init");
        var (first, balancer) = (folder.File("1.toml"), folder.File("lb.toml"));
        Assert.Equal(0, (await CommandLine.RunAsync("init", "-o", first, "--node-id", "node-1", "--advertise", "10.0.10.10:7654", "--first", "--cluster-name", "p", "--peer", "10.0.10.11:7654", "--api-port", "8090")).ExitCode);

        var written = await CommandLine.RunAsync("init", "-o", balancer, "--for", "load-balancer", "--like", first, "--listen", "0.0.0.0:3306");

        Assert.True(written.ExitCode == 0, written.Errors);
        var (one, two) = (Toml.Read(first), Toml.Read(balancer));
        Assert.All((string[])["cluster.secret", "cluster.cluster_name", "api.token", "api.bind_address"], key => Assert.Equal(one[key], two[key]));
        Assert.Equal(("[\"10.0.10.10:7654\", \"10.0.10.11:7654\"]", "\"0.0.0.0:3306\"", "\"\"", "false"), (two["cluster.peers"], two["proxy.bind_address"], two["database.password"], two["cluster.bootstrap"]));
        Assert.Contains($"wolfscale load-balancer -c {balancer}", written.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("mariadb", written.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("first", written.Output, StringComparison.Ordinal);
        var other = await CommandLine.RunAsync("init", "-o", folder.File("x.toml"), "--for", "database");
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("load-balancer", other.Output + other.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--bind", "db-1:7654", "is a name")]
    [InlineData("--advertise", "0.0.0.0:7654", "no address that others can reach")]
    [InlineData("--api-port", "70000", "1 to 65535")]
    [InlineData("--secret-file", "/nonexistent/secret", "cannot be read")]
    [InlineData("--like", "/nonexistent/config.toml", "no configuration file")]
    public async Task What_cannot_be_is_refused_before_anything_is_written(string option, string value, string says)
    {
        using var folder = new TempFolder("init");
        var file = Path.Combine(folder.Path, "config.toml");

        var outcome = await CommandLine.RunAsync("init", "-o", file, option, value);

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains(says, outcome.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(file));
    }
}
